from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness import analysis
from harness.analysis.statistics import ALPHA, Question, Verdict, Verdicts, complete_blocks, verdicts

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.analysis import Group, SearchResult
    from harness.prices import Prices
    from tests.analysis.conftest import Made


def _verdicts(made: Made, price_list: Prices) -> Verdicts:
    return verdicts(analysis.groups(made.results()), prices=price_list)


def _fill(made: Made, scores: dict[str, Callable[[int], float]], seeds: int = 6, dataset: str = "animals") -> None:
    for seed in range(seeds):
        for tuner, score in scores.items():
            kind = "kt-random" if tuner == "random" else "optuna-tpe"
            made.search([made.trial(0, score(seed))], tuner, seed, kind=kind, dataset=dataset)


def _low(seed: int) -> float:
    return 0.4 + seed % 3 / 100


def _high(seed: int) -> float:
    return 0.7 + seed % 2 / 100


def test_a_pair_is_better_one_way_and_worse_the_other(made: Made, price_list: Prices) -> None:
    _fill(made, {"random": _low, "größer": _high})
    found = _verdicts(made, price_list).overall[Question.SCORE]
    assert (found.of("größer", "random"), found.of("random", "größer")) == (Verdict.BETTER, Verdict.WORSE)
    assert (found.best, found.ranked, found.cliques) == (("größer",), ("größer", "random"), ())
    assert found.p("größer", "random") == found.p("random", "größer")


def test_each_verdict_follows_from_the_corrected_p(made: Made, price_list: Prices) -> None:
    _fill(made, {"random": _low, "a": lambda seed: 0.42 - seed % 2 / 50, "b": _high, "c": lambda seed: 0.5 + seed / 40})
    answered = _verdicts(made, price_list).overall
    for question, found in answered.items():
        for one in found.seeds.tuners:
            for other in found.seeds.tuners:
                p = found.p(one, other)
                assert (found.of(one, other) is not Verdict.OPEN) == (p is not None and p < ALPHA[question])


def test_the_shares_of_the_questions_make_five_percent() -> None:
    assert sum(ALPHA.values()) == pytest.approx(0.05)
    assert set(ALPHA) == set(Question)


def test_only_seeds_are_independent_however_many_groups_they_are_repeated_in(made: Made, price_list: Prices) -> None:
    # Two seeds in eight groups, in all of which one seed favours one tuner a little more: sixteen blocks of it.
    for number in range(8):
        _fill(
            made,
            {"random": lambda seed: 0.5 + seed / 50, "tpe": lambda seed: 0.52 + seed / 25},
            seeds=2,
            dataset=f"data {number}",
        )
    found = _verdicts(made, price_list).overall[Question.SCORE]
    assert found.seeds.seeds == (0, 1)
    p = found.p("tpe", "random")
    # A paired t test over two seeds, 0.02 and 0.04: t = 3 with one degree of freedom.
    assert p == pytest.approx(0.2048, abs=1e-4)
    assert found.better == frozenset()


def test_within_a_group_only_what_differs_over_all_is_looked_at_again(made: Made, price_list: Prices) -> None:
    # In one group tpe is far better and in the other as far worse: over all groups nothing differs.
    _fill(made, {"random": _low, "tpe": _high}, dataset="for")
    _fill(made, {"random": _high, "tpe": _low}, dataset="against")
    found = _verdicts(made, price_list)
    assert found.overall[Question.SCORE].better == frozenset()
    assert [each[Question.SCORE].better for each in found.within.values()] == [frozenset(), frozenset()]


def test_what_differs_over_all_may_be_turned_around_within_a_group_if_it_is_shown_there(
    made: Made, price_list: Prices
) -> None:
    for dataset in ("one", "two", "three"):
        _fill(made, {"random": _low, "tpe": _high}, dataset=dataset)
    _fill(made, {"random": lambda seed: _low(seed) + 0.1, "tpe": _low}, dataset="odd")
    found = _verdicts(made, price_list)
    assert found.overall[Question.SCORE].of("tpe", "random") is Verdict.BETTER
    within = {name.dataset: each[Question.SCORE].of("tpe", "random") for name, each in found.within.items()}
    assert within == {"one": Verdict.BETTER, "two": Verdict.BETTER, "three": Verdict.BETTER, "odd": Verdict.WORSE}


