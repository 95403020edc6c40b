"""A cell: everything that one search depends on, and the names that tell it apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field

from harness import files, seeds
from harness.catalogue.tuners import UNTUNED
from harness.matrix_schema import Backbone, Budget, Dataset, Protocol, Section, Seed, TunerSection
from harness.record_schema import Chosen, Number, StoredTable
from harness.space import Choice, Domain, Fixed, Range, Space

# History of the cell's and the record's form:
# 1: first.
# 2: tuners are seeded by seed and problem, code is known by what a cell runs through, records say how busy the machine
#    was; what of a budget a cell can't spend is no part of its identity.
# 3: scores are called so, and no longer F1, whatever the metric: ``val_score`` and ``test_score`` of an epoch. Where
#    another tool searched, what it doesn't tell is null: losses, seconds, processor seconds.
SCHEMA_VERSION = 3
_FIRST_WITH_THESE_IDS = 2

# A path says where a thing stands, not what it is: the hashes say that.
_NOT_IDENTITY = {"names", "source", "weights", "training_code", "model_file", "tuner_file", "metric_file", "meter_file"}
# Left out where they are unused, so that cells which came before them keep their ids.
_UNUSED_AT_NONE = ("recorded_rungs", "recorded_side_by_side", "curves", "tuner_packages")
# What cells of one group differ in: how a cell is scored off the clock, and what its own tuner runs through.
_OF_ONE_TUNER = ("tuner", "tuner_file", "tuner_packages", "seed", "code", "audit", "curves_seed")
# Keys of the protocol that were added later: at their defaults cells are what they were without them.
_LATER = ("schedule", "warmup_epochs", "class_weights", "patience", "augmentation", "meter")


class Names(Section):
    """What the matrix calls the parts of a cell."""

    dataset: str
    backbone: str
    tuner: str
    hyperparameters: str


class RangeTable(StoredTable):
    """A ``Range`` in JSON's terms."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["range"]
    low: Number
    high: Number
    log: bool = False
    step: Annotated[Number, Field(gt=0)] | None = None
    integer: bool = False
    default: Number

    @property
    def domain(self) -> Range:
        """The range."""
        return Range(
            low=self.low, high=self.high, log=self.log, step=self.step, integer=self.integer, default=self.default
        )


class ChoiceTable(StoredTable):
    """A ``Choice`` in JSON's terms."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["choice"]
    choices: Annotated[list[Chosen], Field(min_length=1)]
    default: Chosen

    @property
    def domain(self) -> Choice:
        """The choice."""
        return Choice(choices=tuple(self.choices), default=self.default)


class FixedTable(StoredTable):
    """A ``Fixed`` in JSON's terms."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["fixed"]
    value: Chosen

    @property
    def domain(self) -> Fixed:
        """The value that no tuner is shown."""
        return Fixed(value=self.value)


class SourceTable(StoredTable):
    """Where the images are."""

    content_hash: str
    name: str | None = None
    paths: list[str] | tuple[str, ...] = ()


class OwnFile(StoredTable):
    """A file or an entry point of the user's: in ``told`` what ``harness.extensions`` found of it."""

    sha256: str
    path: str | None = None


class CurvesTable(StoredTable):
    """A table of learning curves, and which of its seeds."""

    sha256: str
    seed: int
    thinking: Literal["measured", "none"] = "measured"
    """Whether the tuner's own thinking takes time."""
    path: str | None = None


class WeightsTable(StoredTable):
    """Where the weights are."""

    sha256: str | None
    kind: str | None = None
    path: str | None = None


DomainTable = RangeTable | ChoiceTable | FixedTable
Domains = dict[str, Annotated[DomainTable, Field(discriminator="kind")]]
"""A hyperparameter set in JSON's terms."""


