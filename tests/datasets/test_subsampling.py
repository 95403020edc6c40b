from __future__ import annotations

import numpy as np
import pytest

from harness import errors, matrix_schema
from harness.datasets.part_aliases import Part
from harness.datasets.subsampling import Indices, sample

LABELS = np.repeat([0, 1, 2], [60, 30, 10]).astype(np.int32)
FREE = np.full(100, Part.FREE, dtype=np.int8)


def drawn(*, parts: np.ndarray[tuple[int], np.dtype[np.int8]] = FREE, **limits: int) -> Indices:
    dataset = matrix_schema.Dataset.model_validate({"source": "animals", **limits})
    return sample(LABELS, parts, classes=["a", "b", "c"], dataset=dataset)


def test_without_limits_everything_is_taken() -> None:
    assert drawn().tolist() == list(range(100))


def test_max_images_is_met_exactly_with_the_shares_kept() -> None:
    assert np.bincount(LABELS[drawn(max_images=50)]).tolist() == [30, 15, 5]
    assert np.bincount(LABELS[drawn(max_images=37)]).tolist() == [22, 11, 4]


def test_per_class_takes_at_most_so_many() -> None:
    assert np.bincount(LABELS[drawn(per_class=20)]).tolist() == [20, 20, 10]


def test_both_limits_hold_together() -> None:
    assert np.bincount(LABELS[drawn(per_class=20, max_images=25)]).tolist() == [10, 10, 5]


def test_a_limit_above_what_there_is_changes_nothing() -> None:
    assert len(drawn(max_images=1000, per_class=1000)) == 100


def test_a_rare_class_keeps_an_image() -> None:
    assert np.bincount(LABELS[drawn(max_images=4)]).tolist() == [2, 1, 1]


def test_the_draw_is_seeded_sorted_and_without_repeats() -> None:
    first, again, other = drawn(max_images=40), drawn(max_images=40), drawn(max_images=40, sample_seed=1)

    assert first.tolist() == again.tolist() == sorted(set(first.tolist()))
    assert first.tolist() != other.tolist()


def test_a_smaller_draw_is_part_of_a_larger_one() -> None:
    assert set(drawn(per_class=5).tolist()) < set(drawn(per_class=9).tolist())


def test_fixed_parts_keep_their_shares() -> None:
    parts = np.where(np.arange(100) % 5 == 0, Part.TEST, Part.FREE).astype(np.int8)

    found = drawn(parts=parts, max_images=50)

    assert np.bincount(LABELS[found][parts[found] == Part.TEST]).tolist() == [6, 3, 1]


def test_a_class_without_a_fixed_image_is_drawn_from_its_free_ones() -> None:
    parts = np.where(np.arange(100) < 30, Part.TEST, Part.FREE).astype(np.int8)

    assert np.bincount(LABELS[drawn(parts=parts, max_images=50)]).tolist() == [30, 15, 5]


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"max_images": 5}, "max_images = 5: 3 classes .* 6 images"),
        ({"per_class": 1}, "per_class = 1: class 'a' .* 2 "),
    ],
)
def test_a_limit_below_one_image_of_each_kind_is_refused(limits: dict[str, int], message: str) -> None:
    parts = np.where(np.arange(100) % 5 == 0, Part.TEST, Part.FREE).astype(np.int8)

    with pytest.raises(errors.DatasetError, match=message):
        drawn(parts=parts, **limits)


def test_limits_draw_from_as_many_groups_as_there_are() -> None:
    sizes = (60, 30, 10)
    groups = np.array([f"{label} {min(place, 4)}" for label, size in enumerate(sizes) for place in range(size)])
    dataset = matrix_schema.Dataset(source="animals", per_class=10)

    found = sample(LABELS, FREE, groups, classes=["a", "b", "c"], dataset=dataset)
    fewer = sample(LABELS, FREE, groups, classes=["a", "b", "c"], dataset=dataset.model_copy(update={"per_class": 5}))

    assert np.bincount(LABELS[found]).tolist() == [10, 10, 10]
    assert set(groups[found]) == set(groups)
    assert set(fewer) < set(found)


def test_groups_of_one_image_each_are_drawn_as_images_are() -> None:
    dataset = matrix_schema.Dataset(source="animals", max_images=40)
    groups = np.array([str(number) for number in range(100)])

    found = sample(LABELS, FREE, groups, classes=["a", "b", "c"], dataset=dataset)

    assert found.tolist() == drawn(max_images=40).tolist()