def test_within_a_group_a_difference_must_be_shown_at_its_share_of_the_chance(made: Made, price_list: Prices) -> None:
    def wavering(seed: int) -> float:
        return 0.4 + (0.05, 0.02, 0.01, 0.06, 0.0, 0.03)[seed]

    _fill(made, {"random": lambda _: 0.4, "tpe": _high}, dataset="clear")
    _fill(made, {"random": lambda _: 0.4, "tpe": wavering}, dataset="open")
    found = _verdicts(made, price_list)
    assert found.overall[Question.SCORE].of("tpe", "random") is Verdict.BETTER
    within = {name.dataset: each[Question.SCORE] for name, each in found.within.items()}
    p = within["open"].p("tpe", "random")
    assert p is not None
    # It would be claimed if each group could use the whole chance.
    assert ALPHA[Question.SCORE] / 2 < p < ALPHA[Question.SCORE]
    assert [within[name].of("tpe", "random") for name in ("clear", "open")] == [Verdict.BETTER, Verdict.OPEN]


def test_of_a_single_group_the_verdicts_are_those_over_all(made: Made, price_list: Prices) -> None:
    _fill(made, {"random": _low, "tpe": _high})
    found = _verdicts(made, price_list)
    (within,) = found.within.values()
    assert within == found.overall


@pytest.mark.parametrize("seeds", [0, 1])
def test_one_seed_claims_nothing_however_far_apart(made: Made, price_list: Prices, seeds: int) -> None:
    _fill(made, {"random": lambda _: 0.0, "tpe": lambda _: 1.0}, seeds=seeds)
    found = _verdicts(made, price_list)
    assert found.claims == 0
    assert all(each.found is None and each.p("tpe", "random") is None for each in found.overall.values())


def test_one_tuner_and_none_are_compared_with_nobody(made: Made, price_list: Prices) -> None:
    assert verdicts([], prices=price_list).claims == 0
    _fill(made, {"alone": _low})
    answered = _verdicts(made, price_list).overall[Question.SCORE]
    assert (answered.found, answered.best, answered.cliques) == (None, ("alone",), ())


def test_tied_tuners_are_all_the_best_and_one_clique(made: Made, price_list: Prices) -> None:
    _fill(made, {name: lambda _: 0.5 for name in ("random", "b", "a")})
    found = _verdicts(made, price_list)
    assert found.claims == 0
    assert found.overall[Question.SCORE].best == ("random", "b", "a")
    assert found.overall[Question.SCORE].cliques == (("random", "b", "a"),)


def test_without_random_search_tuners_are_compared_all_the_same(made: Made, price_list: Prices) -> None:
    _fill(made, {"a": _low, "b": _high})
    assert _verdicts(made, price_list).overall[Question.SCORE].better == {("b", "a")}


def test_a_tuner_that_a_group_lacks_is_withheld_there_and_over_all(made: Made, price_list: Prices) -> None:
    _fill(made, {"random": _low, "tpe": _high, "extra": lambda _: 0.99}, dataset="full")
    _fill(made, {"random": _low, "tpe": _high}, dataset="other")
    found = _verdicts(made, price_list)
    overall = found.overall[Question.SCORE]
    assert overall.seeds.tuners == ("random", "tpe")
    assert overall.seeds.remarks == ("Left out, as some group has no search of theirs: extra.",)
    assert overall.of("extra", "random") is Verdict.OPEN
    assert overall.p("extra", "random") is None
    within = {name.dataset: each[Question.SCORE] for name, each in found.within.items()}
    assert within["full"].of("extra", "random") is Verdict.OPEN


def test_a_tuner_that_always_fails_is_worse_and_costs_are_not_compared(made: Made, price_list: Prices) -> None:
    _fill(made, {"random": _low, "tpe": _high}, seeds=4)
    for seed in range(4):
        made.search([], "broken", seed, kind="optuna-gp", status="failed", reason="boom")
    found = _verdicts(made, price_list).overall
    assert found[Question.SCORE].of("broken", "random") is Verdict.WORSE
    # What bought nothing is not cheap.
    assert found[Question.COST].seeds.seeds == ()
    assert found[Question.COST].better == frozenset()


