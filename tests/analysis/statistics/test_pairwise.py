from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness import analysis
from harness.analysis.statistics import comparisons
from harness.analysis.statistics.pairwise import holm, signed_rank_p

if TYPE_CHECKING:
    from harness.analysis.statistics import Comparison
    from tests.analysis.conftest import Made


def _compared(made: Made) -> tuple[Comparison, ...]:
    return comparisons(analysis.groups(made.results()))


def test_holm_multiplies_the_smallest_by_all_and_never_falls() -> None:
    # Holm by hand: 4 × 0.005, 3 × 0.01, then 2 × 0.03 and 1 × 0.04, which may not fall below 0.06.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([0.9, 0.8]) == [1.0, 1.0]


@settings(max_examples=40, deadline=None, database=None, derandomize=True)
@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_agrees_with_a_second_reading_of_its_rule(p_values: list[float]) -> None:
    m = len(p_values)
    ordered = sorted(p_values)
    expected = {p: min(1.0, max((m - i) * q for i, q in enumerate(ordered) if q <= p)) for p in p_values}
    assert holm(p_values) == pytest.approx([expected[p] for p in p_values])


def test_the_signed_rank_p_is_scipys() -> None:
    differences = [0.1, -0.2, 0.35, 0.4, 0.45, 0.6, 0.7, -0.05]
    assert signed_rank_p(differences) == pytest.approx(stats.wilcoxon(differences, method="exact").pvalue)


def test_unanimous_pairs_reach_the_smallest_p_and_no_less() -> None:
    for n in range(1, 8):
        assert signed_rank_p([float(index) for index in range(1, n + 1)]) == pytest.approx(min(1.0, 2.0 ** (1 - n)))


def test_zeros_are_dropped_and_infinite_differences_are_the_largest() -> None:
    assert signed_rank_p([0.0, 0.0]) is None
    assert signed_rank_p([]) is None
    assert signed_rank_p([0.0, 1.0, 2.0, math.inf]) == signed_rank_p([1.0, 2.0, 3.0])


@settings(max_examples=40, deadline=None, database=None, derandomize=True)
@given(st.lists(st.floats(-1, 1), min_size=1, max_size=13))
def test_swapping_the_tuners_leaves_p_as_it_is(differences: list[float]) -> None:
    assert signed_rank_p(differences) == signed_rank_p([-difference for difference in differences])


def test_wins_ties_and_losses_add_up_over_groups_and_seeds(made: Made) -> None:
    for dataset in ("animals", "Füchse"):
        for seed, (first, second) in enumerate(((0.5, 0.4), (0.5, 0.5), (0.3, 0.6))):
            made.search([made.trial(0, first)], "a", seed, dataset=dataset)
            made.search([made.trial(0, second)], "b", seed, dataset=dataset)
    (found,) = _compared(made)
    assert (found.first, found.second) == ("a", "b")
    assert (found.pairs, found.wins, found.ties, found.losses) == (6, 2, 2, 2)
    assert found.median_difference == 0


def test_three_seeds_prove_nothing_and_it_is_said(made: Made) -> None:
    for seed in range(3):
        made.search([made.trial(0, 0.5)], "a", seed)
        made.search([made.trial(0, 0.6 + 0.01 * seed)], "b", seed)
    (found,) = _compared(made)
    assert (found.p, found.smallest_p) == (0.25, 0.25)
    assert found.remark == "3 untied pairs can't reach p < 0.05: the smallest possible is 0.25"


def test_the_correction_may_take_the_last_chance_and_it_is_said(made: Made) -> None:
    for seed in range(6):
        for tuner, f1 in (("a", 0.5), ("b", 0.6 + 0.01 * seed), ("c", 0.7 + 0.02 * seed)):
            made.search([made.trial(0, f1)], tuner, seed)
    found = _compared(made)
    assert [each.p for each in found] == [0.03125] * 3
    assert all(each.p_holm == pytest.approx(0.09375) for each in found)
    assert found[0].remark == "6 untied pairs can't reach p < 0.05 once corrected for 3 comparisons: at best 0.0938"


def test_few_untied_pairs_may_pass_where_the_other_comparisons_are_clear(made: Made) -> None:
    # The last of Holm's comparisons is not corrected at all: seven untied pairs are enough for it.
    for seed in range(20):
        for tuner, f1 in (("a", 0.3), ("b", 0.5), ("c", 0.7 + (0.01 * (seed + 1) if seed < 7 else 0.0)), ("d", 0.7)):
            made.search([made.trial(0, f1 + 0.001 * seed if tuner in "ab" else f1)], tuner, seed)
    found = {(each.first, each.second): each for each in _compared(made)}
    last = found["c", "d"]
    assert (last.wins, last.ties, last.losses) == (7, 13, 0)
    assert last.p_holm == last.p == last.smallest_p == 2.0**-6
    assert last.remark is None


def test_a_failed_search_loses_and_two_of_them_tie(made: Made) -> None:
    for seed, (first, second) in enumerate((("ok", "failed"), ("failed", "failed"), ("ok", "ok"))):
        for tuner, end in (("a", first), ("b", second)):
            broken = {"status": "failed", "reason": "boom"} if end == "failed" else {}
            made.search([made.trial(0, 0.5)], tuner, seed, **broken)
    (found,) = _compared(made)
    assert (found.wins, found.ties, found.losses, found.median_difference) == (1, 2, 0, 0)


def test_a_missing_search_makes_no_pair(made: Made) -> None:
    made.search([made.trial(0, 0.5)], "a")
    made.plan("b")
    (found,) = _compared(made)
    assert (found.pairs, found.p, found.p_holm, found.remark) == (0, None, None, "no pair")


def test_all_tied_have_no_p(made: Made) -> None:
    for seed in range(3):
        made.search([made.trial(0, 0.5)], "a", seed)
        made.search([made.trial(0, 0.5)], "b", seed)
    (found,) = _compared(made)
    assert (found.ties, found.p, found.remark) == (3, None, "all pairs are tied")


def test_one_tuner_has_no_one_to_be_compared_with(made: Made) -> None:
    made.search([made.trial(0, 0.5)])
    assert _compared(made) == ()
