"""Every planned cell: folded by tuner, why it failed or is missing, and what the page tells of it on demand.

Thousands of searches fit into one page because the script makes their rows when somebody opens a fold: what it makes
them of are numbers, and texts that stand once however many searches share them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.analysis import SearchResult, Status, Tried, cost_usd
from harness.page import logs, markup, tuner_marks, tuner_table
from harness.page.markup import TableColumn, TableRow, Value
from harness.prices import Prices
from harness.reports import numerals
from harness.reports.numerals import MoneyUnit
from harness.results_folder import MatrixFolder
from harness.tuner_plot_styles import Style

_COSTS = ("search s", "total s", "device s", "joules", "thinking", "epochs", "trials")
_TRIAL_COSTS = ("ask s", "train s", "tell s")
_STATE = TableColumn(label="state", numeric=False)
_DIGITS = 4

_ROLES = {"search": "search", "learning_rate": "retraining at another learning rate"}

MOST_DETAILED = 2_000
"""Of more searches than these, trials and logs are told of those that failed alone."""

MOST_PROBLEMS = 200
"""Of more that ended badly, the first so many are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How much of each cell fits into a page that is to stay small: trials, and bytes of its log."""

    trials: int
    log_bytes: int

    @classmethod
    def among(cls, cells: int) -> Room:
        """Share a page's room among so many cells, with a least share for each."""
        share = max(1, cells)
        return cls(trials=max(3, 8_000 // share), log_bytes=min(2**14, max(2**8, 2**19 // share)))


class Texts:
    """Texts that many searches share, each kept once: a number stands for it."""

    def __init__(self) -> None:
        self.known: dict[str, int] = {}

    def __call__(self, text: str) -> int:
        """Return the number that stands for ``text``."""
        return self.known.setdefault(text, len(self.known))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """The searches of one tuner in one group, or their retrainings."""

    names: Mapping[str, str]
    role: str
    searches: Sequence[SearchResult]

    def count(self, status: Status) -> int:
        """Return how many ended so."""
        return sum(search.status is status for search in self.searches)


def folds(cells: Sequence[SearchResult]) -> list[Fold]:
    """Return the cells in the order of the matrix, those together that differ in their seed alone."""
    found: dict[tuple[str, ...], list[SearchResult]] = {}
    for cell in cells:
        found.setdefault((*_names(cell).values(), cell.planned.role), []).append(cell)
    return [Fold(names=_names(alike[0]), role=key[-1], searches=alike) for key, alike in found.items()]


def table(found: Sequence[Fold], looks: Mapping[str, Style], *, score: str) -> str:
    """Return a row for each fold, with the button that shows its searches; ``score`` is as ``macro-F1``."""
    telling = tuner_table.varying([fold.names for fold in found])
    numeric = ("seeds", *_scores(score), "search s")
    columns = [*tuner_table.heads(telling), TableColumn(label="what", numeric=False), *map(_column, numeric)]
    rows = [_fold_row(fold, number, telling, looks) for number, fold in enumerate(found)]
    return markup.table("searches-table", label="Searches by tuner", columns=columns, rows=rows)


def _fold_row(fold: Fold, number: int, telling: Sequence[str], looks: Mapping[str, Style]) -> TableRow:
    ok = [search for search in fold.searches if search.status is Status.OK]
    what = "searches" if fold.role == "search" else "retrainings"
    return TableRow(
        cells=[
            *(fold.names[name] for name in telling),
            what,
            Value(text=numerals.seeds(*(fold.count(status) for status in Status)), sort=float(len(ok))),
            _range([search.val_score for search in ok], numerals.score),
            _range([search.test_score for search in ok], numerals.score),
            _range([None if search.cost is None else search.cost.wall_s for search in ok], numerals.number),
        ],
        data={**fold.names, "role": fold.role, "fold": str(number)},
        button=f", {what} on {fold.names['dataset']} with {fold.names['backbone']}",
        mark=tuner_marks.swatch_of(fold.names["tuner"], looks),
    )


def _range(values: Sequence[float | None], shown: Callable[[float | None], str]) -> Value:
    """Return from where to where values go, sorted by the middle."""
    known = [value for value in values if value is not None]
    if not known:
        return tuner_table.UNKNOWN
    low, high = shown(min(known)), shown(max(known))
    return Value(text=low if low == high else f"{low} to {high}", sort=(min(known) + max(known)) / 2)


def document(
    found: Sequence[Fold], folder: MatrixFolder, *, prices: Prices, money: MoneyUnit, score: str
) -> dict[str, object]:
    """Return in JSON's terms what rows and details are made of.

    ``folds`` has a list for each fold, of a list for each search: its id, state, seed and numbers in the order of
    ``columns``. ``details`` are by id (``details``); they stand for failed searches alone where there are more than
    ``MOST_DETAILED``. ``texts`` are what their numbers stand for.
    """
    cells = [search for fold in found for search in fold.searches]
    room, texts = Room.among(len(cells)), Texts()
    told = [each for each in cells if len(cells) <= MOST_DETAILED or each.status is Status.FAILED]
    known = {each.planned.id: details(each, folder, room=room, score=score, texts=texts) for each in told}
    return {
        "columns": ["seed", "state", *_scores(score), *_COSTS[:4], money.label, *_COSTS[4:]],
        "states": [status.value for status in Status],
        "folds": [[_numbers(search, prices, money) for search in fold.searches] for fold in found],
        "details": known,
        "texts": list(texts.known),
        "left_out": len(cells) - len(told),
    }


def _numbers(search: SearchResult, prices: Prices, money: MoneyUnit) -> list[object]:
    told: list[object] = [search.planned.id, list(Status).index(search.status), search.planned.seed]
    spent = search.cost
    if spent is None:
        return told
    usd = cost_usd(spent, environment=search.environment, prices=prices).value
    costs = (spent.wall_s, search.total_s, spent.device_s, spent.energy_j.value, money.of(usd), spent.thinking_share)
    scores = (search.val_score, search.test_score)
    return [*told, *map(_rounded, scores), *map(_short, costs), spent.epochs, spent.trials]


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, _DIGITS)


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.3g}")


