"""Every planned cell: its row, why it failed or is missing, and what the page tells of it on demand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.analysis import SearchResult, Status, Tried, cost_usd
from harness.page import logs, markup, tuner_table
from harness.page.markup import TableColumn, TableRow, Value
from harness.prices import Prices
from harness.reports import numerals
from harness.results_folder import MatrixFolder

_COSTS = ("search s", "total s", "device s", "joules", "USD", "thinking", "epochs", "trials")
_TRIAL_COSTS = ("ask s", "train s", "tell s")
_STATE = TableColumn(label="state", numeric=False)

_ROLES = {"search": "search", "learning_rate": "retraining at another learning rate"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How much of each cell fits into a page that is to stay small: trials, and bytes of its log."""

    trials: int
    log_bytes: int

    @classmethod
    def among(cls, cells: int) -> Room:
        """Share a page's room among so many cells, with a least share for each."""
        share = max(1, cells)
        return cls(trials=max(10, 40_000 // share), log_bytes=min(2**14, max(2**9, 2**22 // share)))


def table(searches: Sequence[SearchResult], *, prices: Prices, score: str) -> str:
    """Return a row for each planned search or retraining, with the button that shows its trials and log.

    ``score`` is what the score is called, as ``macro-F1``.
    """
    telling = tuner_table.varying([_names(search) for search in searches])
    columns = [*tuner_table.heads(telling), _STATE, *map(_column, ("seed", *_scores(score), *_COSTS))]
    rows = [_row(search, telling, prices) for search in searches]
    return markup.table("searches-table", label="Every search", columns=columns, rows=rows)


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
    rows = [_problem(search, telling) for search in bad]
    return markup.table("problems-table", label="Failed and missing searches", columns=columns, rows=rows)


def details(search: SearchResult, folder: MatrixFolder, *, room: Room, score: str) -> dict[str, object]:
    """Return what the page shows of a cell on demand, in JSON's terms: facts, trials, and the end of the log."""
    shown = _shown(search, room.trials)
    tuned = _tuned(search)
    log = logs.tail(folder.cell(search.planned.id).log, kept_bytes=room.log_bytes)
    return {
        "facts": _facts(search),
        "columns": ["trial", "epochs", "outcome", *_scores(score), *_TRIAL_COSTS, *tuned],
        "trials": [_trial(trial, tuned) for trial in shown],
        "trials_left_out": len(search.tried) - len(shown),
        "best": search.incumbent.trial if search.incumbent is not None else None,
        "log": None if log is None else log.text,
        "log_left_out_bytes": 0 if log is None else log.left_out_bytes,
    }


def _scores(score: str) -> tuple[str, str]:
    return f"val {score}", f"test {score}"


def _column(label: str) -> TableColumn:
    return TableColumn(label=label)


def _names(search: SearchResult) -> dict[str, str]:
    name = search.planned.name
    return {**name.group._asdict(), "tuner": name.tuner}


def _row(search: SearchResult, telling: Sequence[str], prices: Prices) -> TableRow:
    names = _names(search)
    return TableRow(
        cells=[*(names[name] for name in telling), search.status.value, _seed(search), *_measured(search, prices)],
        data={**names, "role": search.planned.role, "status": search.status.value, "cell": search.planned.id},
        button=f", trials and log of seed {search.planned.seed} on {names['dataset']} with {names['backbone']}",
    )


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


def _measured(search: SearchResult, prices: Prices) -> list[Value]:
    spent = search.cost
    if spent is None:
        return [Value(text=numerals.UNKNOWN)] * (len(_scores("")) + len(_COSTS))
    usd = cost_usd(spent, environment=search.environment, prices=prices).value
    return [
        Value(text=numerals.score(search.val_score), sort=search.val_score),
        Value(text=numerals.score(search.test_score), sort=search.test_score),
        Value(text=numerals.number(spent.wall_s), sort=spent.wall_s),
        Value(text=numerals.number(search.total_s), sort=search.total_s),
        Value(text=numerals.number(spent.device_s), sort=spent.device_s),
        Value(text=numerals.number(spent.energy_j.value), sort=spent.energy_j.value),
        Value(text=numerals.usd(usd), sort=usd),
        Value(text=numerals.percent(spent.thinking_share), sort=spent.thinking_share),
        Value(text=numerals.count(spent.epochs), sort=float(spent.epochs)),
        Value(text=numerals.count(spent.trials), sort=float(spent.trials)),
    ]


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
    fixed = ", ".join(f"{key} {_short(value)}" for key, value in _fixed(search).items())
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


def _trial(trial: Tried, tuned: Sequence[str]) -> list[str]:
    outcome = trial.outcome.value.replace("_", " ")
    return [
        str(trial.number),
        _epochs(trial),
        outcome if trial.reason is None else f"{outcome}: {trial.reason}",
        numerals.score(trial.score),
        numerals.score(trial.test_score),
        *map(numerals.number, (trial.ask_s, trial.train_s, trial.tell_s)),
        *(_short(trial.parameters.get(key)) for key in tuned),
    ]


def _epochs(trial: Tried) -> str:
    if trial.epochs == 0:
        return f"none of {trial.last_epoch}"
    return f"{trial.first_epoch}–{trial.first_epoch + trial.epochs - 1} of {trial.last_epoch}"


def _short(value: object) -> str:
    if value is None:
        return numerals.UNKNOWN
    return f"{value:.3g}" if isinstance(value, float) else str(value)
