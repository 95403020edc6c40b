"""How trials ended, and which shares of the budget went into them."""

from __future__ import annotations

from collections.abc import Mapping

from harness import text_sanitising
from harness.analysis import NOTHING, Group, MatrixResults, Row, Spent, groups
from harness.reports import numerals, table_notes
from harness.reports.report_types import CsvValue, Report, TableSection
from harness.results_folder import GroupName
from harness.search_types import Outcome

LOST = (Outcome.DIVERGED, Outcome.FAILED, Outcome.OUT_OF_MEMORY)
"""Trials that ended so found nothing to keep."""

_NOTABLE_SHARE = 0.25

COLUMNS = (
    *(*GroupName._fields, "tuner", "seeds_ok", "epochs", "wall_s"),
    *(f"{outcome.value}_{column}" for outcome in Outcome for column in ("trials", "epochs_share", "wall_s_share")),
)
"""Heads of the spreadsheet."""

_NOTES = (
    "Share of the epochs charged to a row's finished searches that went into trials which ended so.",
    "In brackets stands the number of these trials. The CSV has the shares of search seconds too.",
    "Pruned is not wasted: stopping bad trials early is how a tuner saves.",
)


def report(results: MatrixResults) -> Report:
    """Return which shares of the budget went into completed, pruned, diverged, failed and cut trials."""
    found = groups(results)
    return Report(
        name="outcomes",
        title="How trials ended",
        sections=[_section(group) for group in found],
        notes=[*(_NOTES if found else ()), *table_notes.beneath(results, found)],
        columns=COLUMNS,
        rows=[_values(group, row) for group in found for row in group.rows],
        empty="No searches were planned.",
    )


def lost(group: Group) -> list[str]:
    """Return a note on each row in which more than a quarter of the epochs went into trials that found nothing."""
    found = []
    for row in group.rows:
        whole, wasted = _sum(row, tuple(Outcome)), _sum(row, LOST)
        share = _share(wasted.epochs, whole.epochs)
        if share is not None and share > _NOTABLE_SHARE:
            trials = f"{wasted.trials} of {text_sanitising.counted(whole.trials, 'trial')}"
            went = f"{numerals.percent(share)} of the epochs went into {trials}"
            found.append(f"{row.tuner}: {went} that diverged, failed or ran out of memory.")
    return found


def _section(group: Group) -> TableSection:
    return TableSection(
        heading=str(group.name),
        columns=["tuner", *(outcome.value.replace("_", " ") for outcome in Outcome), "epochs"],
        rows=[_readable(row) for row in group.rows],
    )


def _readable(row: Row) -> list[str]:
    epochs = _sum(row, tuple(Outcome)).epochs
    shown = [_shown(row.outcomes.get(outcome, NOTHING), epochs) for outcome in Outcome]
    return [row.tuner, *shown, str(epochs) if row.ok else numerals.UNKNOWN]


def _shown(spent: Spent, epochs: int) -> str:
    return f"{numerals.percent(_share(spent.epochs, epochs))} ({spent.trials})" if spent.trials else numerals.UNKNOWN


def _values(group: Group, row: Row) -> Mapping[str, CsvValue]:
    names: dict[str, CsvValue] = {**group.name._asdict(), "tuner": row.tuner, "seeds_ok": len(row.ok)}
    if not row.ok:
        return names
    whole = _sum(row, tuple(Outcome))
    for outcome in Outcome:
        spent = row.outcomes.get(outcome, NOTHING)
        names[f"{outcome.value}_trials"] = spent.trials
        names[f"{outcome.value}_epochs_share"] = _share(spent.epochs, whole.epochs)
        names[f"{outcome.value}_wall_s_share"] = _share(spent.wall_s, whole.wall_s)
    return {**names, "epochs": whole.epochs, "wall_s": whole.wall_s}


def _sum(row: Row, outcomes: tuple[Outcome, ...]) -> Spent:
    return sum((row.outcomes.get(outcome, NOTHING) for outcome in outcomes), start=NOTHING)


def _share(part: float | None, whole: float | None) -> float | None:
    return part / whole if part is not None and whole else None