def test_one_failed_search_pulls_its_tuner_down_and_is_not_left_out(made: Made, price_list: Prices) -> None:
    _fill(made, {"random": _low, "tpe": _low}, seeds=3)
    made.search([made.trial(0, 0.4)], "random", 3)
    made.search([], "tpe", 3, kind="optuna-tpe", status="failed", reason="boom")
    found = _verdicts(made, price_list).overall[Question.SCORE]
    assert complete_blocks.column(found.seeds, "tpe")[-1] == complete_blocks.NO_MODEL
    assert found.ranked == ("random", "tpe")


def test_cheaper_and_sooner_are_questions_of_their_own(made: Made, price_list: Prices) -> None:
    for seed in range(6):
        made.search([made.trial(0, *[0.3] * (20 + seed % 3), 0.5 + seed / 100)], "random", seed)
        made.search([made.trial(0, *[0.5 + seed / 100] * (2 + seed % 2))], "quick", seed, kind="optuna-tpe")
        made.search([made.trial(0, 0.2)], "default", seed, kind="default")
    found = _verdicts(made, price_list).overall
    assert found[Question.SCORE].of("quick", "random") is Verdict.OPEN
    assert found[Question.COST].of("quick", "random") is Verdict.BETTER
    assert found[Question.SOONER].of("quick", "random") is Verdict.BETTER
    # No tuning costs the least of all, and has no good model at any time.
    assert found[Question.COST].of("default", "quick") is Verdict.BETTER
    assert found[Question.SOONER].of("default", "quick") is Verdict.WORSE


def test_claims_are_counted_over_all_and_within(made: Made, price_list: Prices) -> None:
    for dataset in ("a", "b"):
        _fill(made, {"random": _low, "tpe": _high}, dataset=dataset)
    found = _verdicts(made, price_list)
    counted = [*found.overall.values(), *(one for each in found.within.values() for one in each.values())]
    assert found.claims == sum(len(each.better) for each in counted) > 0


def _over_seeds(
    made: Made, value: Callable[[Group, SearchResult], float | None] | None = None
) -> complete_blocks.Seeds:
    return complete_blocks.over_seeds(
        analysis.groups(made.results()), value or (lambda _, search: complete_blocks.score(search))
    )


def test_a_seed_s_value_is_the_mean_over_the_groups(made: Made) -> None:
    for dataset, score in (("a", 0.4), ("b", 0.8)):
        made.search([made.trial(0, score)], "random", 7, dataset=dataset)
        made.search([made.trial(0, score + 0.1)], "naïve", 7, kind="optuna-tpe", dataset=dataset)
    found = _over_seeds(made)
    assert (found.tuners, found.seeds, found.groups, found.remarks) == (("random", "naïve"), (7,), 2, ())
    assert found.values[0] == pytest.approx((0.5, 0.6))
    assert complete_blocks.column(found, "naïve") == [found.values[0][1]]
    assert complete_blocks.column(found, "nobody") == []


def test_a_seed_that_some_search_lacks_in_some_group_is_left_out_and_counted(made: Made) -> None:
    for dataset in ("a", "b"):
        for seed in range(3):
            made.search([made.trial(0, 0.5)], "random", seed, dataset=dataset)
            if (dataset, seed) != ("b", 1):
                made.search([made.trial(0, 0.5)], "tpe", seed, kind="optuna-tpe", dataset=dataset)
    made.plan("tpe", 1, dataset="b")
    found = _over_seeds(made)
    assert found.seeds == (0, 2)
    assert found.remarks == ("Left out, as a search is missing or a value unknown: 1 of 3 seeds.",)


@pytest.mark.parametrize("unknown", [None, float("nan"), float("inf")])
def test_an_unknown_value_leaves_its_seed_out(made: Made, unknown: float | None) -> None:
    for seed in range(2):
        made.search([made.trial(0, 0.5)], "random", seed)
    found = _over_seeds(made, lambda _, search: unknown if search.planned.seed == 0 else 0.5)
    assert (found.seeds, found.values) == ((1,), ((0.5,),))


def test_no_groups_have_no_seeds() -> None:
    found = complete_blocks.over_seeds([], lambda _, __: 0.5)
    assert (found.tuners, found.seeds, found.values, found.remarks) == ((), (), (), ())
