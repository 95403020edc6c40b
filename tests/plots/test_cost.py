from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.analysis import groups
from harness.analysis.tuner_style_lookup import styles
from harness.plots import cost
from harness.plots.cost import CostPoint, front

if TYPE_CHECKING:
    from tests.analysis.conftest import Made


def _text(made: Made) -> str:
    (group,) = found = groups(made.results())
    svg, _ = cost.draw(group, made.folder.path / "x", title="t", looks=styles(found))
    return svg.read_text("utf-8")


@pytest.fixture
def points(made: Made) -> list[CostPoint]:
    made.search([made.trial(0, 0.5)])
    (row,) = groups(made.results())[0].rows
    spots = [(3.0, 0.9), (1.0, 0.5), (2.0, 0.4), (2.0, 0.7), (4.0, 0.9), (1.0, 0.3)]
    return [CostPoint(row=row, cost=spent, score=score) for spent, score in spots]


def test_the_front_is_what_no_other_point_beats(points: list[CostPoint]) -> None:
    assert [(point.cost, point.score) for point in front(points)] == [(1.0, 0.5), (2.0, 0.7), (3.0, 0.9)]
    assert front([]) == []
    assert front(points[:1]) == points[:1]


def test_every_tuner_is_marked_with_its_number_of_seeds(made: Made) -> None:
    for seed in (0, 1):
        made.search([made.trial(0, 0.5)], "random", seed)
    made.search([made.trial(0, 0.6)], "tpe <1>", 0, kind="optuna-tpe")

    text = _text(made)

    assert "random (2)" in text
    assert "tpe &lt;1&gt; (1)" in text
    assert "search s (mean over seeds)" in text


def test_a_tuner_without_a_test_score_is_left_out_and_named(made: Made) -> None:
    made.search([made.trial(0, 0.5)], "known")
    made.search([], "broken", status="failed", reason="boom")

    text = _text(made)

    assert "broken (" not in text
    assert "Left out, as cost or F1 is unknown: broken." in text
