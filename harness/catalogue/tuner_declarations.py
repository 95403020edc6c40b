"""What a tuner or pruner is declared to be, and what its options may hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness import matrix_schema


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


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredTuner:
    """A tuner by what the matrix needs to know of it.

    ``library`` is "harness", "keras-tuner" or "optuna"; ``modules`` are what it imports before its first proposal;
    ``extra`` is the package extra that it needs beyond training's. ``continues``: its proposals may train on the
    weights of an earlier trial. ``seeded``: another seed gives other proposals.
    """

    library: str
    meaning: str
    options: Mapping[str, Option] = field(default_factory=dict)
    modules: tuple[str, ...] = ()
    extra: str | None = None
    continues: bool = False
    seeded: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredPruner:
    """One of Optuna's pruners: which trials are stopped early."""

    meaning: str
    options: Mapping[str, Option] = field(default_factory=dict)
