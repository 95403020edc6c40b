"""Which values a grid tries: one rule for every grid tuner, and for what is recorded whole."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product

from harness.errors import UserError
from harness.search_types import Parameters, Value
from harness.space import Choice, Range, Space

# Five values over four decades are the decades; ten, Keras Tuner's own number, would make three ranges 1,000 trials.
DEFAULT_POINTS = 5


def value_at(domain: Range, index: int) -> float | int:
    """Return the ``index``-th value, from 0, of a range that has steps or whole numbers.

    Twelve significant digits are kept, so that the third tenth is 0.3 and not 0.30000000000000004.
    """
    step = 1 if domain.step is None else domain.step
    return _number(domain, domain.low + index * step)


def grid_values(domain: Range | Choice, points: int) -> tuple[Value, ...]:
    """Return the values that a grid tries, in ascending order (choices: in the matrix's order).

    Choices and ranges with a ``step`` list their values, so all of them are tried, and so are whole numbers where
    there are at most ``points``. Everything else gets ``points`` values from ``low`` to ``high``, both included,
    evenly spaced (in the logarithm, where the range is logarithmic); whole numbers are rounded, and equals dropped.

    Keras Tuner's own choice would be ten values of a range, its bounds not among them, and the default.
    """
    if isinstance(domain, Choice):
        return domain.choices
    if _listed(domain, points) and domain.size is not None:
        return tuple(value_at(domain, index) for index in range(domain.size))
    return spread(domain, points)


def spread(domain: Range, points: int) -> tuple[float | int, ...]:
    """Return at most ``points`` values from ``low`` to ``high``, in ascending order, as ``grid_values`` has them."""
    return tuple(dict.fromkeys(_spread(domain, index / (points - 1)) for index in range(points)))


def grid_size(space: Space, points: int) -> int:
    """Return how many configurations the grid has, at most (rounding may make whole numbers meet)."""
    return math.prod(_count(domain, points) for domain in space.tuned.values())


def grid_space(space: Space, points: int) -> Space:
    """Return ``space`` with each tuned domain replaced by the choices of its grid.

    A default that is no value of the grid gives way to the grid's first.
    """
    return Space({**space.domains, **{name: _choice(domain, points) for name, domain in space.tuned.items()}})


def configurations(space: Space) -> Iterator[Parameters]:
    """Yield every configuration of a space, fixed values included.

    Raises:
        UserError: A range is a continuum.
    """
    names = list(space.domains)
    for values in product(*(_values(name, domain) for name, domain in space.tuned.items())):
        tuned = dict(zip(space.tuned, values, strict=True))
        yield {name: space.complete(tuned)[name] for name in names}


def _choice(domain: Range | Choice, points: int) -> Choice:
    values = grid_values(domain, points)
    return Choice(choices=values, default=domain.default if domain.default in values else values[0])


def _count(domain: Range | Choice, points: int) -> int:
    if isinstance(domain, Choice) or _listed(domain, points):
        return domain.size or 0
    return points


def _listed(domain: Range, points: int) -> bool:
    return domain.step is not None or (domain.integer and domain.size is not None and domain.size <= points)


def _spread(domain: Range, share: float) -> float | int:
    if share in (0, 1):  # the bounds themselves, untouched by rounding
        bound = domain.high if share else domain.low
        return int(bound) if domain.integer else float(bound)
    if domain.log:
        return _number(domain, domain.low * (domain.high / domain.low) ** share)
    return _number(domain, domain.low + share * (domain.high - domain.low))


def _number(domain: Range, value: float) -> float | int:
    return round(value) if domain.integer else float(f"{value:.12g}")


def _values(name: str, domain: Range | Choice) -> Sequence[Value]:
    if isinstance(domain, Choice):
        return domain.choices
    if domain.size is None:
        raise UserError(f"{name}: a range without steps has no end of configurations; give choices or a step")
    return [value_at(domain, index) for index in range(domain.size)]
