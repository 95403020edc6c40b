from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import analysis
from harness.analysis.cost_axes import Axis, Score
from harness.analysis.statistics import Frame, Line, areas, frame
from harness.analysis.statistics.curve_areas import under

if TYPE_CHECKING:
    from harness.analysis.statistics import Area
    from harness.prices import Prices
    from tests.analysis.conftest import Made

FRAME = Frame(worst=0.2, best=0.6, cost=10.0, worst_of="of a test")


def _line(cost: tuple[float, ...], score: tuple[float, ...]) -> Line:
    return Line(tuner="a", training_seed=0, cost=cost, score=score, spent=cost[-1])


def _areas(made: Made, price_list: Prices) -> list[Area]:
    (group,) = analysis.groups(made.results())
    return areas(group, axis=Axis.EPOCHS, score=Score.VALIDATION, prices=price_list)


def test_the_area_is_that_of_the_steps() -> None:
    # Nothing until 2, half the height until 6, all of it until 10: 0 × 2 + 0.5 × 4 + 1 × 4 = 6 of 10.
    assert under(_line((2.0, 6.0), (0.4, 0.6)), FRAME) == pytest.approx(0.6)


def test_what_comes_after_the_frame_or_below_it_counts_nothing() -> None:
    assert under(_line((20.0,), (0.6,)), FRAME) == 0
    assert under(_line((1.0,), (0.1,)), FRAME) == 0
    assert under(_line((0.0,), (0.9,)), FRAME) == 1


@settings(max_examples=40, deadline=None, database=None, derandomize=True)
@given(st.lists(st.tuples(st.floats(0, 20), st.floats(0, 1)), min_size=1, max_size=10))
def test_the_area_is_a_share(steps: list[tuple[float, float]]) -> None:
    costs, scores = sorted(cost for cost, _ in steps), sorted(score for _, score in steps)
    assert 0 <= under(_line(tuple(costs), tuple(scores)), FRAME) <= 1 + 1e-12


def test_sooner_is_more(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.1, 0.5)], "late")
    made.search([made.trial(0, 0.5, 0.1)], "soon", kind="optuna-tpe")
    made.search([made.trial(0, 0.1, 0.1)], "default", kind="default")
    late, soon, _ = _areas(made, price_list)
    assert late.area.value == 0.0
    assert soon.area.value == 0.5


def test_the_frame_reaches_from_the_untuned_median_to_the_best(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.3)], "default", kind="default")
    made.search([made.trial(0, 0.1, 0.2)], "random")
    made.search([made.trial(0, 0.7, 0.1, 0.1)], "tpe", kind="optuna-tpe")
    (group,) = analysis.groups(made.results())
    found = frame(group, axis=Axis.EPOCHS, score=Score.VALIDATION, prices=price_list)
    assert found == Frame(worst=0.3, best=0.7, cost=2.0, worst_of="the median of the untuned default")


def test_without_default_and_random_it_reaches_from_the_worst_and_as_far_as_any(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.1, 0.2)], "a", kind="optuna-tpe")
    made.search([made.trial(0, 0.7, 0.1, 0.1)], "b", kind="kt-bayesian")
    (group,) = analysis.groups(made.results())
    found = frame(group, axis=Axis.EPOCHS, score=Score.VALIDATION, prices=price_list)
    assert found == Frame(worst=0.2, best=0.7, cost=3.0, worst_of="the worst final score")


def test_failed_and_unscored_searches_have_no_area_and_missing_ones_are_left_out(
    made: Made, price_list: Prices
) -> None:
    made.search([made.trial(0, 0.1)], "default", kind="default")
    made.search([made.trial(0, 0.5)], "a", 0)
    made.search([made.trial(0, 0.5)], "a", 1, status="failed", reason="boom")
    made.search([made.trial(0, charged_epochs=1)], "a", 2)
    made.plan("a", 3)
    found = _areas(made, price_list)[1]
    assert (found.area.n, found.unknown) == (3, 1)
    assert found.area.value == pytest.approx(0.0)  # the one success comes at the end of the frame


def test_all_tied_have_no_area(made: Made, price_list: Prices) -> None:
    for seed in range(2):
        made.search([made.trial(0, 0.5)], seed=seed)
    (found,) = _areas(made, price_list)
    assert (found.area.value, found.area.n, found.unknown) == (None, 0, 2)


def test_all_failed_have_no_frame(made: Made, price_list: Prices) -> None:
    made.search([], status="failed", reason="boom")
    (found,) = _areas(made, price_list)
    assert found.area.value is None
