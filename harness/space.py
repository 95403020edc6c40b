"""Domains of hyperparameters: one definition that every tuner is given."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from harness.search_types import Parameters, Value

# How far a float may stand from a bound or a step and still be on it.
_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Numbers from ``low`` to ``high``, both included.

    ``step`` spaces the values evenly from ``low`` (integers: 1 unless told); a ``log`` range has none.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None
    integer: bool = False
    default: float

    def contains(self, value: Value) -> bool:
        """Whether ``value`` is a number of this range, on a step where there are steps."""
        if isinstance(value, str) or not math.isfinite(value):
            return False
        if self.integer and value != int(value):
            return False
        slack = _TOLERANCE * max(abs(self.low), abs(self.high))
        if not self.low - slack <= value <= self.high + slack:
            return False
        return self.step is None or _on_step((value - self.low) / self.step)

    @property
    def size(self) -> int | None:
        """How many values there are; None for a continuum."""
        if self.step is not None:
            return round((self.high - self.low) / self.step) + 1
        return int(self.high - self.low) + 1 if self.integer else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of ``choices``; numbers are ordered, text is not."""

    choices: tuple[Value, ...]
    default: Value

    def contains(self, value: Value) -> bool:
        """Whether ``value`` is one of the choices."""
        return value in self.choices

    @property
    def size(self) -> int:
        """How many values there are."""
        return len(self.choices)

    @property
    def ordered(self) -> bool:
        """Whether all choices are numbers."""
        return not any(isinstance(choice, str) for choice in self.choices)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """One value that no tuner is shown."""

    value: Value

    def contains(self, value: Value) -> bool:
        """Whether ``value`` is the value."""
        return value == self.value

    @property
    def size(self) -> int:
        """One."""
        return 1

    @property
    def default(self) -> Value:
        """The value."""
        return self.value


Domain = Range | Choice | Fixed


@dataclass(frozen=True, slots=True)
class Space:
    """A hyperparameter set: a domain for each name, in the order of the matrix."""

    domains: Mapping[str, Domain]

    @property
    def tuned(self) -> dict[str, Range | Choice]:
        """What a tuner sees: every domain that is not fixed."""
        return {name: domain for name, domain in self.domains.items() if not isinstance(domain, Fixed)}

    @property
    def defaults(self) -> dict[str, Value]:
        """The default configuration, fixed values included."""
        return {name: domain.default for name, domain in self.domains.items()}

    @property
    def size(self) -> int | None:
        """How many configurations there are; None for a continuum."""
        sizes = [domain.size for domain in self.domains.values()]
        return None if None in sizes else math.prod(size for size in sizes if size is not None)

    def complete(self, tuned: Parameters) -> dict[str, Value]:
        """Return ``tuned`` with the fixed values added, in the space's order."""
        return {name: tuned.get(name, domain.default) for name, domain in self.domains.items()}

    def contains(self, parameters: Parameters) -> bool:
        """Whether ``parameters`` names just this space's hyperparameters, each with a value of its domain."""
        return parameters.keys() == self.domains.keys() and all(
            domain.contains(parameters[name]) for name, domain in self.domains.items()
        )


def _on_step(steps: float) -> bool:
    return abs(steps - round(steps)) <= _TOLERANCE * max(1.0, abs(steps))
