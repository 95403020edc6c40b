"""Results of searches drawn by chance, in memory, as tables and page read them: what is true of them is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from harness import files, stored_file_validation
from harness.analysis import MatrixResults, SearchResult, Status, search_findings
from harness.cells import SCHEMA_VERSION
from harness.records import CellFolder, Record
from harness.results_folder import Planned
from harness.search_types import Epoch, Outcome, Trial

# The standard deviation of one search's test F1, tuners and seeds taken out, as in two runs of benchmarks/demo.toml on
# two virtual CPUs (36 searches each); and that which all searches of a seed share in a group, through its split.
SPREAD = 0.0157
SPLIT = 0.019
# One search in so many ends badly, where scores are skewed, and loses so much, evenly.
BAD = 0.1
LOSS = (0.05, 0.25)
MEAN = 0.86
TRIALS = 6
# Of the logarithm of one search's seconds, as measured there.
SECONDS = 0.08
# Of what two searches of one tuner and seed share across groups, where proposals are shared: its part of the variance.
SHARED = 0.64
# The same of two searches of one tuner on one recorded seed in a group: no measurement, but half of it.
RECORDED = 0.5

_ENVIRONMENT: Mapping[str, Any] = {"device": "cpu", "logical_cpus": 2}
# Nothing of these searches lies on a disk.
_NOWHERE = CellFolder(Path("nowhere"))


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Tuners of which the first is random search and the last ``effect`` better; all others are alike."""

    groups: int = 2
    tuners: int = 6
    seeds: int = 10
    shared: bool = False
    skewed: bool = False
    effect: float = 0.0
    scatter: float = 1.0
    """How many times the second tuner scatters as much as the others."""
    recorded: int | None = None
    """How many recorded seeds the searches are replayed on in turn; None: each is trained with its own."""
    recorded_share: float = RECORDED
    """What two searches of one tuner on one recorded seed share in a group: its part of the variance."""
    is_told: bool = True
    """Whether records tell that they are replayed; if not, all searches are taken for independent."""

    @property
    def names(self) -> list[str]:
        return ["kt-random", *(f"tuner {number}" for number in range(1, self.tuners))]

    @property
    def mean(self) -> float:
        """The true mean test F1 of a tuner without effect."""
        return MEAN - (BAD * sum(LOSS) / 2 if self.skewed else 0.0)

    @property
    def training_seeds(self) -> list[int]:
        """The seed of each search seed's trainings."""
        return [seed % (self.recorded or self.seeds) for seed in range(self.seeds)]


class Place(NamedTuple):
    """Where a search stands among the others."""

    seed: int
    group: int
    tuner: int


def results(world: World, random: np.random.Generator) -> MatrixResults:
    """Draw the results of one matrix."""
    shape = world.seeds, world.groups, world.tuners
    own = _noise(world, random, shape)
    if world.shared:
        common = _noise(world, random, (world.seeds, 1, world.tuners))
        own = _mixed(world, random, (common, own), SHARED)
    trained = len(set(world.training_seeds))
    if world.recorded is not None:
        common = _noise(world, random, (trained, world.groups, world.tuners))
        own = _mixed(world, random, (common[world.training_seeds], own), world.recorded_share)
    own[:, :, 1] *= world.scatter
    split = random.normal(0.0, SPLIT, (trained, world.groups, 1))[world.training_seeds]
    test = MEAN + split + own
    test[:, :, -1] += world.effect
    cells = [
        _search(
            world, place, test_score=float(test[place]), split=float(split[place.seed, place.group, 0]), random=random
        )
        for place in map(Place._make, np.ndindex(shape))
    ]
    return MatrixResults(cells=tuple(cells))


def _mixed(world: World, random: np.random.Generator, parts: tuple[Any, Any], share: float) -> Any:
    """Return noise of which the first part has this share of the variance, with the mean and variance of both."""
    common, own = parts
    if world.skewed:  # The mean isn't 0.
        return np.where(random.random(own.shape) < share, common, own)
    return np.sqrt(share) * common + np.sqrt(1 - share) * own


def _noise(world: World, random: np.random.Generator, shape: tuple[int, ...]) -> Any:
    found = random.normal(0.0, SPREAD, shape)
    if world.skewed:
        found -= np.where(random.random(shape) < BAD, random.uniform(*LOSS, shape), 0.0)
    return found


def _search(
    world: World, place: Place, *, test_score: float, split: float, random: np.random.Generator
) -> SearchResult:
    """Return a search of ``TRIALS`` trials of one epoch each, which has ``test_score`` in the end."""
    val = MEAN + split + np.sort(random.normal(0.0, 0.03, TRIALS))
    # The better a trial on validation, the better on test; the best one has what was drawn for the search.
    tests = np.clip(test_score - (val[-1] - val) * 0.8, 0.0, 1.0)
    recorded = world.training_seeds[place.seed] if world.recorded is not None and world.is_told else None
    train_s = np.exp(random.normal(0.0, SECONDS)) * random.uniform(0.12, 0.16, TRIALS)
    order = random.permutation(TRIALS).tolist()
    trials = [
        _trial(number, val=float(val[drawn]), test=float(tests[drawn]), train_s=float(train_s[number]))
        for number, drawn in enumerate(order)
    ]
    return SearchResult(
        planned=Planned(
            id="-".join(map(str, place)),
            group=str(place.group),
            dataset="drawn",
            backbone=f"backbone {place.group}",
            hyperparameters="full",
            tuner=world.names[place.tuner],
            seed=place.seed,
        ),
        status=Status.OK,
        folder=_NOWHERE,
        findings=search_findings.of(_record("kt-random" if place.tuner == 0 else "optuna-tpe", recorded), trials),
    )


def _trial(number: int, *, val: float, test: float, train_s: float) -> Trial:
    return Trial(
        number=number,
        parameters={"learning_rate": 1e-3},
        first_epoch=1,
        last_epoch=1,
        parent=None,
        outcome=Outcome.COMPLETED,
        epochs=(Epoch(epoch=1, val_score=val, loss=1.0, train_s=train_s, evaluate_s=0.0, test_score=test),),
        phases={"train": train_s},
        charged_epochs=1,
    )


@cache
def _record(kind: str, recorded: int | None) -> Record:
    empty: dict[str, Any] = {field.name: {} for field in fields(Record)}
    curves = {} if recorded is None else {"curves": {"sha256": "0" * 64, "seed": recorded}}
    told = {
        "schema_version": SCHEMA_VERSION,
        "cell": {"tuner": {"tuner": kind}, "protocol": {"metric": "macro_f1"}, **curves},
        "status": "completed",
        "ended": "budget: epochs",
        "reason": None,
        "started_at": "2026-01-01T00:00:00+00:00",
        "attempts": 1,
        "trials": TRIALS,
        "wall_s": 0.0,
        "energy": {"reason": "drawn"},
        "environment": _ENVIRONMENT,
        "trials_sha256": None,
    }
    return stored_file_validation.checked(files.readable_json({**empty, **told}), Record, where="a record")
