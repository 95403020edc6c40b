"""Studies of an Optuna storage as foreign searches."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import ResultsError
from harness.foreign_searches import foreign_records
from harness.foreign_searches.foreign_records import ForeignSearch
from harness.search_types import Outcome, Trial

if TYPE_CHECKING:
    import optuna


def read(storage: str, names: Sequence[str] = ()) -> Iterator[ForeignSearch]:
    """Yield the studies of a storage, all or those that are named, with their trials that ended.

    Args:
        storage: A URL as Optuna takes it, or the path of a SQLite database or of a journal.
        names: Names of studies.

    Raises:
        ResultsError: It can't be opened, has no such study, or one that doesn't maximise a single score from 0 to 1.
    """
    import optuna  # noqa: PLC0415 - takes a while, and no other command needs it

    try:
        opened = _opened(storage)
        known = optuna.get_all_study_names(opened)
    except Exception as error:  # Each kind of storage has errors of its own.
        raise ResultsError(f"{storage}: Optuna can't open it: {error}") from error
    for name in names or known:
        if name not in known:
            raise ResultsError(f"{storage}: has no study {name!r}; it has {', '.join(known) or 'none'}")
        yield _search(optuna.load_study(study_name=name, storage=opened), storage)


def _opened(storage: str) -> str | optuna.storages.BaseStorage:
    import optuna  # noqa: PLC0415 - see above
    from optuna.storages.journal import JournalFileBackend  # noqa: PLC0415 - see above

    if "://" in storage:
        return storage
    path = Path(storage).expanduser()
    with path.open("rb") as stream:
        is_database = stream.read(16).startswith(b"SQLite format 3")
    return f"sqlite:///{path}" if is_database else optuna.storages.JournalStorage(JournalFileBackend(str(path)))


def _search(study: optuna.Study, storage: str) -> ForeignSearch:
    if [direction.name for direction in study.directions] != ["MAXIMIZE"]:
        raise ResultsError(f"{storage}: study {study.study_name!r} doesn't maximise one score; leave it out (--study)")
    ended = [trial for trial in study.trials if trial.state.is_finished()]
    began = min(
        (trial.datetime_start for trial in ended if trial.datetime_start), default=dt.datetime.now().astimezone()
    )
    return ForeignSearch(
        called=study.study_name,
        trials=[_trial(number, trial) for number, trial in enumerate(ended)],
        began_at=began.astimezone().isoformat(timespec="seconds"),
    )


def _trial(number: int, trial: optuna.trial.FrozenTrial) -> Trial:
    outcomes = {"COMPLETE": Outcome.COMPLETED, "PRUNED": Outcome.PRUNED}
    scores = {step: value for step, value in trial.intermediate_values.items() if math.isfinite(value)}
    if trial.value is not None and trial.value > max(scores.values(), default=-math.inf):
        scores[max(scores, default=0) + 1] = trial.value
    parameters = {
        name: value if isinstance(value, int | float | str) else str(value) for name, value in trial.params.items()
    }
    parameters = {name: str(value) if isinstance(value, bool) else value for name, value in parameters.items()}
    outcome = outcomes.get(trial.state.name, Outcome.FAILED)
    return foreign_records.trial(number, parameters, scores, outcome=outcome)
