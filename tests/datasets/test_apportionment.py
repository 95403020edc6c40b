from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.datasets.apportionment import apportion


@pytest.mark.parametrize(
    ("total", "weights", "shares"),
    [
        (10, [0.6, 0.2, 0.2], [6, 2, 2]),
        (5, [0.6, 0.2, 0.2], [3, 1, 1]),
        (11, [0.6, 0.2, 0.2], [7, 2, 2]),  # 6.6, 2.2, 2.2
        (4, [0.6, 0.2, 0.2], [2, 1, 1]),  # 2.4, 0.8, 0.8
        (3, [0.6, 0.2, 0.2], [1, 1, 1]),  # 1.8, 0.6, 0.6: the third takes one from the first
        (3, [0.98, 0.01, 0.01], [1, 1, 1]),
        (100, [1, 1, 1], [34, 33, 33]),
        (7, [3], [7]),
        (0, [], []),
    ],
)
def test_shares_are_exact(total: int, weights: list[float], shares: list[int]) -> None:
    assert apportion(total, weights) == shares


def test_too_few_to_share_is_a_bug() -> None:
    with pytest.raises(ValueError, match="2 can't be shared among 3"):
        apportion(2, [1, 1, 1])


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=20), st.data())
def test_sizes_as_weights_are_never_exceeded(sizes: list[int], data: st.DataObject) -> None:
    total = data.draw(st.integers(len(sizes), sum(sizes)))

    shares = apportion(total, sizes)

    assert sum(shares) == total
    assert all(1 <= share <= size for share, size in zip(shares, sizes, strict=True))
