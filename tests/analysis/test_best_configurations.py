from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from harness.analysis import Status
from harness.analysis.best_configurations import winners
from harness.search_types import Outcome

if TYPE_CHECKING:
    from tests.analysis.conftest import Made


def test_the_best_validation_score_wins_though_another_is_better_on_test_images(made: Made) -> None:
    lucky = made.trial(0, 0.6)
    other = made.trial(0, 0.5)
    (epoch,) = other.epochs
    better_on_test = made.trial(
        0, epochs=(type(epoch)(epoch=1, val_score=0.5, loss=1, train_s=1, evaluate_s=1, test_score=1),)
    )
    made.search([better_on_test], "random", 0)
    expected = made.search([lucky], "tpe", 1, kind="optuna-tpe")

    (winner,) = winners(made.results())

    assert winner.search is not None
    assert winner.search.planned == expected


def test_of_equals_the_earlier_in_the_plan_wins_though_its_tuner_stands_later(made: Made) -> None:
    made.search([made.trial(0, 0.4)], "random", 0)
    first = made.search([made.trial(0, 0.6)], "tpe", 0, kind="optuna-tpe")
    made.search([made.trial(0, 0.6)], "random", 1)

    (winner,) = winners(made.results())

    assert winner.search is not None
    assert winner.search.planned == first


def test_each_group_has_its_own_winner_in_the_order_of_the_plan(made: Made) -> None:
    made.search([made.trial(0, 0.4)], "random", 0, dataset="zebras 斑馬")
    made.search([made.trial(0, 0.6)], "random", 0)

    found = winners(made.results())

    assert [(str(winner.group.name), winner.search and winner.search.val_score) for winner in found] == [
        ("zebras 斑馬, mobile, lr", 0.4),
        ("animals, mobile, lr", 0.6),
    ]


def test_failed_missing_and_unscored_searches_never_win_and_are_counted(made: Made) -> None:
    made.search([made.trial(0, 0.9)], "random", 0, status="failed", reason="boom")
    made.search([made.trial(0)], "random", 1)
    made.search([made.trial(0, outcome=Outcome.DIVERGED, reason="the loss became nan")], "random", 2)
    made.plan("random", 3)

    (winner,) = winners(made.results())

    assert (winner.search, winner.row) == (None, None)
    assert [winner.count(status) for status in (Status.OK, Status.FAILED, Status.MISSING)] == [2, 1, 1]


def test_a_score_that_is_no_number_never_wins(made: Made) -> None:
    broken = made.search([made.trial(0, 0.9, 0.2)], "random", 0)
    made.search([made.trial(0, 0.3)], "random", 1)
    made.rewrite(broken, '"val_score": 0.9', '"val_score": NaN')

    (winner,) = winners(made.results())

    assert winner.search is not None
    assert winner.search.val_score == 0.3
    assert [search.val_score for search in winner.searches] == [0.2, 0.3]


def test_a_score_of_zero_is_a_score(made: Made) -> None:
    made.search([made.trial(0, 0.0)])

    (winner,) = winners(made.results())

    assert winner.search is not None
    assert winner.search.val_score == 0.0


def test_what_to_expect_is_of_all_seeds_of_the_winners_tuner_and_of_no_other(made: Made) -> None:
    for seed, score in enumerate((0.5, 0.9, 0.7)):
        made.search([made.trial(0, score)], "tpe", seed, kind="optuna-tpe")
        made.search([made.trial(0, 0.1)], "random", seed)

    (winner,) = winners(made.results())

    assert winner.row is not None
    expected = winner.row.test_score
    # Test scores are 0.4, 0.8 and 0.6: mean 0.6, s 0.2, t(0.975, 2) = 4.3027.
    assert expected.mean == pytest.approx(0.6)
    assert expected.high == pytest.approx(0.6 + 4.3027 * 0.2 / math.sqrt(3), abs=1e-4)
    assert expected.n == 3


def test_among_one_tuners_searches_the_others_are_not_looked_at(made: Made) -> None:
    made.search([made.trial(0, 0.9)], "tpe", 0, kind="optuna-tpe")
    own = made.search([made.trial(0, 0.2)], "random", 0)
    made.search([made.trial(0, 0.9)], "tpe", 0, kind="optuna-tpe", dataset="plants")

    animals, plants = winners(made.results(), tuner="random")

    assert animals.search is not None
    assert animals.search.planned == own
    assert len(animals.searches) == 1
    assert (plants.search, plants.searches) == (None, ())


def test_retrainings_win_nothing(made: Made) -> None:
    made.search([made.trial(0, 0.3)])
    made.search([made.trial(0, 0.9)], "check", kind="optuna-grid", role="learning_rate", parent_group="g")

    (winner,) = winners(made.results())

    assert winner.search is not None
    assert winner.search.val_score == 0.3


def test_of_nothing_planned_there_is_no_winner(made: Made) -> None:
    assert winners(made.results()) == []
