"""A metric of the user's own, in a Python file or an installed package that the matrix names."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.errors import UserError
from harness.extensions import METRIC, Found, loading
from harness.objectives.scores import Counts, Scorer


def scorer(file: Found, *, classes: Sequence[str]) -> Scorer:
    """Return what scores a confusion matrix by the user's ``score``; ``classes`` are named in the order of its rows.

    It raises UserError where that gives no number from 0 to 1.

    Raises:
        MachineError: The file or package isn't what it was when the cell was planned.
    """
    own, origin = loading.maker(METRIC, file), loading.called(file)
    names = tuple(classes)

    def score(counts: Counts) -> float:
        # A copy: what it does to it is its own business.
        return _checked(own(counts.copy(), names), origin=origin)

    return score


def _checked(found: object, *, origin: str) -> float:
    try:
        number = float(found)  # type: ignore[arg-type]  # what is no number raises
    except (TypeError, ValueError) as error:
        raise UserError(f"{origin}: score returned {type(found).__name__}, no number") from error
    if not math.isfinite(number) or not 0 <= number <= 1:
        raise UserError(f"{origin}: score returned {number:g}; scale it to 0 (worst) to 1 (best)")
    return number
