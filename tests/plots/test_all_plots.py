from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness import plots, prices
from harness.analysis import groups
from harness.plots.all_plots import NAMES, places_of

if TYPE_CHECKING:
    from tests.analysis.conftest import Made

PRICES = prices.load()


def _drawn(made: Made) -> dict[str, bytes]:
    written = plots.write(made.folder, made.results(), prices=PRICES)
    return {path.relative_to(made.folder.plots).as_posix(): path.read_bytes() for path in written}


@pytest.mark.seconds
def test_each_group_has_a_folder_of_pictures_as_svg_and_png(made: Made) -> None:
    made.search([made.trial(0, 0.5)], dataset="animals")
    made.search([made.trial(0, 0.6)], dataset="plants")

    drawn = _drawn(made)

    folders = {name.split("/")[0] for name in drawn if "/" in name}
    assert folders == {"animals-mobile-lr", "plants-mobile-lr"}
    assert {Path(name).suffix for name in drawn} == {".svg", ".png"}
    assert {Path(name).stem for name in drawn} <= set(NAMES)


@pytest.mark.seconds
def test_the_same_records_give_the_same_pictures_to_the_byte(made: Made) -> None:
    for seed in (0, 1, 2):
        made.search([made.trial(0, 0.2, 0.4 + seed / 10)], seed=seed)
        made.search([made.trial(0, 0.3, 0.5)], "tpe", seed, kind="optuna-tpe")

    assert _drawn(made) == _drawn(made)


@pytest.mark.parametrize("name", ["Füchse & Dachse", "a/b\\c", "東京", "$x_1^2$", "..", "x" * 300, "<b>"])
def test_any_name_is_a_folder_right_within_plots(made: Made, name: str) -> None:
    made.search([made.trial(0, 0.5)], dataset=name, backbone=name, hyperparameters=name)

    (place,) = places_of(made.folder.plots, groups(made.results()))

    assert place.folder.parent == made.folder.plots
    place.folder.mkdir(parents=True)


def test_groups_whose_names_look_alike_keep_apart(made: Made) -> None:
    made.search([made.trial(0, 0.5)], dataset="a b")
    made.search([made.trial(0, 0.5)], dataset="a/b")

    assert len({place.folder for place in places_of(made.folder.plots, groups(made.results()))}) == 2


@pytest.mark.seconds
def test_names_in_any_script_and_with_signs_of_markup_are_drawn_as_they_are(made: Made) -> None:
    made.search([made.trial(0, 0.5)], "東京 $x_1^2$ <b>")

    drawn = _drawn(made)

    assert "東京 $x_1^2$ &lt;b&gt; (1)" in drawn["animals-mobile-lr/cost.svg"].decode()


@pytest.mark.seconds
def test_pictures_of_a_group_that_is_no_more_are_removed_and_nothing_else(made: Made) -> None:
    made.search([made.trial(0, 0.5)], dataset="animals")
    _drawn(made)
    mine = made.folder.plots / "animals-mobile-lr" / "my notes.png"
    mine.write_bytes(b"mine")
    made.planned.clear()
    made.search([made.trial(0, 0.5)], dataset="plants", id="f" * 16)

    _drawn(made)

    assert list((made.folder.plots / "animals-mobile-lr").iterdir()) == [mine]


@pytest.mark.seconds
def test_nothing_finished_is_said_in_the_pictures(made: Made) -> None:
    made.search([], status="failed", reason="boom")
    made.plan(seed=1)

    drawn = _drawn(made)

    assert b"No search has finished." in drawn["animals-mobile-lr/phases.svg"]
    assert b"No search has a test F1 and a known cost." in drawn["animals-mobile-lr/cost.svg"]


def test_nothing_planned_is_nothing_drawn(made: Made) -> None:
    assert all("/" not in name for name in _drawn(made))


@pytest.mark.seconds
def test_no_picture_of_a_matrix_of_accuracy_speaks_of_f1(made: Made) -> None:
    made.by_accuracy()

    drawn = {name: _texts(content.decode()) for name, content in _drawn(made).items() if name.endswith(".svg")}

    assert {Path(name).stem for name in drawn} == set(NAMES)
    assert [text for texts in drawn.values() for text in texts if "F1" in text] == []
    assert "validation accuracy of the incumbent" in drawn["animals-mobile-lr/anytime-wall.svg"]


def _texts(svg: str) -> list[str]:
    """Return what a picture says in words."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)