class Cell(Section):
    """One search, resolved: what was asked for and what it stands for on this machine."""

    schema_version: int = SCHEMA_VERSION
    names: Names
    dataset: Dataset
    source: SourceTable
    """Where the images are, with their ``content_hash``."""
    backbone: Backbone
    weights: WeightsTable
    """Where the weights are, with their ``sha256``."""
    model_file: OwnFile | None = None
    """What is known of a model of the user's own, its ``sha256`` among it; None for every other."""
    tuner: TunerSection
    tuner_file: OwnFile | None = None
    """The same of a tuner."""
    domains: Domains
    budget: Budget
    protocol: Protocol
    metric_file: OwnFile | None = None
    """The same of a metric."""
    meter_file: OwnFile | None = None
    """The same of a meter."""
    seed: int
    audit: Literal["incumbent", "trial", "epoch"] = "incumbent"
    """Score the test images at each new incumbent, at each trial's own best epoch too, or at every epoch."""
    recorded_rungs: list[list[int]] | None = None
    """Where no tuner proposes and every configuration is recorded: the epochs at which its trials continue others."""
    recorded_side_by_side: Literal[True] | None = None
    """Whether frozen heads are trained side by side then, which rounds otherwise; None: each alone."""
    curves: CurvesTable | None = None
    """Where nothing is trained: the recorded learning curves that trials are looked up in."""
    environment: str
    """Hash of the installed packages or of the image that the cell runs in."""
    tuner_packages: dict[str, str] | None = None
    """Versions of what its tuner's library needs and no other's; None where the environment's hash covers them."""
    code: str
    """Hash of the harness's own sources that this search runs through (``code_identity.of_cell``)."""
    training_code: str = ""
    """Hash of those without the tuner's adapter (``code_identity.of_training``); unknown in cells of version 1."""
    prices: str | None = None
    """Hash of the price file, where the budget counts dollars."""

    @property
    def space(self) -> Space:
        """The hyperparameter set."""
        return Space({name: table.domain for name, table in self.domains.items()})

    @property
    def tuner_seed(self) -> int:
        """The tuner's own seed: another for each problem, the same for each tuner.

        By the seed alone, random search would propose the same configurations for every backbone and data set: what
        looks like many independent comparisons would be one, repeated.
        """
        return seeds.derive(self.seed, "tuner", self.problem)

    @property
    def problem(self) -> str:
        """Hash of data, backbone and hyperparameter set: what tuners are compared on, however it is run."""
        asked = self.identity
        return files.digest([asked[part] for part in ("dataset", "backbone", "domains")])

    @property
    def read(self) -> tuple[Path, ...]:
        """The files and folders of this machine that its worker reads: data, weights, and what users wrote."""
        single = (self.weights, self.curves, self.model_file, self.tuner_file, self.metric_file, self.meter_file)
        named = [file.path for file in single if file is not None and file.path is not None]
        return tuple(map(Path, [*self.source.paths, *named]))

    @property
    def published(self) -> Cell:
        """The same, without where data and weights lie on this machine: what a record has of it."""
        name = {} if self.source.name is None else {"name": Path(self.source.name).name}
        changes = {
            "source": self.source.changed(paths=[], **name),
            "weights": self.weights.changed(path=None),
            "dataset": self.dataset.model_copy(
                update={key: _unplaced(getattr(self.dataset, key)) for key in ("path", "data", "groups")}
            ),
            "backbone": self.backbone.model_copy(
                update={"weights": _unplaced(self.backbone.weights), "path": _unplaced(self.backbone.path)}
            ),
            "tuner": self.tuner.model_copy(update={"path": _unplaced(self.tuner.path)}),
            "protocol": self.protocol.model_copy(
                update={key: _unplaced(getattr(self.protocol, key)) for key in ("metric", "meter")}
            ),
            "curves": None if self.curves is None else self.curves.changed(path=None),
            "model_file": _placeless(self.model_file),
            "tuner_file": _placeless(self.tuner_file),
            "metric_file": _placeless(self.metric_file),
            "meter_file": _placeless(self.meter_file),
        }
        return self.model_copy(update=changes)

    @property
    def identity(self) -> dict[str, Any]:
        """Everything that can change the result, in JSON's terms."""
        return self._asked | {"budget": self._spendable.model_dump(mode="json")}

    @property
    def _spendable(self) -> Budget:
        """The budget without what the cell can't spend: where nothing is tuned, one trial at full fidelity is all."""
        if self.tuner.tuner != UNTUNED and self.space.tuned:
            return self.budget
        epochs = self.budget.epochs
        # Where they are as many, the search ends for another reason, which its record tells.
        is_enough = epochs is not None and epochs > self.protocol.epochs_per_trial
        return self.budget.model_copy(update={"trials": None, **({"epochs": None} if is_enough else {})})

    @property
    def _asked(self) -> dict[str, Any]:
        asked = self.model_dump(mode="json", exclude=_NOT_IDENTITY)
        self._add_recording(asked)
        asked["dataset"] |= {"path": None, "content_hash": self.source.content_hash}
        # The hash of the content tells how folders and tables are read, and which images belong together.
        for told in ("columns", "data", "folders", "group_by", "groups", "options"):
            asked["dataset"].pop(told)
        asked["backbone"]["weights"] = self.weights.sha256
        # What came later is left out where it isn't used: finished cells stay what they are.
        asked["backbone"] = {key: value for key, value in asked["backbone"].items() if key not in ("path", "options")}
        if self.model_file is not None:
            asked["backbone"] |= {"file": self.model_file.sha256, "options": self.backbone.options}
        asked["tuner"].pop("path")
        if self.tuner_file is not None:
            asked["tuner_file"] = self.tuner_file.sha256
        if self.metric_file is not None:
            asked["protocol"]["metric"] = self.metric_file.sha256
        if self.meter_file is not None:
            # No score hangs on it, but joules are results too.
            asked["protocol"]["meter"] = self.meter_file.sha256
        asked["protocol"] = used(asked["protocol"])
        asked["protocol"].pop("learning_rate_factors")
        # Tuners draw in this order: another order, other proposals.
        asked["domains"] = list(asked["domains"].items())
        return asked

    def _add_recording(self, asked: dict[str, Any]) -> None:
        """Say what is recorded or replayed; nothing of it where a cell is neither, as such cells came first."""
        for name in _UNUSED_AT_NONE:
            if asked[name] is None:
                del asked[name]
        if self.curves is not None:
            asked |= {"curves": [self.curves.sha256, self.curves.thinking], "curves_seed": self.curves.seed}

    @cached_property
    def id(self) -> str:
        """16 hexadecimal digits of the identity's SHA-256."""
        return files.digest(self.identity)[:16]

    def __copy__(self) -> Self:
        """Return a copy, of which something may be changed, and so its id."""
        copied = super().__copy__()
        for made in ("id", "group"):
            vars(copied).pop(made, None)
        return copied

    @property
    def is_known_by_id(self) -> bool:
        """Whether ``id`` and ``group`` are those that it was planned with; version 1 made up its own otherwise."""
        return self.schema_version >= _FIRST_WITH_THESE_IDS

    @cached_property
    def group(self) -> str:
        """The same without tuner and seed: what a table compares within."""
        return files.digest({k: v for k, v in self._asked.items() if k not in _OF_ONE_TUNER})[:16]


