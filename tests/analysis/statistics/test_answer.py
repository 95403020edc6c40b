from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness import analysis
from harness.analysis.cost_axes import Axis
from harness.analysis.statistics import Answer, Ground, Question, Standing, Verdict, answer, judged, verdicts

if TYPE_CHECKING:
    from harness.prices import Prices
    from tests.analysis.conftest import Made


def _answer(made: Made, price_list: Prices, rope: float = 0.01) -> Answer:
    groups = analysis.groups(made.results())
    return answer(groups, verdicts(groups, prices=price_list), rope=rope, prices=price_list)


def _search(made: Made, tuner: str, seed: int, score: float, *, epochs: int = 2, dataset: str = "animals") -> None:
    kind = {"random": "kt-random", "default": "default"}.get(tuner, "optuna-tpe")
    made.search([made.trial(0, *[score] * epochs)], tuner, seed, kind=kind, dataset=dataset)


def _alike(seed: int, place: int) -> float:
    return 0.5 + 0.1 * ((seed + place) % 3)


def _at_end(found: Answer, tuner: str) -> Standing:
    return next(each for each in found.at_end(None) if each.tuner == tuner)


def test_where_nothing_was_compared_nothing_is_advised(made: Made, price_list: Prices) -> None:
    for tuner in ("random", "tpe"):
        _search(made, tuner, 0, 0.5)
    advice = _answer(made, price_list).advice
    assert (advice.ground, advice.tuners, advice.seeds, advice.smallest_effect) == (Ground.NOTHING, (), 1, None)


def test_nothing_planned_is_answered_too(price_list: Prices) -> None:
    found = answer([], verdicts([], prices=price_list), rope=0.01, prices=price_list)
    assert (found.standings, found.advice.ground, found.yardstick) == ((), Ground.NOTHING, None)


def test_without_evidence_all_that_are_not_shown_to_cost_more_are_named(made: Made, price_list: Prices) -> None:
    for seed in range(6):
        for place, tuner in enumerate(("random", "tpe", "dear")):
            _search(made, tuner, seed, _alike(seed, place), epochs=30 if tuner == "dear" else 2 + (seed + place) % 2)
    advice = _answer(made, price_list).advice
    assert advice.ground is Ground.NONE
    assert advice.tuners == ("random", "tpe")
    assert advice.smallest_effect is not None
    assert advice.smallest_effect > 0.1


def test_without_evidence_of_scores_or_of_costs_all_are_named(made: Made, price_list: Prices) -> None:
    for seed in range(3):
        for place, tuner in enumerate(("random", "größe", "c")):
            _search(made, tuner, seed, _alike(seed, place))
    assert _answer(made, price_list).advice.tuners == ("random", "größe", "c")


def test_what_is_shown_to_be_better_is_advised_with_its_gain_and_its_cost(made: Made, price_list: Prices) -> None:
    for seed in range(6):
        _search(made, "random", seed, 0.5 + seed % 2 / 100)
        _search(made, "tpe", seed, 0.7 + seed % 3 / 100, epochs=9)
    found = _answer(made, price_list)
    assert (found.advice.ground, found.advice.tuners) == (Ground.EVIDENCE, ("tpe",))
    winner = _at_end(found, "tpe")
    assert winner.verdict is Verdict.BETTER
    assert winner.over_random is not None
    assert winner.over_random.value == pytest.approx(0.205)
    assert winner.probabilities is not None
    assert winner.probabilities.better > 0.95
    assert (winner.improvement, winner.search_s) == (1.0, 1 + 9 * 3 + 0.5 + 0.5)
    assert winner.usd is not None


def test_a_cheap_tuner_that_is_beaten_is_not_advised(made: Made, price_list: Prices) -> None:
    for seed in range(6):
        _search(made, "random", seed, 0.7 + seed % 3 / 100, epochs=20)
        _search(made, "default", seed, 0.4 + seed % 2 / 100, epochs=1)
    advice = _answer(made, price_list).advice
    assert advice.tuners == ("random",)


def test_of_several_good_ones_the_cheapest_is_advised(made: Made, price_list: Prices) -> None:
    for seed in range(6):
        _search(made, "random", seed, 0.4 + seed % 2 / 100)
        _search(made, "dear", seed, 0.7 + seed % 3 / 100, epochs=30)
        _search(made, "cheap", seed, 0.7 + (seed + 1) % 3 / 100, epochs=3)
    assert _answer(made, price_list).advice.tuners == ("cheap",)


@pytest.mark.seconds
def test_equivalence_is_what_the_matrix_declares(made: Made, price_list: Prices) -> None:
    for seed in range(10):
        _search(made, "random", seed, 0.5 + seed / 100)
        _search(made, "tpe", seed, 0.5 + seed / 100 + (-1) ** seed * 0.015)
    results = made.results()
    narrow, wide = (judged(replace(results, equivalence=rope), prices=price_list).answer for rope in (0.01, 0.05))
    assert (narrow.rope, wide.rope) == (0.01, 0.05)
    assert (narrow.advice.equivalent, wide.advice.equivalent) == ((), ("tpe",))


