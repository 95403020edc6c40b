from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import errors, spec
from harness.datasets.parts import Part
from harness.datasets.splits import Split, split

SHARES = spec.Split()


def divided(
    labels: Sequence[int], fixed: Sequence[int] | None = None, *, seed: int = 1, shares: spec.Split = SHARES
) -> Split:
    return split(
        np.array(labels, dtype=np.int32),
        np.array(fixed if fixed is not None else [Part.FREE] * len(labels), dtype=np.int8),
        classes=[f"class {label}" for label in range(max(labels) + 1)],
        shares=shares,
        seed=seed,
    )


def test_every_class_is_divided_by_the_shares() -> None:
    labels = np.array([0] * 10 + [1] * 50)

    found = divided(labels.tolist())

    assert np.bincount(labels[found.train]).tolist() == [6, 30]
    assert np.bincount(labels[found.validation]).tolist() == [2, 10]
    assert np.bincount(labels[found.test]).tolist() == [2, 10]
    assert found.train.dtype == np.int64
    assert (np.diff(found.train) > 0).all()


@given(st.lists(st.integers(3, 30), min_size=2, max_size=6), st.integers(1, 2**31 - 2))
def test_parts_are_disjoint_complete_and_hold_every_class(sizes: list[int], seed: int) -> None:
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))

    found = divided(labels.tolist(), seed=seed)

    together = np.concatenate([found.train, found.validation, found.test])
    assert sorted(together.tolist()) == list(range(len(labels)))
    for part in (found.train, found.validation, found.test):
        assert set(labels[part].tolist()) == set(range(len(sizes)))


def test_the_same_seed_gives_the_same_split_and_another_seed_another() -> None:
    labels = [0, 1] * 20

    first, again, other = divided(labels, seed=1), divided(labels, seed=1), divided(labels, seed=2)

    np.testing.assert_array_equal(first.test, again.test)
    np.testing.assert_array_equal(first.train, again.train)
    assert first.test.tolist() != other.test.tolist()


def test_a_fixed_test_part_is_respected_and_the_rest_divided() -> None:
    labels = [0, 1] * 10
    fixed = [Part.TEST] * 4 + [Part.FREE] * 16

    found = divided(labels, fixed)

    assert found.test.tolist() == [0, 1, 2, 3]
    assert len(found.train) == 12  # 0.6 of 0.8 of 16
    assert len(found.validation) == 4


def test_a_fixed_validation_part_is_respected_and_a_test_part_cut_from_train() -> None:
    found = divided([0, 1] * 10, [Part.VALIDATION] * 4 + [Part.FREE] * 16)

    assert found.validation.tolist() == [0, 1, 2, 3]
    assert (len(found.train), len(found.test)) == (12, 4)


def test_three_fixed_parts_leave_nothing_to_divide() -> None:
    fixed = [Part.TRAIN, Part.TRAIN, Part.TEST, Part.TEST, Part.VALIDATION, Part.VALIDATION]

    found = divided([0, 1] * 3, fixed, seed=5)

    assert (found.train.tolist(), found.validation.tolist(), found.test.tolist()) == ([0, 1], [4, 5], [2, 3])


def test_a_class_with_too_few_images_is_named_with_what_it_needs() -> None:
    with pytest.raises(errors.DatasetError, match=r"class 'class 1' has 2 images to share out; it needs at least 3"):
        divided([0, 0, 0, 1, 1])


def test_a_class_that_a_fixed_part_lacks_is_named() -> None:
    with pytest.raises(errors.DatasetError, match=r"class 'class 1' has no image in the data set's own test part"):
        divided([0] * 5 + [1] * 5, [Part.TEST] + [Part.FREE] * 9)


def test_the_split_is_what_it_was() -> None:
    # Pinned: a change here is a change of every search's data.
    found = divided([0] * 5 + [1] * 5, seed=7)

    assert (found.train.tolist(), found.validation.tolist(), found.test.tolist()) == (
        [0, 2, 4, 5, 6, 9],
        [1, 8],
        [3, 7],
    )
