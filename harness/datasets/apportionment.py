"""Whole numbers in given proportions."""

from __future__ import annotations

import math
from collections.abc import Sequence

# Shares such as 0.6 of 5 are a hair off the whole number; remainders are compared without that hair.
_DIGITS = 9


def apportion(total: int, weights: Sequence[float]) -> list[int]:
    """Share ``total`` out in proportion to ``weights``, every share at least 1, the sum exact.

    Largest remainder (Hamilton's method), ties to the earlier share; then each share left at 0 takes 1 from the
    largest (the earliest of equals).

    Raises:
        ValueError: ``total`` is less than the number of weights.
    """
    if total < len(weights):
        raise ValueError(f"{total} can't be shared among {len(weights)}")
    quotas = [round(total * weight / sum(weights), _DIGITS) for weight in weights]
    shares = [math.floor(quota) for quota in quotas]
    by_remainder = sorted(range(len(weights)), key=lambda index: shares[index] - quotas[index])
    for index in by_remainder[: total - sum(shares)]:
        shares[index] += 1
    for index in range(len(shares)):
        if shares[index] == 0:
            shares[shares.index(max(shares))] -= 1
            shares[index] = 1
    return shares
