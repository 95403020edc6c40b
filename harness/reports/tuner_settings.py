"""What each tuner was told, and what its library's users would tell it: so that nobody has to take it on trust."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.analysis import MatrixResults, SearchResult
from harness.catalogue import derived_tuner_settings, hyperband_brackets
from harness.catalogue.tuner_libraries import LIBRARIES
from harness.catalogue.tuners import OWN
from harness.cells import Cell
from harness.reports import table_notes
from harness.reports.numerals import UNKNOWN
from harness.reports.report_types import CsvValue, Report, TableSection
from harness.space import Choice, Range

COLUMNS = (
    *("tuner", "is", "pruner", "hyperparameters", "expected_trials"),
    *("startup_option", "startup_trials", "library_startup_trials"),
    *("after_an_epoch", "library_after_an_epoch", "at_the_end", "library_at_the_end"),
    *("brackets", "min_resource", "max_resource", "reduction_factor"),
    *("numeric_choices", "library_numeric_choices", "text_choices", "steps", "library_steps"),
    *("tuner_threads", "searches"),
)
"""Heads of the spreadsheet."""

_SECTIONS = (
    ("Random start", ("expected_trials", "startup_option", "startup_trials", "library_startup_trials")),
    ("Scores", ("after_an_epoch", "library_after_an_epoch", "at_the_end", "library_at_the_end")),
    ("Brackets, as trials × epochs, and rungs", ("brackets", "min_resource", "max_resource", "reduction_factor")),
    (
        "What the tuner is shown of a domain",
        ("numeric_choices", "library_numeric_choices", "text_choices", "steps", "library_steps", "tuner_threads"),
    ),
)
_HEADS = {
    "expected_trials": "expected trials",
    "startup_option": "option",
    "startup_trials": "random start",
    "library_startup_trials": "library's own",
    "after_an_epoch": "after an epoch",
    "library_after_an_epoch": "its users after an epoch",
    "at_the_end": "at the end",
    "library_at_the_end": "its users at the end",
    "min_resource": "first epoch",
    "max_resource": "last epoch",
    "reduction_factor": "one in",
    "numeric_choices": "choices of numbers",
    "library_numeric_choices": "library's own",
    "text_choices": "choices of words",
    "library_steps": "library's own",
    "tuner_threads": "threads",
}
_PLACE, _CATEGORY, _VALUE = "place", "category", "value"
_AFTER = {"best": "best so far", "last": "that epoch's", None: "nothing"}


def report(results: MatrixResults) -> Report:
    """Return a row for each tuner of the plan; several where its hyperparameter sets have it told differently."""
    rows = _rows(results)
    return Report(
        name="told",
        title="What tuners were told",
        sections=[_section(heading, columns, rows) for heading, columns in _SECTIONS] if rows else [],
        notes=[
            "At its end a trial that diverged counts with its best before that, else 0; one that failed has no score.",
            "Of a trial that was pruned Optuna takes what it was told last.",
            "What the users of Optuna report and return is up to them: this is what its examples do.",
            "A place is a value's number in the list of all; a category is one without an order.",
            *table_notes.left_out(results, results.searches),
        ],
        columns=COLUMNS,
        rows=rows,
        empty="No searches were planned.",
    )


def _section(heading: str, columns: Sequence[str], rows: Sequence[dict[str, CsvValue]]) -> TableSection:
    several = len({row["tuner"] for row in rows}) < len(rows)
    names = ["tuner", "hyperparameters"] if several else ["tuner"]
    return TableSection(
        heading=heading,
        columns=[*names, *(_HEADS.get(name, name) for name in columns)],
        rows=[[_text(row.get(name)) for name in (*names, *columns)] for row in rows],
        text_columns=len(names),
    )


def _rows(results: MatrixResults) -> list[dict[str, CsvValue]]:
    found: dict[tuple[tuple[str, CsvValue], ...], list[SearchResult]] = {}
    for search in results.searches:
        found.setdefault(tuple(_values(search).items()), []).append(search)
    rows = [{**dict(key), "hyperparameters": _sets(alike), "searches": len(alike)} for key, alike in found.items()]
    known = {row["tuner"] for row in rows if "is" in row}
    # A tuner whose searches are all missing keeps its row; one that is known needs none for its missing searches.
    return [row for row in rows if "is" in row or row["tuner"] not in known]


def _sets(searches: Sequence[SearchResult]) -> str:
    return ", ".join(dict.fromkeys(search.planned.hyperparameters for search in searches))


def _values(search: SearchResult) -> dict[str, CsvValue]:
    """Return what the recorded cell had its tuner told, by column; its name alone where that is unknown."""
    cell = _cell(search)
    if cell is None:
        return {"tuner": search.planned.tuner}
    return {
        "tuner": search.planned.tuner,
        "is": cell.tuner.tuner,
        "pruner": cell.tuner.pruner,
        **_started(cell),
        **_scored(cell),
        **_rungs(cell),
        **_shown(cell),
        "tuner_threads": _whole(search.asked.section("protocol").get("tuner_threads")),
    }


def _cell(search: SearchResult) -> Cell | None:
    try:
        return None if search.record is None else Cell.model_validate(search.record.cell.told)
    except ValueError:
        return None


def _started(cell: Cell) -> dict[str, CsvValue]:
    expected = derived_tuner_settings.expected_trials(cell.budget, cell.protocol.epochs_per_trial)
    start = derived_tuner_settings.startup(cell.tuner, cell.space, expected)
    if start is None:
        return {"expected_trials": expected}
    return {
        "expected_trials": expected,
        "startup_option": start.option,
        "startup_trials": start.trials,
        "library_startup_trials": start.library,
    }


def _scored(cell: Cell) -> dict[str, CsvValue]:
    library = derived_tuner_settings.library(cell.tuner)
    if cell.tuner.tuner == OWN:
        return {"after_an_epoch": _AFTER["last"], "at_the_end": "best epoch's"}
    if library is None:
        return {"after_an_epoch": "nothing", "at_the_end": "nothing"}
    unread = (
        ""
        if derived_tuner_settings.reported(cell.tuner) is None or cell.tuner.pruner != "none"
        else ", and no pruner reads it"
    )
    return {
        "after_an_epoch": f"{_AFTER[derived_tuner_settings.reported(cell.tuner)]}{unread}",
        "at_the_end": "best epoch's",
        **{name: text for name, text in LIBRARIES[library].users_tell.items() if name.endswith(("epoch", "end"))},
    }


def _rungs(cell: Cell) -> dict[str, CsvValue]:
    epochs = cell.protocol.epochs_per_trial
    if cell.tuner.tuner == "kt-hyperband":
        factor = hyperband_brackets.factor(cell.tuner)
        brackets = hyperband_brackets.brackets(epochs, factor)
        text = "; ".join(", ".join(f"{rung.trials} × {rung.epochs}" for rung in bracket) for bracket in brackets)
        first = min(bracket[0].epochs for bracket in brackets)
        return {"brackets": text, "min_resource": first, "max_resource": epochs, "reduction_factor": factor}
    options = derived_tuner_settings.pruner_options(cell.tuner, epochs)
    return {name: _whole(options.get(name)) for name in ("min_resource", "max_resource", "reduction_factor")}


def _shown(cell: Cell) -> dict[str, CsvValue]:
    library = derived_tuner_settings.library(cell.tuner)
    if library is None:
        return {}
    kinds: dict[str, Callable[[Range | Choice], bool]] = {
        "numeric_choices": lambda domain: isinstance(domain, Choice) and domain.ordered,
        "text_choices": lambda domain: isinstance(domain, Choice) and not domain.ordered,
        "steps": lambda domain: isinstance(domain, Range) and derived_tuner_settings.is_listed(domain),
    }
    found: dict[str, CsvValue] = {}
    for name, is_kind in kinds.items():
        alike = [domain for domain in cell.space.tuned.values() if is_kind(domain)]
        if alike:
            found[name] = _place(cell, alike[0])
            found |= {own: text for own, text in LIBRARIES[library].users_tell.items() if own == f"library_{name}"}
    return found


def _place(cell: Cell, domain: Range | Choice) -> str:
    """Return as what the cell's tuner is shown the values of ``domain``."""
    if not derived_tuner_settings.is_listed(domain):
        return _VALUE
    return (
        _CATEGORY
        if isinstance(domain, Choice) and not derived_tuner_settings.is_ordered(cell.tuner, domain)
        else _PLACE
    )


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(value: CsvValue) -> str:
    return UNKNOWN if value is None else str(value)