def problems(searches: Sequence[SearchResult]) -> str:
    """Return the failed and the missing cells, each with its reason; nothing where there is none."""
    bad = [search for search in searches if search.status is not Status.OK]
    if not bad:
        return ""
    telling = tuner_table.varying([_names(search) for search in searches])
    columns = [
        *tuner_table.heads(telling),
        _STATE,
        TableColumn(label="seed"),
        TableColumn(label="reason", numeric=False),
    ]
    rows = [_problem(search, telling) for search in bad[:MOST_PROBLEMS]]
    shown = markup.table("problems-table", label="Failed and missing searches", columns=columns, rows=rows)
    more = len(bad) - MOST_PROBLEMS
    return shown if more <= 0 else f"{shown}<p>And {more:,} more: they stand among the searches below.</p>"


def details(search: SearchResult, folder: MatrixFolder, *, room: Room, score: str, texts: Texts) -> dict[str, object]:
    """Return what the page shows of a cell on demand, in JSON's terms: facts, trials, and the end of the log.

    Facts and heads are numbers of ``texts``; so is a trial's outcome, and what a hyperparameter was where it is text.
    """
    shown, tuned = _shown(search, room.trials), _tuned(search)
    log = logs.tail(folder.cell(search.planned.id).log, kept_bytes=room.log_bytes)
    return {
        "facts": [texts(text) for fact in _facts(search) for text in fact],
        "columns": [texts(text) for text in _trial_columns(score, tuned)],
        "trials": [_trial(trial, tuned, texts) for trial in shown],
        "trials_left_out": len(search.tried) - len(shown),
        "best": search.incumbent.trial if search.incumbent is not None else None,
        "log": None if log is None else log.text,
        "log_left_out_bytes": 0 if log is None else log.left_out_bytes,
    }


