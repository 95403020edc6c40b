from __future__ import annotations

from html import unescape
from re import findall, sub
from typing import TYPE_CHECKING, Any

from harness.page import dataset_sections
from tests.page.conftest import NASTY

if TYPE_CHECKING:
    from tests.analysis.conftest import Made


def facts(seed: int = 1, *, classes: int = 2, **changes: Any) -> dict[str, Any]:
    train = [6 + seed] * classes
    return {
        "images": 10 * classes,
        "classes": [f"class {number}" for number in range(classes)],
        "per_class": [10] * classes,
        "groups": 5,
        "seed": seed,
        "train": sum(train),
        "validation": 2 * classes,
        "test": (2 - seed) * classes,
        "per_class_of_part": {"train": train, "validation": [2] * classes, "test": [2 - seed] * classes},
        **changes,
    }


def rows(text: str) -> list[list[str]]:
    return [
        [unescape(sub("<[^>]*>", "", cell)) for cell in findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)]
        for row in findall(r"<tr>(.*?)</tr>", text)
    ]


def test_each_class_is_shown_with_its_images_in_every_part(made: Made) -> None:
    made.search([made.trial(0, 0.5)], seed=1, data=facts(1, groups=None, classes=2))

    text = dataset_sections.sections(made.results())

    assert rows(text) == [
        ["class", "images", "train", "validation", "test"],
        ["class 0", "10", "7", "2", "1"],
        ["class 1", "10", "7", "2", "1"],
    ]
    assert "<h3>animals</h3><p>20 images, 2 classes (10).</p>" in text


def test_parts_of_groups_are_shown_from_where_to_where_they_go(made: Made) -> None:
    for seed in (0, 1, 2):
        made.search([made.trial(0, 0.5)], seed=seed, data=facts(seed))

    assert rows(dataset_sections.sections(made.results()))[1] == ["class 0", "10", "6 to 8", "2", "0 to 2"]


def test_a_record_that_tells_no_parts_has_its_classes_shown(made: Made) -> None:
    told = facts()
    del told["per_class_of_part"]
    made.search([made.trial(0, 0.5)], data=told)

    assert rows(dataset_sections.sections(made.results()))[:2] == [["class", "images"], ["class 0", "10"]]


def test_many_classes_are_shown_on_demand(made: Made) -> None:
    made.search([made.trial(0, 0.5)], data=facts(classes=40))

    assert "<details><summary>Images of each of its 40 classes</summary>" in dataset_sections.sections(made.results())


def test_names_of_data_sets_and_classes_are_shown_as_they_are(made: Made) -> None:
    made.search([made.trial(0, 0.5)], dataset=NASTY, data=facts(classes=2) | {"classes": [NASTY, "b"]})

    text = dataset_sections.sections(made.results())

    assert "<b " not in text
    assert rows(text)[1][0] == NASTY.replace("\u2028", r"\u2028")


def test_searches_of_other_classes_or_of_untold_ones_break_nothing(made: Made) -> None:
    made.search([made.trial(0, 0.5)], seed=1, data=facts(1))
    made.search([made.trial(0, 0.5)], seed=2, data=facts(2, classes=1) | {"classes": ["other"]})
    made.search(
        [made.trial(0, 0.5)], dataset="untold", data={"images": 3, "per_class": [1, 2], "groups": 2, "train": 3}
    )

    text = dataset_sections.sections(made.results())

    assert rows(text)[1] == ["class 0", "10", "7", "2", "1"]
    assert "<h3>untold</h3><p>3 images, 2 classes (1 to 2), 2 groups.</p>" in text


def test_where_no_search_has_run_nothing_is_known(made: Made) -> None:
    made.plan()

    assert dataset_sections.sections(made.results()) == "<p>Unknown: no search has run.</p>"
