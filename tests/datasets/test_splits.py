from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import errors, matrix_schema
from harness.datasets.part_aliases import Part
from harness.datasets.splits import SplitImages, split

SHARES = matrix_schema.Split()


def divided(
    labels: Sequence[int],
    fixed: Sequence[int] | None = None,
    *,
    seed: int = 1,
    shares: matrix_schema.Split = SHARES,
    groups: Sequence[str] | None = None,
) -> SplitImages:
    return split(
        np.array(labels, dtype=np.int32),
        np.array(fixed if fixed is not None else [Part.FREE] * len(labels), dtype=np.int8),
        classes=[f"class {label}" for label in range(max(labels) + 1)],
        shares=shares,
        seed=seed,
        groups=groups,
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
    with pytest.raises(errors.DatasetError, match=r"has 1 image to share out; .*; add some, or leave the class out$"):
        divided([0, 0, 0, 1])


def test_a_class_that_a_fixed_part_lacks_is_named() -> None:
    with pytest.raises(errors.DatasetError, match=r"class 'class 1' has no image in the data set's own test part"):
        divided([0] * 5 + [1] * 5, [Part.TEST] + [Part.FREE] * 9)


@pytest.mark.seconds
@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(3, 9), min_size=2, max_size=4), st.integers(1, 2**31 - 2))
def test_no_group_stands_in_two_parts_and_every_class_in_all(sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    pairs = [(label, f"{label} {number}") for label, size in enumerate(sizes) for number in range(size)]
    images = [pairs[place] for place in rng.permutation(np.repeat(np.arange(len(pairs)), 4))]
    labels, groups = zip(*images, strict=True)

    found = divided(labels, seed=seed, groups=groups)

    parts = [found.train, found.validation, found.test]
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(labels)))
    assert sum(len({groups[index] for index in part}) for part in parts) == len(pairs)
    assert all({labels[index] for index in part} == set(range(len(sizes))) for part in parts)


def test_groups_are_shared_out_among_the_parts_that_the_data_set_leaves_open() -> None:
    fixed = [Part.TEST] * 4 + [Part.FREE] * 16
    groups = ["test"] * 4 + [f"site {number // 2 % 4}" for number in range(16)]

    found = divided([0, 1] * 10, fixed, groups=groups)

    assert found.test.tolist() == [0, 1, 2, 3]
    assert (len(found.train), len(found.validation)) == (12, 4)
    assert {groups[index] for index in found.train}.isdisjoint(groups[index] for index in found.validation)


def test_three_fixed_parts_with_groups_leave_nothing_to_divide() -> None:
    fixed = [Part.TRAIN, Part.TRAIN, Part.TEST, Part.TEST, Part.VALIDATION, Part.VALIDATION]

    assert divided([0, 1] * 3, fixed, groups=list("aabbcc")).test.tolist() == [2, 3]


def test_a_class_of_too_few_groups_is_named_with_them() -> None:
    with pytest.raises(errors.DatasetError) as caught:
        divided([0, 0, 0, 1, 1, 1], groups=["a", "b", "c", "a", "b", "b"])

    assert str(caught.value) == (
        "class 'class 1' has images of 2 groups ('a', 'b') to share out; it needs at least 3, one for each of train, "
        "validation, test; add some, or leave the class out"
    )


def test_groups_that_tie_classes_together_in_vain_are_told() -> None:
    # Five groups, of which any two hold a class in common: three parts can't each have all ten classes.
    pairs = [(first, second) for first in range(5) for second in range(first)]
    images = [(label, str(group)) for label, pair in enumerate(pairs) for group in pair]
    extra = [(label, "f") for label in range(len(pairs))]
    labels, groups = zip(*images, *extra, strict=True)

    with pytest.raises(errors.DatasetError, match=r"groups can't be shared out .* would have no 'class \d'; give "):
        divided(labels, groups=groups)


def test_the_split_is_what_it_was() -> None:
    # Pinned: a change here is a change of every search's data.
    found = divided([0] * 5 + [1] * 5, seed=7)

    assert (found.train.tolist(), found.validation.tolist(), found.test.tolist()) == (
        [0, 2, 4, 5, 6, 9],
        [1, 8],
        [3, 7],
    )
