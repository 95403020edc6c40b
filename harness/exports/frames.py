"""Records and tables as polars frames; ``.to_pandas()`` makes pandas ones of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from harness.analysis import MatrixResults, SearchResult, cost_usd
from harness.prices import Prices
from harness.reports.report_types import Report
from harness.search_types import Parameters

if TYPE_CHECKING:
    import polars as pl

Row = Mapping[str, object]

PARAMETER = "params_"
"""What the columns of hyperparameters begin with."""


def searches(results: MatrixResults, *, prices: Prices) -> pl.DataFrame:
    """Return a row for each planned search.

    Columns: ``id``; ``dataset``, ``backbone``, ``hyperparameters``, ``tuner``, ``seed`` as the matrix calls them;
    ``status`` (``ok``, ``failed``, ``missing``) with its ``reason``; ``metric``, and the incumbent's ``val_score`` and
    ``test_score`` in it, 0 to 1; ``epochs`` and ``trials`` charged; ``search_s`` (all that the search is charged for),
    ``total_s`` (the whole process), ``device_s``, ``thinking_s`` and ``cpu_s`` in seconds; ``energy_j`` in joules;
    ``usd``; ``is_disturbed`` where its seconds aren't to be trusted; and ``params_…``, the incumbent's hyperparameters.
    What is unknown is null.
    """
    return _frame([search_row(each, prices) for each in results.searches], _SEARCH)


def trials(results: MatrixResults) -> pl.DataFrame:
    """Return a row for each trial, in the order of the searches and of time.

    Columns: those that name the search; ``trial``, its number from 0 on; ``outcome`` with its ``reason``; ``score``,
    the best validation score as its tuner was told, and ``test_score`` of that epoch where it was scored; ``epochs``
    charged, of ``first_epoch`` to ``last_epoch`` asked for; ``parent``, the trial that it continued; ``search_s``, and
    of these ``ask_s``, ``train_s`` and ``tell_s``; and ``params_…``.
    """
    return _frame([row for each in results.searches for row in trial_rows(each)], _TRIAL)


def epochs(results: MatrixResults) -> pl.DataFrame:
    """Return a row for each epoch of each trial: its scores and loss, and seconds of training and evaluation."""
    return _frame([row for each in results.searches for row in _epochs(each)], _EPOCH)


def of_report(report: Report) -> pl.DataFrame:
    """Return the numbers of a table, with the columns of its CSV."""
    rows = [{name: row.get(name) for name in report.columns} for row in report.rows]
    return _frame(rows, dict.fromkeys(report.columns))


_NAME: dict[str, type | None] = {
    "id": str,
    "dataset": str,
    "backbone": str,
    "hyperparameters": str,
    "tuner": str,
    "seed": int,
}
_SEARCH = {
    **_NAME,
    "training_seed": int,
    "status": str,
    "reason": str,
    "metric": str,
    "val_score": float,
    "test_score": float,
    "epochs": int,
    "trials": int,
    "search_s": float,
    "total_s": float,
    "device_s": float,
    "thinking_s": float,
    "cpu_s": float,
    "energy_j": float,
    "usd": float,
    "is_disturbed": bool,
}
_TRIAL = {
    **_NAME,
    "trial": int,
    "outcome": str,
    "reason": str,
    "score": float,
    "test_score": float,
    "epochs": int,
    "first_epoch": int,
    "last_epoch": int,
    "parent": int,
    "search_s": float,
    "ask_s": float,
    "train_s": float,
    "tell_s": float,
}
_EPOCH = {
    **_NAME,
    "trial": int,
    "epoch": int,
    "val_score": float,
    "test_score": float,
    "loss": float,
    "train_s": float,
    "evaluate_s": float,
}


def search_row(search: SearchResult, prices: Prices) -> Row:
    """Return the row of a search in ``searches``."""
    cost = search.cost
    spent: Row = (
        {}
        if cost is None
        else {
            "epochs": cost.epochs,
            "trials": cost.trials,
            "search_s": cost.wall_s,
            "device_s": cost.device_s,
            "thinking_s": cost.thinking_s,
            "cpu_s": cost.cpu_s,
            "energy_j": cost.energy_j.value,
            "usd": cost_usd(cost, environment=search.environment, prices=prices).value,
        }
    )
    return {
        **_named(search),
        "training_seed": search.training_seed,
        "status": search.status.value,
        "reason": search.reason,
        "metric": search.metric,
        "val_score": search.val_score,
        "test_score": search.test_score,
        "total_s": search.total_s,
        "is_disturbed": search.is_disturbed,
        **spent,
        **_parameters(search.best),
    }


def trial_rows(search: SearchResult) -> Iterator[Row]:
    """Yield the rows of a search in ``trials``."""
    for trial in search.tried:
        yield {
            **_named(search),
            "trial": trial.number,
            "outcome": trial.outcome.value,
            "reason": trial.reason,
            "score": trial.score,
            "test_score": trial.test_score,
            "epochs": trial.epochs,
            "first_epoch": trial.first_epoch,
            "last_epoch": trial.last_epoch,
            "parent": trial.parent,
            "search_s": trial.wall_s,
            "ask_s": trial.ask_s,
            "train_s": trial.train_s,
            "tell_s": trial.tell_s,
            **_parameters(trial.parameters),
        }


def _epochs(search: SearchResult) -> Iterator[Row]:
    for trial in search.trials:
        for epoch in trial.epochs:
            yield {
                **_named(search),
                "trial": trial.number,
                "epoch": epoch.epoch,
                "val_score": epoch.val_score,
                "test_score": epoch.test_score,
                "loss": epoch.loss,
                "train_s": epoch.train_s,
                "evaluate_s": epoch.evaluate_s,
            }


def _named(search: SearchResult) -> Row:
    return {"id": search.planned.id, **search.planned.name._asdict()}


def _parameters(found: Parameters) -> Row:
    return {f"{PARAMETER}{name}": value for name, value in found.items()}


def _frame(rows: Sequence[Row], columns: Mapping[str, type | None]) -> pl.DataFrame:
    """Return a frame with these columns, and behind them what else the rows hold; the types given, or found."""
    import polars as pl  # noqa: PLC0415 - takes a tenth of a second, and most callers want no frame

    others = dict.fromkeys(name for row in rows for name in row if name not in columns)
    series = [_series(name, [row.get(name) for row in rows], columns.get(name)) for name in (*columns, *others)]
    return pl.DataFrame(series)


def _series(name: str, values: Sequence[object], kind: type | None) -> pl.Series:
    import polars as pl  # noqa: PLC0415 - see above

    found = {type(value) for value in values if value is not None}
    if kind is None and len(found) > 1:
        # A column has one type: numbers are floats, and beside words they are words.
        kind = float if found <= {int, float} else str
    if kind is str:
        values = [None if value is None else str(value) for value in values]
    types = {str: pl.String, int: pl.Int64, float: pl.Float64, bool: pl.Boolean}
    return pl.Series(name, values, dtype=None if kind is None else types[kind], strict=False)
