"""Searches as studies of an Optuna storage, which Optuna and optuna-dashboard open."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harness.exports.exported_searches import Export, ExportedSearch, ExportedTrial
from harness.search_types import Outcome, Value
from harness.space import Choice, Fixed, Range

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution

JOURNAL = ".log"
"""What the name of a storage ends in that is a journal; every other is a database of SQLite."""


def write(path: Path, export: Export) -> None:
    """Write a study for each search, with its facts and those of its trials as user attributes.

    A trial's value is the best validation score that its tuner was told, its intermediate values are those of its
    epochs. Values of the fixed hyperparameters are the study's attributes ``fixed.NAME``.
    """
    with _silent(), _storage(path) as storage:
        for search in export.searches():
            _add(search, storage)


@contextmanager
def _storage(path: Path) -> Iterator[optuna.storages.BaseStorage]:
    import optuna  # noqa: PLC0415 - takes a while, and no other command needs it
    from optuna.storages.journal import JournalFileBackend  # noqa: PLC0415 - see above

    if path.suffix == JOURNAL:
        yield optuna.storages.JournalStorage(JournalFileBackend(str(path)))
        return
    database = optuna.storages.RDBStorage(f"sqlite:///{path}")
    try:
        yield database
    finally:
        database.remove_session()
        database.engine.dispose()


def _add(search: ExportedSearch, storage: optuna.storages.BaseStorage) -> None:
    import optuna  # noqa: PLC0415 - see above

    study = optuna.create_study(storage=storage, study_name=search.study, direction="maximize")
    fixed = {f"fixed.{name}": value for name, value in search.fixed.items()}
    for name, value in {**search.facts, **fixed}.items():
        study.set_user_attr(name, value)
    distributions = _distributions(search)
    study.add_trials([_trial(each, distributions) for each in search.trials])


def _trial(each: ExportedTrial, distributions: Mapping[str, BaseDistribution]) -> optuna.trial.FrozenTrial:
    from optuna.trial import TrialState, create_trial  # noqa: PLC0415 - see above

    ended = TrialState.PRUNED if each.trial.outcome is Outcome.PRUNED else TrialState.COMPLETE
    made = create_trial(
        state=TrialState.FAIL if each.score is None else ended,
        value=each.score,
        params={name: each.trial.parameters[name] for name in distributions},
        distributions=dict(distributions),
        user_attrs=dict(each.facts),
        intermediate_values=each.curve,
    )
    made.datetime_start, made.datetime_complete = _local(each.began_at), _local(each.ended_at)
    return made


def _local(moment: dt.datetime) -> dt.datetime:
    """Return a moment as Optuna has it: local, and without a time zone."""
    return moment.astimezone().replace(tzinfo=None)


def _distributions(search: ExportedSearch) -> dict[str, BaseDistribution]:
    return {
        name: _distribution(domain, [each.trial.parameters[name] for each in search.trials])
        for name, domain in search.domains.items()
    }


def _distribution(domain: Range | Choice | Fixed, tried: Sequence[Value]) -> BaseDistribution:
    """Return the domain as Optuna has it; wide enough for a value that rounding carried past its end."""
    from optuna import distributions  # noqa: PLC0415 - see above

    if not isinstance(domain, Range):
        choices = domain.choices if isinstance(domain, Choice) else (domain.value,)
        return distributions.CategoricalDistribution(choices)
    if domain.integer:
        step = 1 if domain.step is None else int(domain.step)
        return distributions.IntDistribution(int(domain.low), int(domain.high), log=domain.log, step=step)
    numbers = [domain.low, domain.high, *(float(value) for value in tried)]
    return distributions.FloatDistribution(min(numbers), max(numbers), log=domain.log, step=domain.step)


@contextmanager
def _silent() -> Iterator[None]:
    """Keep Optuna from telling standard error of each study."""
    import optuna  # noqa: PLC0415 - see above

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
