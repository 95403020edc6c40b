"""What every export tells of a search: its name, what is known of it, and its trials with their place in time."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path, PurePosixPath

from harness.analysis import MatrixResults, SearchResult
from harness.exports import frames
from harness.phase_clock import on_the_clock
from harness.prices import Prices
from harness.record_schema import EnvironmentTable
from harness.results_folder import SearchName
from harness.search_types import Outcome, Parameters, Trial, Value
from harness.space import Choice, Domain

Fact = str | int | float | bool
Facts = Mapping[str, Fact]
"""What is known, by its name with the unit; what is unknown is not among it, and never 0."""

_OF_EPOCHS = ("val_score", "test_score", "loss", "train_s", "evaluate_s")
_FILES = ("record.json", "trials.jsonl", "worker.log")
_MACHINE = ("device", "cpu_model", "logical_cpus", "memory_bytes", "platform", "python")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedTrial:
    """A trial, and what is known of it beyond its epochs.

    ``began_at`` and ``ended_at`` are the search's start plus the seconds that it was charged for until then: builds,
    the scoring of test images and pauses between two processes take no time.
    """

    trial: Trial
    facts: Facts
    began_at: dt.datetime
    ended_at: dt.datetime

    @property
    def score(self) -> float | None:
        """What its tuner was told; None where it has none: it failed, or was cut before its first epoch."""
        is_unscored = self.trial.outcome is Outcome.CUT and not self.trial.epochs
        return None if is_unscored else self.trial.score

    @property
    def curve(self) -> dict[int, float]:
        """The finite validation scores by epoch."""
        return {epoch.epoch: epoch.val_score for epoch in self.trial.epochs if math.isfinite(epoch.val_score)}

    def epochs(self) -> Iterator[tuple[int, dt.datetime, dict[str, float]]]:
        """Yield each epoch's number, its end, and what is known of it: scores, loss and seconds, where finite."""
        ended_at = self.began_at
        for epoch in self.trial.epochs:
            ended_at += dt.timedelta(seconds=(epoch.train_s or 0.0) + (epoch.evaluate_s or 0.0))
            told = {name: getattr(epoch, name) for name in _OF_EPOCHS}
            known = {name: value for name, value in told.items() if value is not None and math.isfinite(value)}
            yield epoch.epoch, ended_at, known


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedSearch:
    """A planned search; one that is missing has no trials, and its ``facts`` say why.

    ``folder`` is a relative path of its own that every file system takes. ``fixed`` are the hyperparameters that its
    tuner was not shown, ``domains`` the others: where the record doesn't tell, the values that were tried.
    """

    name: SearchName
    folder: PurePosixPath
    facts: Facts
    best: Parameters
    domains: Mapping[str, Domain]
    fixed: Parameters = field(default_factory=dict)
    trials: Sequence[ExportedTrial]
    files: Sequence[Path] = ()
    """What is kept of it on the disk: record, trials and log."""

    @property
    def study(self) -> str:
        """The name in one line: data set, backbone, hyperparameters, tuner and seed, with slashes between."""
        return "/".join(map(str, self.name))

    def incumbents(self) -> Iterator[tuple[int, dt.datetime, float]]:
        """Yield, after each trial with a score, the epochs charged so far, the moment, and the best score so far."""
        best, epochs = -math.inf, 0
        for each in self.trials:
            epochs += each.trial.charged_epochs
            if each.score is not None:
                best = max(best, each.score)
                yield epochs, each.ended_at, best


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What is exported, at whose prices, and where it is once it is whole; ``name`` is the matrix's."""

    name: str
    results: MatrixResults
    prices: Prices
    output: Path

    def searches(self) -> Iterator[ExportedSearch]:
        """Yield every planned search in the order of the plan; its epochs are read when its turn comes."""
        taken: set[PurePosixPath] = set()
        for search in self.results.searches:
            folder = _folder(search, taken)
            taken.add(folder)
            yield _exported(search, self.prices, folder)


def _exported(search: SearchResult, prices: Prices, folder: PurePosixPath) -> ExportedSearch:
    row, trials = frames.search_row(search, prices), tuple(_trials(search))
    domains = {name: table.domain for name, table in search.domains.items()} or _tried(trials)
    return ExportedSearch(
        name=search.planned.name,
        folder=folder,
        facts={**_known(row), **_machine(search.environment)},
        best=search.best,
        domains={name: domain for name, domain in domains.items() if name not in search.asked.fixed},
        fixed={name: domain.default for name, domain in domains.items() if name in search.asked.fixed},
        trials=trials,
        files=tuple(path for name in _FILES if (path := search.folder.path / name).is_file()),
    )


def _tried(trials: Sequence[ExportedTrial]) -> dict[str, Domain]:
    values: dict[str, dict[Value, None]] = {}
    for each in trials:
        for name, value in each.trial.parameters.items():
            values.setdefault(name, {})[value] = None
    return {name: Choice(choices=tuple(seen), default=next(iter(seen))) for name, seen in values.items()}


def _trials(search: SearchResult) -> Iterator[ExportedTrial]:
    if search.record is None:
        return
    # Not from ``search.trials``, which stay in memory: a matrix may have millions of epochs.
    trials, rows = search.folder.trials(), frames.trial_rows(search)
    started = dt.datetime.fromisoformat(search.record.started_at)
    ends = list(accumulate((on_the_clock(dict(trial.phases)) for trial in trials), initial=0.0))
    for trial, row, began_s, ended_s in zip(trials, rows, ends, ends[1:], strict=False):
        yield ExportedTrial(
            trial=trial,
            facts=_known(
                {**row, "cpu_s": trial.cpu_s, "energy_j": trial.energy_j}, without=("id", *SearchName._fields)
            ),
            began_at=started + dt.timedelta(seconds=began_s),
            ended_at=started + dt.timedelta(seconds=ended_s),
        )


def _known(row: frames.Row, without: Sequence[str] = ()) -> dict[str, Fact]:
    return {
        name: value
        for name, value in row.items()
        if isinstance(value, Fact) and name not in without and not name.startswith(frames.PARAMETER)
    }


def _machine(environment: EnvironmentTable) -> dict[str, Fact]:
    return _known({name: getattr(environment, name) for name in _MACHINE})


def _folder(search: SearchResult, taken: set[PurePosixPath]) -> PurePosixPath:
    *parents, last = (file_name(str(part)) for part in search.planned.name)
    found = PurePosixPath(*parents, last)
    return found if found not in taken else found.with_name(f"{last}-{search.planned.id}")


def file_name(text: str) -> str:
    """Return ``text`` as a name that every file system takes: letters, digits, dots and dashes."""
    return re.sub(r"[^\w.-]+", "-", text).strip("-.") or "-"