def _trial_columns(score: str, tuned: Sequence[str]) -> list[str]:
    return ["trial", "epochs", "outcome", *_scores(score), *_TRIAL_COSTS, *tuned]


def _scores(score: str) -> tuple[str, str]:
    return f"val {score}", f"test {score}"


def _column(label: str) -> TableColumn:
    return TableColumn(label=label)


def _names(search: SearchResult) -> dict[str, str]:
    name = search.planned.name
    return {**name.group._asdict(), "tuner": name.tuner}


def _problem(search: SearchResult, telling: Sequence[str]) -> TableRow:
    names = _names(search)
    return TableRow(
        cells=[
            *(names[name] for name in telling),
            search.status.value,
            _seed(search),
            search.reason or "no reason was noted",
        ],
        data={**names, "status": search.status.value},
        link=f"#cell-{search.planned.id}",
    )


def _seed(search: SearchResult) -> Value:
    return Value(text=str(search.planned.seed), sort=float(search.planned.seed))


def _facts(search: SearchResult) -> list[tuple[str, str]]:
    found = [("cell", search.planned.id), ("what", _ROLES.get(search.planned.role, search.planned.role))]
    if search.reason is not None:
        found.append((search.status.value, search.reason))
    record = search.record
    if record is None:
        return found
    if record.ended is not None:
        found.append(("ended by", record.ended))
    found += [("started", str(record.started_at)), ("attempts", str(record.attempts))]
    found.append(("trials by outcome", _outcomes(search)))
    if search.cost is not None and search.cost.energy_j.value is None:
        found.append(("joules unknown", str(search.cost.energy_j.reason)))
    fixed = ", ".join(f"{key} {_spelt(value)}" for key, value in _fixed(search).items())
    return [*found, *([("fixed", fixed)] if fixed else [])]


def _outcomes(search: SearchResult) -> str:
    found = search.cost.outcomes if search.cost is not None else {}
    return ", ".join(f"{spent.trials} {outcome.value.replace('_', ' ')}" for outcome, spent in found.items()) or "none"


def _tuned(search: SearchResult) -> list[str]:
    fixed = search.asked.fixed
    return list(dict.fromkeys(key for trial in search.tried for key in trial.parameters if key not in fixed))


def _fixed(search: SearchResult) -> Mapping[str, object]:
    tuned = set(_tuned(search))
    first = search.tried[0].parameters if search.tried else {}
    return {key: value for key, value in first.items() if key not in tuned}


def _shown(search: SearchResult, most: int) -> list[Tried]:
    """Return the first trials, and the incumbent's too where it came later."""
    shown = list(search.tried[:most])
    best = search.incumbent.trial if search.incumbent is not None else None
    return shown + [trial for trial in search.tried[most:] if trial.number == best]


def _trial(trial: Tried, tuned: Sequence[str], texts: Texts) -> list[object]:
    outcome = trial.outcome.value.replace("_", " ")
    return [
        trial.number,
        texts(_epochs(trial)),
        texts(outcome if trial.reason is None else f"{outcome}: {trial.reason}"),
        *map(_rounded, (trial.score, trial.test_score)),
        *map(_short, (trial.ask_s, trial.train_s, trial.tell_s)),
        *(texts(_spelt(trial.parameters.get(key))) for key in tuned),
    ]


def _epochs(trial: Tried) -> str:
    if trial.epochs == 0:
        return f"none of {trial.last_epoch}"
    return f"{trial.first_epoch}–{trial.first_epoch + trial.epochs - 1} of {trial.last_epoch}"


def _spelt(value: object) -> str:
    if value is None:
        return numerals.UNKNOWN
    return f"{value:.3g}" if isinstance(value, float) else str(value)
