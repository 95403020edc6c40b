from __future__ import annotations

import pytest

from harness.datasets import class_names


@pytest.mark.parametrize("entry", ["", " ", "nan", "NaN", "<NA>"])
def test_what_is_empty_or_spells_a_missing_entry_says_nothing(entry: str) -> None:
    assert class_names.says_nothing(entry)


def test_what_many_call_a_class_says_something() -> None:
    assert not any(map(class_names.says_nothing, ("None", "NA", "nan bread", "0")))


@pytest.mark.parametrize("twins", [("Cat", "cat"), ("c", "c "), ("1", "1.0"), ("a  b", "a b")])
def test_labels_that_differ_in_their_spelling_alone_are_twins(twins: tuple[str, str]) -> None:
    found = class_names.twins(["dog", *twins])

    assert found is not None
    assert set(found) == set(twins)
    assert f"{found[0]!r} and {found[1]!r} differ" in class_names.of_twins(*found)


def test_other_labels_are_no_twins() -> None:
    assert class_names.twins(["1", "2", "cat", "cats"]) is None
