from __future__ import annotations

import pytest

from harness import image_labels
from harness.image_labels import Pinned

LABELS = {
    "tuner-harness.base": "python:3@sha256:" + "b" * 64,
    "tuner-harness.lock-hash": "d" * 64,
    "tuner-harness.recipe-hash": "e" * 64,
    "tuner-harness.source-hash": "f" * 64,
    "somebody.else": "ä",
}


def read(**changed: str) -> Pinned:
    found = image_labels.read(
        {**LABELS, **{f"tuner-harness.{name.replace('_', '-')}": to for name, to in changed.items()}}
    )
    assert found is not None
    return found


def test_labels_say_what_an_image_is_made_from() -> None:
    assert read() == Pinned(base="python:3@sha256:" + "b" * 64, lock="d" * 64, recipe="e" * 64, source="f" * 64)


@pytest.mark.parametrize("label", [label for label in LABELS if label != "somebody.else"])
@pytest.mark.parametrize("value", ["", "unstated", "python:3"])
def test_an_image_of_which_anything_is_unstated_says_nothing(label: str, value: str) -> None:
    assert image_labels.read({**LABELS, label: value}) is None
    assert image_labels.read({name: given for name, given in LABELS.items() if name != label}) is None
    assert image_labels.read({}) is None


@pytest.mark.parametrize("label", ["lock_hash", "recipe_hash"])
def test_the_content_is_of_all_that_is_pinned(label: str) -> None:
    assert read(**{label: "0" * 64}).content != read().content


def test_the_content_is_of_the_base_itself_and_not_of_its_name() -> None:
    assert read(base="mirror.example/python:3@sha256:" + "b" * 64).content == read().content
    assert read(base="python:3@sha256:" + "0" * 64).content != read().content


def test_sources_are_a_cells_code_and_not_its_environment() -> None:
    assert read(source_hash="0" * 64).content == read().content
