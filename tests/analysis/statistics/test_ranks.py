from __future__ import annotations

import math
import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import scikit_posthocs
from scipy import stats

from harness import analysis
from harness.analysis.statistics import ranks
from harness.analysis.statistics.ranks import cliques, critical_difference, of_scores

if TYPE_CHECKING:
    from harness.model import Trial
    from tests.analysis.conftest import Made

# Demšar 2006, table 6: AUC of four variants of C4.5 on fourteen data sets. On the last but one the paper prints 0.975
# twice and ranks the two apart.
DEMSAR_TUNERS = ("C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf")
DEMSAR = (
    (0.763, 0.768, 0.771, 0.798),
    (0.599, 0.591, 0.590, 0.569),
    (0.954, 0.971, 0.968, 0.967),
    (0.628, 0.661, 0.654, 0.657),
    (0.882, 0.888, 0.886, 0.898),
    (0.936, 0.931, 0.916, 0.931),
    (0.661, 0.668, 0.609, 0.685),
    (0.583, 0.583, 0.563, 0.625),
    (0.775, 0.838, 0.866, 0.875),
    (1.000, 1.000, 1.000, 1.000),
    (0.940, 0.962, 0.965, 0.962),
    (0.619, 0.666, 0.614, 0.669),
    (0.972, 0.981, 0.97501, 0.975),
    (0.957, 0.978, 0.946, 0.970),
)


def test_average_ranks_are_those_that_demsar_published() -> None:
    found = of_scores(DEMSAR_TUNERS, DEMSAR, groups=1)
    published = {"C4.5": 3.143, "C4.5+m": 2.000, "C4.5+cf": 2.893, "C4.5+m+cf": 1.964}
    assert dict(zip(found.tuners, found.average, strict=True)) == pytest.approx(published, abs=5e-4)
    assert found.tuners[0] == "C4.5+m+cf"


def test_friedmans_statistic_is_demsars_before_the_correction_for_ties() -> None:
    found = of_scores(DEMSAR_TUNERS, DEMSAR, groups=1)
    assert found.chi2 is not None
    # Ties: one row of four, and the rows with a pair of equals.
    pairs = sum(1 for row in DEMSAR if len(set(row)) == 3)
    correction = 1 - (60 + 6 * pairs) / (14 * 60)
    assert found.chi2 * correction == pytest.approx(9.28, abs=5e-3)


@pytest.mark.parametrize(("tuners", "q"), [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (10, 3.164)])
def test_the_critical_difference_is_demsars_table_5(tuners: int, q: float) -> None:
    assert critical_difference(tuners, 14) == pytest.approx(q * math.sqrt(tuners * (tuners + 1) / 84), abs=2e-3)


def test_nemenyis_test_agrees_with_scikit_posthocs() -> None:
    generator = random.Random(1)  # noqa: S311 - no secret
    scores = [[generator.random() + 0.4 * tuner for tuner in range(4)] for _ in range(12)]
    found = of_scores(tuple("abcd"), scores, groups=1)
    place = dict(zip(found.tuners, found.average, strict=True))
    theirs = scikit_posthocs.posthoc_nemenyi_friedman(scores)
    assert found.critical_difference is not None
    for first, second in ((0, 1), (0, 3), (1, 2), (1, 3)):
        apart = abs(place["abcd"[first]] - place["abcd"[second]]) > found.critical_difference
        assert apart == (theirs.iloc[first, second] < 0.05)


def test_friedmans_p_is_scipys() -> None:
    generator = random.Random(2)  # noqa: S311 - no secret
    scores = [[generator.random() for _ in range(3)] for _ in range(11)]
    found = of_scores(tuple("abc"), scores, groups=1)
    assert found.p == pytest.approx(stats.friedmanchisquare(*zip(*scores, strict=True)).pvalue)


def test_cliques_are_the_longest_runs_within_the_difference() -> None:
    assert cliques("abcd", [1.0, 1.5, 2.2, 4.0], 1.0) == (("a", "b"), ("b", "c"))
    assert cliques("abcd", [1.0, 1.1, 1.2, 1.3], 1.0) == (("a", "b", "c", "d"),)
    assert cliques("abc", [1.0, 2.5, 4.0], 1.0) == ()


def test_all_tied_share_the_middle_rank_and_have_no_friedman_test() -> None:
    found = of_scores(tuple("abc"), [[0.5, 0.5, 0.5]] * 4, groups=1)
    assert found.average == (2.0, 2.0, 2.0)
    assert found.p is None
    assert "No Friedman test: all are tied." in found.remarks


def test_two_tuners_have_ranks_but_no_friedman_test() -> None:
    found = of_scores(tuple("ab"), [[0.1, 0.2]] * 3, groups=1)
    assert (found.tuners, found.average, found.p) == (("b", "a"), (1.0, 2.0), None)
    assert "No Friedman test: it needs three tuners." in found.remarks


def test_a_failed_search_ranks_last_and_a_missing_one_leaves_its_block_out(made: Made) -> None:
    for seed in range(2):
        made.search([made.trial(0, 0.2)], "low", seed)
        made.search([made.trial(0, 0.4)], "high", seed)
    made.search([made.trial(0, 0.9)], "broken", 0, status="failed", reason="boom")
    made.plan("broken", 1)
    found = ranks(analysis.groups(made.results()))
    assert (found.tuners, found.average, found.blocks) == (("high", "low", "broken"), (1.0, 2.0, 3.0), 1)
    assert "Left out, as a search is missing: 1 of 2." in found.remarks


def test_an_unknown_test_f1_leaves_its_block_out(made: Made) -> None:
    for seed in range(2):
        made.search([made.trial(0, 0.2)], "a", seed)
        made.search([made.trial(0, 0.4)], "b", seed)
    made.search([made.trial(0, 0.5)], "a", 2)
    made.search([_without_test_f1(made)], "b", 2)
    found = ranks(analysis.groups(made.results()))
    assert found.blocks == 2
    assert "Left out, as a test score is unknown: 1 of 3." in found.remarks


def test_one_tuner_and_no_tuner_have_no_ranks_and_say_why(made: Made) -> None:
    assert ranks([]).remarks == ("No ranks: fewer than two tuners.",)
    made.search([made.trial(0, 0.2)], "alone")
    assert ranks(analysis.groups(made.results())).remarks == ("No ranks: fewer than two tuners.",)


def test_too_few_is_said(made: Made) -> None:
    made.search([made.trial(0, 0.2)], "a")
    made.search([made.trial(0, 0.4)], "b")
    found = ranks(analysis.groups(made.results()))
    assert found.remarks[:3] == (
        "Rankings (groups × seeds): 1; fewer than 10 prove little.",
        "No two of 2 tuners can be told apart by so few: ranks can't differ by 1.96.",
        "All seeds are of one group: this says nothing about other data or backbones.",
    )


def _without_test_f1(made: Made) -> Trial:
    trial = made.trial(0, 0.5)
    return replace(trial, epochs=(replace(trial.epochs[0], test_f1=None),))
