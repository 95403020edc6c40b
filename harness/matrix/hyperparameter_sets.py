"""A hyperparameter set of the matrix to a space that every tuner is given."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator

from harness import matrix_schema
from harness.catalogue import grid_points
from harness.hyperparameters import KNOWN, Hyperparameter
from harness.matrix.mistakes import Key, Mistake, Mistaken, nearest, show, unknown
from harness.search_types import Value
from harness.space import Choice, Domain, Fixed, Range, Space

# More steps than any search could tell apart: the step is a slip of the pen.
_MOST_STEPS = 1_000_000
# Points are listed as choices, in every cell and for every tuner.
_MOST_POINTS = 10_000


def resolve(key: Key, named: matrix_schema.HyperparameterSet) -> tuple[Space | None, list[Mistake]]:
    """Return the space that a set spells, or None and its mistakes.

    Named hyperparameters come first, in the order of the matrix. Known ones that are left out are fixed at their
    default, so that every proposal is complete; except those that something else in the matrix decides
    (``Hyperparameter.otherwise``).
    """
    if str(key[-1]) in KNOWN:
        return None, [no_set(key)]
    domains: dict[str, Domain] = {}
    mistakes = []
    for name, given in named.items():
        try:
            domains[name] = domain((*key, name), given)
        except Mistaken as error:
            mistakes.append(error.mistake)
    if not mistakes:
        mistakes = list(_nothing_to_tune(key, domains))
    return (None if mistakes else Space(domains | _left_out(domains))), mistakes


def resolve_recorded(key: Key, named: matrix_schema.HyperparameterSet) -> tuple[Space | None, list[Mistake]]:
    """Return the space of a set of which others recorded learning curves: choices and fixed values of any name.

    A default that isn't given is the middle choice.
    """
    domains: dict[str, Domain] = {}
    mistakes = []
    for name, given in named.items():
        try:
            domains[name] = _recorded_domain((*key, name), given)
        except Mistaken as error:
            mistakes.append(error.mistake)
    if not mistakes:
        mistakes = list(_nothing_to_tune(key, domains))
    return (None if mistakes else Space(domains)), mistakes


def _recorded_domain(key: Key, given: matrix_schema.Domain | Value) -> Choice | Fixed:
    if not isinstance(given, matrix_schema.Domain):
        return Fixed(value=given)
    if not given.choices or any(each is not None for each in (given.low, given.high, given.step, given.points)):
        raise Mistaken(key, "is known by recorded curves alone; list the recorded values as choices")
    _refuse_twice((*key, "choices"), given.choices)
    default = given.choices[len(given.choices) // 2] if given.default is None else given.default
    if default not in given.choices:
        raise Mistaken((*key, "default"), f"{show(default)} is not among the choices; name one of them or add it")
    return Choice(choices=tuple(given.choices), default=default)


def domain(key: Key, given: matrix_schema.Domain | Value) -> Domain:
    """Return the domain of the hyperparameter that ``key`` ends in.

    The default is the given one; else the hyperparameter's own, if the domain holds it; else the middle of the range
    (of its logarithm, for a log range) or the first choice. A single choice is a fixed value.

    Raises:
        Mistaken: The domain can't be used as written.
    """
    name = str(key[-1])
    if name not in KNOWN:
        raise Mistaken(key, unknown("hyperparameter", name, KNOWN))
    known = KNOWN[name]
    if not isinstance(given, matrix_schema.Domain):
        return Fixed(value=_value(key, known, given))
    if given.choices is not None:
        return _choice(key, known, given, given.choices)
    if given.points is not None:
        return _spread(key, known, given, given.points)
    return _range(key, known, given)


def no_set(key: Key) -> Mistake:
    """Return the mistake of a hyperparameter that stands where a set belongs."""
    text = f"is a hyperparameter, not a set; write it in a set of its own name: [hyperparameters.<set>] {key[-1]} = …"
    return Mistake(key=key, text=text)


def _nothing_to_tune(key: Key, domains: dict[str, Domain]) -> Iterator[Mistake]:
    if all(isinstance(each, Fixed) for each in domains.values()):
        yield Mistake(key=key, text="every value is fixed, so nothing is tuned; give one a range or two choices")


def _left_out(named: dict[str, Domain]) -> dict[str, Domain]:
    fixed = {name: known.default for name, known in KNOWN.items() if known.otherwise is None and name not in named}
    return {name: Fixed(value=default) for name, default in fixed.items()}


def _value(key: Key, known: Hyperparameter, value: Value) -> Value:
    if not isinstance(value, str):
        return _number(key, known, value)
    _refuse(key, known, value)
    return value


def _number(key: Key, known: Hyperparameter, value: float) -> float:
    _refuse(key, known, value)
    return int(value) if known.integer else float(value)


def _refuse(key: Key, known: Hyperparameter, value: Value) -> None:
    mistake = known.mistake(value)
    if mistake is not None:
        near = nearest(value, known.choices) if isinstance(value, str) else None
        raise Mistaken(key, f"{mistake}, not {show(value)}{f'; did you mean {near!r}?' if near else ''}")


def _choice(key: Key, known: Hyperparameter, given: matrix_schema.Domain, listed: list[Value]) -> Choice | Fixed:
    if given.log or any(each is not None for each in (given.low, given.high, given.step, given.points)):
        raise Mistaken(key, "has choices and a range (low, high, log, step, points); keep one of the two")
    if not listed:
        raise Mistaken((*key, "choices"), "is empty; give at least one")
    choices = tuple(_value((*key, "choices", place), known, each) for place, each in enumerate(listed))
    _refuse_twice((*key, "choices"), choices)
    default = _choice_default(key, known, given, choices)
    return Choice(choices=choices, default=default) if len(choices) > 1 else Fixed(value=choices[0])


def _refuse_twice(key: Key, choices: Iterable[Value]) -> None:
    seen: set[Value] = set()
    for place, choice in enumerate(choices):
        if choice in seen:
            raise Mistaken((*key, place), f"{show(choice)} is listed twice; keep one")
        seen.add(choice)


def _choice_default(key: Key, known: Hyperparameter, given: matrix_schema.Domain, choices: tuple[Value, ...]) -> Value:
    if given.default is None:
        return known.default if known.default in choices else choices[0]
    default = _value((*key, "default"), known, given.default)
    if default not in choices:
        raise Mistaken((*key, "default"), f"{show(default)} is not among the choices; name one of them or add it")
    return default


def _spread(key: Key, known: Hyperparameter, given: matrix_schema.Domain, points: int) -> Choice:
    """Return the values of a range that is spelled by their number; its default is known, or the middle one."""
    if given.step is not None:
        raise Mistaken(key, "has step and points; keep one of the two")
    if points > _MOST_POINTS:
        raise Mistaken((*key, "points"), f"{points} are more than {_MOST_POINTS}; give fewer, or drop it")
    low, high = _bounds(key, known, given)
    span = Range(low=low, high=high, log=given.log, integer=known.integer, default=low)
    values = grid_points.spread(span, points)
    if len(values) < points:
        raise Mistaken((*key, "points"), f"{low:g} to {high:g} has no {points} whole numbers so spread; give fewer")
    if given.default is not None:
        return Choice(choices=values, default=_choice_default(key, known, given, values))
    middle = values[len(values) // 2]
    return Choice(choices=values, default=known.default if known.default in values else middle)


def _range(key: Key, known: Hyperparameter, given: matrix_schema.Domain) -> Range:
    low, high = _bounds(key, known, given)
    step = _step(key, known, given, low, high)
    middle = _middle(low, high, log=given.log, step=step, integer=known.integer)
    span = Range(low=low, high=high, log=given.log, step=step, integer=known.integer, default=middle)
    default = _range_default(key, known, given, span)
    return Range(low=low, high=high, log=given.log, step=step, integer=known.integer, default=default)


def _bounds(key: Key, known: Hyperparameter, given: matrix_schema.Domain) -> tuple[float, float]:
    if known.choices:
        raise Mistaken(key, f"takes no range; list choices of {', '.join(known.choices)}")
    if given.low is None and given.high is None:
        raise Mistaken(key, "has neither a range nor choices; give low and high, or choices")
    if given.low is None or given.high is None:
        present, absent = ("high", "low") if given.low is None else ("low", "high")
        raise Mistaken(key, f"has {present} without {absent}; add {absent}")
    if given.log and given.low <= 0:
        raise Mistaken((*key, "low"), f"a log range starts above 0, not at {given.low:g}; raise low or drop log")
    low = _number((*key, "low"), known, given.low)
    high = _number((*key, "high"), known, given.high)
    if given.log and (low < sys.float_info.min or not math.isfinite(high / low)):
        # Keras Tuner draws from a log range by the power of this ratio.
        raise Mistaken(key, f"from {low:g} to {high:g} are more powers of ten than a number holds; raise low")
    if low >= high:
        raise Mistaken(key, f"low {low:g} must be less than high {high:g}; for one value write it alone")
    return low, high


def _step(key: Key, known: Hyperparameter, given: matrix_schema.Domain, low: float, high: float) -> float | None:
    if given.step is None:
        return None
    where = (*key, "step")
    if given.log:
        raise Mistaken(where, f"a log range has no step, not even {given.step:g}; drop step or log")
    if given.step <= 0 or (known.integer and given.step != int(given.step)):
        what = "a whole number" if known.integer else "a number"
        raise Mistaken(where, f"must be {what} more than 0, not {given.step:g}")
    steps = (high - low) / given.step
    if steps > _MOST_STEPS:
        raise Mistaken(where, f"{given.step:g} makes more than a million values; drop it or take a longer one")
    if not math.isclose(steps, round(steps), rel_tol=1e-9):
        raise Mistaken(where, f"{given.step:g} doesn't divide {low:g} to {high:g}; change step, low or high")
    return int(given.step) if known.integer else given.step


def _middle(low: float, high: float, *, log: bool, step: float | None, integer: bool) -> float:
    middle = math.exp((math.log(low) + math.log(high)) / 2) if log else low + (high - low) / 2
    if step is not None:
        middle = low + round((middle - low) / step) * step
    return round(middle) if integer else min(max(middle, low), high)


def _range_default(key: Key, known: Hyperparameter, given: matrix_schema.Domain, span: Range) -> float:
    if given.default is None:
        own = known.default
        return own if not isinstance(own, str) and span.contains(own) else span.default
    default = _value((*key, "default"), known, given.default)
    if isinstance(default, str) or not span.contains(default):
        steps = "" if span.step is None else f" in steps of {span.step:g}"
        raise Mistaken(
            (*key, "default"), f"{show(default)} lies outside {span.low:g} to {span.high:g}{steps}; move it inside"
        )
    return default
