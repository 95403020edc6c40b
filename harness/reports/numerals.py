"""Numbers as a reader sees them: three significant digits, a dash for unknown, never a made-up 0."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from harness.analysis import Interval
from harness.analysis.statistics import Estimate, Reaching, Verdict

UNKNOWN = "—"

_CENT = 0.01
_SMALLEST_P = 1e-3
_SMALLEST_CHANCE = 0.005
_SMALLEST_PLAIN = 1e-4
_LARGEST_PLAIN = 1e6
# Beyond it, decimals of a speed-up say nothing.
_LARGEST_EXACT_FACTOR = 100


def score(value: float | None) -> str:
    """Return a score with three decimals."""
    return UNKNOWN if value is None else _minus(f"{value:.3f}")


def signed(value: float | None, digits: int = 3) -> str:
    """Return a difference with its sign; what is rounded to nothing has none."""
    if value is None:
        return UNKNOWN
    text = f"{value:+.{digits}f}"
    return _minus(text) if text.strip("+-0.") else text[1:]


def score_interval(value: Interval) -> str:
    """Return ``mean ± half the interval``; one seed has no interval and says so."""
    if value.mean is None:
        return UNKNOWN
    if value.high is None:
        return f"{value.mean:.3f} (1 seed)"
    return f"{value.mean:.3f} ± {value.high - value.mean:.3f}"


def difference(found: Estimate) -> str:
    """Return a signed ``mean ± half the interval`` of paired differences."""
    if found.value is None:
        return UNKNOWN
    if found.high is None:
        return f"{signed(found.value)} (1 seed)"
    return f"{signed(found.value)} ± {found.high - found.value:.3f}"


def number(value: float | None) -> str:
    """Return three significant digits without an exponent where that stays readable."""
    if value is None:
        return UNKNOWN
    if not math.isfinite(value):
        return "never" if value > 0 else str(value)
    if value == 0:
        return "0"
    if not _SMALLEST_PLAIN <= abs(value) < _LARGEST_PLAIN:
        return f"{value:.2e}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{digits}f}"


def count(value: float | None) -> str:
    """Return a count, or a mean of counts that came out whole, without decimals; any other mean like ``number``."""
    if value is None or not float(value).is_integer():
        return number(value)
    return str(int(value))


def usd(value: float | None) -> str:
    """Return dollars, with as many decimals as a small sum needs."""
    if value is None:
        return UNKNOWN
    return f"{value:.2f}" if value >= 1 or value == 0 else number(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyUnit:
    """What dollars of a search are told in, in all of a column: ``factor`` of it make a dollar."""

    factor: float
    label: str

    @classmethod
    def for_all(cls, values: Iterable[float | None]) -> MoneyUnit:
        """Return dollars, or dollars for a thousand searches where no search costs a cent."""
        most = max((value for value in values if value is not None), default=1.0)
        return cls(factor=1e3, label="USD per 1,000 searches") if most < _CENT else cls(factor=1.0, label="USD")

    def of(self, usd: float | None) -> float | None:
        """Return dollars in this unit."""
        return None if usd is None else self.factor * usd


def percent(share: float | None) -> str:
    """Return a share as a percentage with one decimal."""
    return UNKNOWN if share is None else f"{100 * share:.1f} %"


def chance(share: float | None) -> str:
    """Return a probability in whole percent; one of less than half a percent isn't called none."""
    if share is None:
        return UNKNOWN
    return "< 1 %" if share < _SMALLEST_CHANCE else f"{100 * share:.0f} %"


def times(factor: float | None) -> str:
    """Return a speed-up; infinite where only the other one missed, ``never`` where only this one did."""
    if factor is None:
        return UNKNOWN
    if factor == 0:
        return "never"
    if math.isinf(factor):
        return "∞"
    return f"{factor:.0f}×" if factor >= _LARGEST_EXACT_FACTOR else f"{factor:.2f}×"


def reached(value: Reaching | None) -> str:
    """Return the expected seconds to the target with how many searches reached it."""
    if value is None or value.expected.value is None:
        return UNKNOWN
    expected_s = value.expected.value
    return f"{'never' if math.isinf(expected_s) else f'{number(expected_s)} s'}, {value.reached}/{value.searches}"


def seeds(ok: int, failed: int, missing: int) -> str:
    """Return how many searches ended well, and what became of the others."""
    others = ", ".join(f"{count} {word}" for count, word in ((failed, "failed"), (missing, "missing")) if count)
    return f"{ok} ({others})" if others else str(ok)


def score_estimate(value: Estimate) -> str:
    """Return ``0.843 [0.830, 0.856]``, a statistic with its interval; one seed has none and says so."""
    return _with_interval(value, score)


def signed_estimate(value: Estimate) -> str:
    """Return a difference with its sign and interval."""
    return _with_interval(value, signed)


def negative(found: Estimate) -> Estimate:
    """Return an estimate of the opposite difference."""
    low, high = (None if end is None else -end for end in (found.high, found.low))
    return Estimate(value=None if found.value is None else -found.value, low=low, high=high, n=found.n)


def number_estimate(value: Estimate) -> str:
    """Return a cost with its interval; an infinite one is ``never``."""
    return number(value.value) if value.value == math.inf else _with_interval(value, number)


def times_estimate(value: Estimate | None) -> str:
    """Return a speed-up with its interval; a bound without a limit is 0× or ∞."""
    if value is None:
        return UNKNOWN
    return _with_interval(value, lambda each: "0×" if each == 0 else times(each))


def verdict(found: Verdict) -> str:
    """Return a verdict in a word; a dash where no difference is shown."""
    return UNKNOWN if found is Verdict.OPEN else found.value


def p_value(p: float | None) -> str:
    """Return a p-value with three decimals, very small ones as a bound."""
    if p is None:
        return UNKNOWN
    return "< 0.001" if p < _SMALLEST_P else f"{p:.3f}"


def _minus(text: str) -> str:
    """Return a number with the sign that is as wide as a plus, not a hyphen."""
    return text.replace("-", "\N{MINUS SIGN}")


def _with_interval(value: Estimate, shown: Callable[[float | None], str]) -> str:
    if value.value is None:
        return UNKNOWN
    if value.low is None or value.high is None:
        return f"{shown(value.value)} (1 seed)"
    return f"{shown(value.value)} [{shown(value.low)}, {shown(value.high)}]"
