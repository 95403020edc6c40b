"""What a tuner, a library of tuners or a pruner is declared to be, and what its options may hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness import matrix_schema
from harness.catalogue import grid_points
from harness.space import Space


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """What an option may be: ``low`` and ``high`` are included, ``above`` is not.

    ``library`` is false for the harness's own options, which no library is passed.
    """

    kind: type[bool | int | float | str]
    meaning: str
    low: float | None = None
    above: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    library: bool = True

    def mistake(self, value: matrix_schema.Scalar) -> str | None:
        """Return what is wrong with ``value``, or None."""
        if not _is_kind(value, self.kind):
            return f"must be {_KINDS[self.kind]}"
        if isinstance(value, str):
            return None if value in self.choices else f"must be one of {', '.join(self.choices)}"
        return self._out_of_bounds(value)

    def _out_of_bounds(self, value: float) -> str | None:
        if self.low is not None and value < self.low:
            return f"must be at least {self.low:g}"
        if self.above is not None and value <= self.above:
            return f"must be more than {self.above:g}"
        if self.high is not None and value > self.high:
            return f"must be at most {self.high:g}"
        return None


_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


def _is_kind(value: matrix_schema.Scalar, kind: type) -> bool:
    if isinstance(value, bool):  # Python counts booleans as integers; a matrix doesn't
        return kind is bool
    return isinstance(value, (int, float) if kind is float else kind)


def count(low: int, meaning: str) -> Option:
    """Return an option that is a whole number of at least ``low``."""
    return Option(kind=int, low=low, meaning=meaning)


def share(meaning: str) -> Option:
    """Return an option that is a number from 0 to 1."""
    return Option(kind=float, low=0, high=1, meaning=meaning)


def flag(meaning: str) -> Option:
    """Return an option that is true or false."""
    return Option(kind=bool, meaning=meaning)


POINTS: Mapping[str, Option] = {
    "points": Option(
        kind=int,
        low=2,
        library=False,
        meaning=f"values of a range without steps, bounds included (default {grid_points.DEFAULT_POINTS})",
    )
}
"""The option of grid tuners."""

RANDOM_START = (
    "trials drawn at random before the model (default: a third of the expected trials, 3 to the library's own)"
)
"""What the option for the start of a model means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryStart:
    """How many trials a library starts its model with where nobody says, and the option that says it.

    ``trials`` or ``per_dimension`` times the tuned hyperparameters, whichever is more; where the library is told how
    many trials it has, at most a ``share`` of those, or of as many as it ``expects`` where nobody tells it.
    """

    option: str
    trials: int = 0
    per_dimension: int = 0
    share: float | None = None
    expects: int | None = None

    def of(self, space: Space, expected_trials: int | None) -> int:
        """Return the number for a space, and for a budget of so many trials; None: nobody can tell."""
        found = max(self.trials, self.per_dimension * len(space.tuned))
        expected = self.expects if expected_trials is None else expected_trials
        if self.share is None or expected is None:
            return found
        return max(1, min(found, int(self.share * expected)))

    @property
    def is_short(self) -> bool:
        """Whether no third of the trials is less, so that the library's own number always stays."""
        return self.share is not None or (self.trials <= 1 and not self.per_dimension)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a tuner is drawn: the name of a colour, of a dash, and a marker, as ``tuner_plot_styles`` has them."""

    colour: str
    dash: str
    marker: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredTuner:
    """A tuner by what the matrix needs to know of it.

    ``library`` is a ``DeclaredLibrary``'s name, "harness" or "file"; ``modules`` are what it imports before its first
    proposal, ``beneath`` what these need without declaring it or import late; ``extra`` is the package extra that it
    needs beyond training's. ``start``: how its model begins, if it has one. ``categorises``: it can be shown choices of
    numbers as categories. ``continues``: its proposals may train on the weights of an earlier trial. ``seeded``:
    another seed gives other proposals.
    """

    library: str
    meaning: str
    options: Mapping[str, Option] = field(default_factory=dict)
    modules: tuple[str, ...] = ()
    beneath: tuple[str, ...] = ()
    extra: str | None = None
    start: LibraryStart | None = None
    categorises: bool = False
    continues: bool = False
    seeded: bool = True
    drawn_as: Look | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredLibrary:
    """A library of tuners, by what everything but its adapter needs to know of it.

    Its adapter is the module of its name in ``harness.tuners``. ``beneath`` are modules that each of its tuners needs
    beside its own; ``packages`` names the package of a module whose name is another. ``own_packages`` are those whose
    versions, with all that they need, are part of the identity of its cells alone; those of Keras Tuner and Optuna are
    part of every cell's. ``orders_words``: it reads an order into every choice. ``users_tell`` says what its own users
    would tell it, by columns of the table ``told``.
    """

    name: str
    tuners: Mapping[str, DeclaredTuner]
    beneath: tuple[str, ...] = ()
    packages: Mapping[str, str] = field(default_factory=dict)
    own_packages: tuple[str, ...] = ()
    orders_words: bool = False
    users_tell: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredPruner:
    """One of Optuna's pruners: which trials are stopped early."""

    meaning: str
    options: Mapping[str, Option] = field(default_factory=dict)
