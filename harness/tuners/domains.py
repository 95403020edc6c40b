"""How a domain is shown to a tuner library, and read back.

Everything with a short list of values is shown as an index into that list: choices, steps and whole numbers of a linear
range. That keeps what libraries get wrong out of reach: Keras Tuner counts steps with a floor division, so that 0.5 is
no value of 0 to 0.5 by 0.1, and takes choices of one type only. Numeric choices keep their order that way, which
CMA-ES and Gaussian processes use. Continua, and whole numbers spread in the logarithm, are shown as they are.
"""

from __future__ import annotations

from harness.catalogue import derived_tuner_settings
from harness.catalogue.grid_points import value_at
from harness.search_types import Parameters, Value
from harness.space import Choice, Range, Space


def indices(domain: Range | Choice) -> range | None:
    """Return the indices that a library is shown instead of values; None where it is shown values."""
    return range(domain.size or 0) if derived_tuner_settings.is_listed(domain) else None


def decode(domain: Range | Choice, shown: float) -> Value:
    """Turn what a library proposes into a value of the domain, as a plain Python number or text.

    A continuum is cut off at its bounds: rounding can carry a logarithm past them, and Keras Tuner's whole numbers in
    the logarithm reach one too far.
    """
    if isinstance(domain, Choice):
        return domain.choices[int(shown)]
    if indices(domain) is not None:
        return value_at(domain, int(shown))
    inside = min(max(shown, domain.low), domain.high)
    return int(inside) if domain.integer else float(inside)


class Coverage:
    """Which configurations of a finite space have been proposed.

    Most samplers propose repeats, and would go on for ever in a space in which there is nothing left to try.
    """

    def __init__(self, space: Space) -> None:
        self._size = space.size
        self._proposed: set[tuple[Value, ...]] = set()

    @property
    def complete(self) -> bool:
        """Whether every configuration has been proposed; never true of a continuum."""
        return self._size is not None and len(self._proposed) >= self._size

    def add(self, parameters: Parameters) -> None:
        """Count a proposal."""
        if self._size is not None:
            self._proposed.add(tuple(parameters.values()))
