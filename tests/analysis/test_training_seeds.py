from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

import pytest

from harness import analysis
from harness.analysis.means_and_t_intervals import interval

if TYPE_CHECKING:
    from tests.analysis.conftest import Made


def test_a_search_that_trains_has_its_own_training_seed_and_a_replayed_one_that_of_the_curves(made: Made) -> None:
    made.search([made.trial(0, 0.5)], "trained", 17)
    made.search([made.trial(0, 0.5)], "replayed", 17, recorded=7)
    made.plan("missing", 17)
    found = made.results().searches
    assert [search.training_seed for search in found] == [17, 7, 17]
    assert [search.is_replayed for search in found] == [False, True, False]


def test_a_tuner_s_searches_on_one_recorded_seed_are_one_value(made: Made) -> None:
    for seed, score in enumerate([0.5, 0.6, 0.8, 0.7, 0.4], start=1):
        made.search([made.trial(0, score)], "random", seed, recorded=1 + seed % 2)
    row = analysis.groups(made.results())[0].rows[0]
    assert row.val_score == interval([statistics.fmean([0.5, 0.8, 0.4]), statistics.fmean([0.6, 0.7])])
    assert row.test_score.n == row.independent == 2
    assert row.gap_score == pytest.approx(0.1)


def test_another_tuner_tells_the_training_seed_of_a_search_that_is_missing(made: Made) -> None:
    for seed in (1, 11):
        made.search([made.trial(0, 0.5)], "random", seed, recorded=1)
    made.plan("tpe", 11)
    made.plan("tpe", 12)
    # Of seed 12 nothing tells which recorded one it would have been replayed on.
    assert analysis.groups(made.results())[0].training_seeds == {1: 1, 11: 1}


def test_of_searches_that_train_each_seed_is_its_own_though_all_are_missing(made: Made) -> None:
    made.search([made.trial(0, 0.5)], "random", 3)
    made.plan("random", 4)
    assert analysis.groups(made.results())[0].training_seeds == {3: 3, 4: 4}


def test_the_best_that_is_known_of_a_recorded_seed_is_that_of_all_searches_on_it(made: Made) -> None:
    made.search([made.trial(0, 0.5)], "random", 1, recorded=1)
    made.search([made.trial(0, 0.7)], "tpe", 11, recorded=1)
    made.search([made.trial(0, 0.6)], "tpe", 2, recorded=2)
    made.search([made.trial(0)], "tpe", 3, recorded=3)
    assert analysis.groups(made.results())[0].best_val_scores == {1: 0.7, 2: 0.6}