def test_at_each_budget_the_score_in_hand_counts_and_none_is_zero(made: Made, price_list: Prices) -> None:
    for seed in range(2):
        made.search([made.trial(0, *[0.5] * 8)], "random", seed)
        made.search([made.trial(0, charged_epochs=3), made.trial(1, 0.6, 0.7)], "late", seed, kind="optuna-tpe")
    found = {
        each.part: each for each in _answer(made, price_list).standings if (each.axis, each.tuner) == ("epochs", "late")
    }
    # After 2, 4 and 8 of random search's 8 epochs; test scores are 0.1 lower than validation scores.
    assert [found[part].score.value for part in (0.25, 0.5, 1.0)] == pytest.approx([0.0, 0.5, 0.6])
    assert [found[part].regret for part in (0.25, 0.5, 1.0)] == pytest.approx([0.7, 0.1, 0.0])
    assert [found[part].verdict for part in (0.25, 0.5)] == [None, None]


def test_a_failed_search_has_nothing_in_hand_and_a_missing_one_leaves_its_seed_out(
    made: Made, price_list: Prices
) -> None:
    for seed in range(4):
        _search(made, "random", seed, 0.5)
    for seed in range(2):
        _search(made, "tpe", seed, 0.7)
    made.search([], "tpe", 2, kind="optuna-tpe", status="failed", reason="boom")
    made.plan("tpe", 3)
    standing = _at_end(_answer(made, price_list), "tpe")
    assert standing.score.value == pytest.approx((0.6 + 0.6 + 0) / 3)
    assert standing.score.n == 3


def test_random_search_is_not_compared_with_itself_and_without_it_nobody_is(made: Made, price_list: Prices) -> None:
    for seed in range(3):
        _search(made, "random", seed, 0.5)
        _search(made, "tpe", seed, 0.6)
    found = _answer(made, price_list)
    yardstick = _at_end(found, "random")
    assert found.yardstick == "random"
    assert (yardstick.over_random, yardstick.probabilities, yardstick.improvement, yardstick.verdict) == (None,) * 4


def test_without_random_search_tuners_stand_without_a_comparison_and_advice_is_given(
    made: Made, price_list: Prices
) -> None:
    for seed in range(6):
        _search(made, "a", seed, 0.4 + seed % 2 / 100)
        _search(made, "b", seed, 0.7 + seed % 3 / 100)
    found = _answer(made, price_list)
    assert found.yardstick is None
    assert {each.over_random for each in found.standings} == {None}
    assert (found.advice.tuners, found.advice.equivalent) == (("b",), ())


def test_a_tuner_that_a_group_lacks_stands_in_the_groups_that_have_it_alone(made: Made, price_list: Prices) -> None:
    for dataset in ("a", "b"):
        for seed in range(2):
            _search(made, "random", seed, 0.5, dataset=dataset)
            _search(made, "tpe", seed, 0.6, dataset=dataset)
            if dataset == "a":
                _search(made, "extra", seed, 0.9, dataset=dataset)
    found = _answer(made, price_list)
    assert [each.tuner for each in found.at_end(None)] == ["random", "tpe"]
    scopes = {each.group for each in found.standings}
    in_a = next(scope for scope in scopes if scope is not None and scope.dataset == "a")
    assert [each.tuner for each in found.at_end(in_a)] == ["random", "tpe", "extra"]


def test_a_verdict_of_a_standing_is_that_of_its_own_scope(made: Made, price_list: Prices) -> None:
    for dataset in ("a", "b"):
        for seed in range(6):
            _search(made, "random", seed, 0.5 + seed % 2 / 100, dataset=dataset)
            wavering = 0.48 + seed % 4 / 60
            _search(made, "tpe", seed, 0.8 + seed % 3 / 100 if dataset == "a" else wavering, dataset=dataset)
    groups = analysis.groups(made.results())
    said = verdicts(groups, prices=price_list)
    found = answer(groups, said, rope=0.01, prices=price_list)
    for scope in (None, *(group.name for group in groups)):
        answered = said.overall if scope is None else said.within[scope]
        for each in found.at_end(scope):
            expected = None if each.tuner == "random" else answered[Question.SCORE].of(each.tuner, "random")
            assert each.verdict is expected


def test_budgets_are_counted_in_epochs_and_in_seconds(made: Made, price_list: Prices) -> None:
    for seed in range(2):
        _search(made, "random", seed, 0.5)
        _search(made, "tpe", seed, 0.6)
    found = _answer(made, price_list).standings
    assert {(each.axis, each.part) for each in found} == {
        (axis, part) for axis in (Axis.EPOCHS, Axis.WALL_S) for part in (0.25, 0.5, 1.0)
    }


def test_results_are_judged_once_for_as_long_as_they_are_kept(made: Made, price_list: Prices) -> None:
    for seed in range(2):
        _search(made, "random", seed, 0.5)
    results = made.results()
    first = judged(results, prices=price_list)
    assert judged(results, prices=price_list) is first
    assert judged(results, prices=replace(price_list)) is first
    assert judged(made.results(), prices=price_list) is not first


def test_other_prices_are_another_judgement(made: Made, price_list: Prices) -> None:
    for seed in range(2):
        _search(made, "random", seed, 0.5)
    results = made.results()
    first = judged(results, prices=price_list)
    assert judged(results, prices=replace(price_list, cpu=None)) is not first
    assert judged(results, prices=price_list) == first