class Asked(StoredTable):
    """What a record says of its cell: earlier ones lack parts of it."""

    names: Names | None = None
    dataset: Dataset | None = None
    source: SourceTable | None = None
    backbone: Backbone | None = None
    weights: WeightsTable | None = None
    model_file: OwnFile | None = None
    tuner: TunerSection | None = None
    tuner_file: OwnFile | None = None
    domains: Domains | None = None
    budget: Budget | None = None
    protocol: Protocol | None = None
    metric_file: OwnFile | None = None
    meter_file: OwnFile | None = None
    curves: CurvesTable | None = None
    seed: Seed | None = None
    environment: str | None = None

    @classmethod
    def joined(cls, parts: Mapping[str, Asked]) -> Asked:
        """Return what has a section of each of these, by its name; they were checked already."""
        told = {name: part.told[name] for name, part in parts.items()}
        known = {name: vars(part)[name] for name, part in parts.items() if name in vars(part)}
        # Twice as fast as making one, which looks for the default of each section.
        return next(iter(parts.values())).model_copy(update={**known, "told": told})

    @property
    def metric(self) -> str | None:
        """What tuners maximise; None where the record doesn't tell."""
        # Not the protocol's default, which an earlier record may not have had.
        found = self.section("protocol").get("metric")
        return found if isinstance(found, str) else None

    @property
    def epochs_per_trial(self) -> int | None:
        """Epochs of a trial at full fidelity; None where the record doesn't tell."""
        found = self.section("protocol").get("epochs_per_trial")
        return found if isinstance(found, int) else None

    @property
    def fixed(self) -> frozenset[str]:
        """The hyperparameters that the tuner was not shown; none where the domains are unknown."""
        return frozenset(name for name, table in (self.domains or {}).items() if isinstance(table, FixedTable))

    def section(self, name: str) -> Mapping[str, object]:
        """Return a section as it was written; empty where there is none of this name."""
        found = self.told.get(name)
        return found if isinstance(found, dict) else {}


def used(protocol: Mapping[str, object]) -> dict[str, object]:
    """Return a recorded protocol without what was added later and isn't used, which earlier records lack."""
    return {name: value for name, value in protocol.items() if name not in _LATER or value != _defaults()[name]}


@cache
def _defaults() -> Mapping[str, object]:
    return Protocol().model_dump(mode="json")


def _unplaced(path: str | None) -> str | None:
    """Return the last part of a path that leads through a machine's folders; another as it is."""
    is_placed = path is not None and (path.startswith("~") or Path(path).is_absolute())
    return Path(str(path)).name if is_placed else path


def _placeless(file: OwnFile | None) -> OwnFile | None:
    return None if file is None else file.changed(path=None)


def domains_of(space: Space) -> dict[str, DomainTable]:
    """Return ``space`` in JSON's terms."""
    return {name: _table(domain) for name, domain in space.domains.items()}


def _table(domain: Domain) -> DomainTable:
    if isinstance(domain, Choice):
        return ChoiceTable(kind="choice", choices=list(domain.choices), default=domain.default)
    if isinstance(domain, Fixed):
        return FixedTable(kind="fixed", value=domain.value)
    return RangeTable(kind="range", **asdict(domain))
