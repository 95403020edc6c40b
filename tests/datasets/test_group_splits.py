from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.datasets.group_splits import Placed, share_out

SHARES = (0.6, 0.2, 0.2)


def shared_out(counts: list[list[int]], *, seed: int = 0, shares: tuple[float, ...] = SHARES) -> Placed:
    return share_out(np.array(counts), shares, np.random.default_rng(seed))


@pytest.mark.seconds
@settings(deadline=None, max_examples=25)
@given(st.lists(st.lists(st.integers(0, 9), min_size=2, max_size=2), min_size=1, max_size=20), st.integers(0, 9))
def test_what_each_part_holds_is_the_sum_of_its_groups(counts: list[list[int]], seed: int) -> None:
    found = shared_out(counts, seed=seed)

    assert set(found.places.tolist()) <= {0, 1, 2}
    for place in range(3):
        np.testing.assert_array_equal(found.held[place], np.array(counts)[found.places == place].sum(axis=0))


@pytest.mark.seconds
@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(1, 50), min_size=3, max_size=12), st.lists(st.integers(1, 50), min_size=3, max_size=12))
def test_groups_of_one_class_each_leave_no_part_without_a_class(first: list[int], second: list[int]) -> None:
    found = shared_out([*([size, 0] for size in first), *([0, size] for size in second)])

    assert (found.held > 0).all()


@pytest.mark.parametrize("seed", range(5))
def test_small_groups_come_close_to_the_shares(seed: int) -> None:
    sizes = np.random.default_rng(7).integers(1, 12, (60, 3))

    found = shared_out(sizes.tolist(), seed=seed)

    np.testing.assert_allclose(found.held / sizes.sum(axis=0), np.outer(SHARES, np.ones(3)), atol=0.02)


def test_groups_of_one_image_are_shared_out_by_the_shares() -> None:
    found = shared_out([[1, 0]] * 50 + [[0, 1]] * 10)

    assert found.held.tolist() == [[30, 6], [10, 2], [10, 2]]


def test_a_group_larger_than_a_part_goes_where_it_strains_least() -> None:
    assert all(shared_out([[70], [10], [10], [10]], seed=seed).places[0] == 0 for seed in range(5))


@pytest.mark.parametrize("seed", range(5))
def test_sites_that_hold_several_classes_leave_no_part_without_a_class(seed: int) -> None:
    # A and B have both classes, so that C and D have to stand together.
    found = shared_out([[10, 10], [10, 10], [3, 0], [0, 3]], seed=seed)

    assert (found.held > 0).all()
    assert found.places[2] == found.places[3]


def test_where_not_every_part_can_have_every_class_as_few_as_possible_are_lacking() -> None:
    assert np.sum(shared_out([[1, 1], [1, 0]]).held == 0) == 3


def test_the_same_state_gives_the_same_parts_and_another_others() -> None:
    counts = [[4], [5], [6]] * 10

    first, again, other = (shared_out(counts, seed=seed).places.tolist() for seed in (1, 1, 2))

    assert first == again != other


@pytest.mark.seconds
def test_thousands_of_groups_are_one_order() -> None:
    found = shared_out([[1, 2]] * 20_000)

    assert found.held.tolist() == [[12_000, 24_000], [4_000, 8_000], [4_000, 8_000]]


def test_two_parts_share_what_the_third_leaves_open() -> None:
    assert shared_out([[1]] * 40, shares=(0.6, 0.2)).held.tolist() == [[30], [10]]
