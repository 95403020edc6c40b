from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.analysis import Group, Row, Status, groups

if TYPE_CHECKING:
    from tests.analysis.conftest import Made


def _row(group: Group, tuner: str) -> Row:
    return next(row for row in group.rows if row.tuner == tuner)


def test_no_searches_make_no_group(made: Made) -> None:
    assert groups(made.results()) == []


def test_groups_and_tuners_keep_the_order_of_the_plan(made: Made) -> None:
    for dataset in ("zebra", "ant"):
        for tuner in ("z", "a"):
            made.plan(tuner, dataset=dataset)
    found = groups(made.results())
    assert [group.name.dataset for group in found] == ["zebra", "ant"]
    assert [row.tuner for row in found[0].rows] == ["z", "a"]


def test_failed_and_missing_cells_are_counted_not_dropped(made: Made) -> None:
    made.search([made.trial(0, 0.2)], seed=0)
    made.search([], seed=1, status="failed", reason="boom")
    made.plan(seed=2)
    (row,) = groups(made.results())[0].rows
    assert [row.count(status) for status in (Status.OK, Status.FAILED, Status.MISSING)] == [1, 1, 1]


def test_a_tuner_whose_searches_all_failed_keeps_its_row(made: Made) -> None:
    made.search([], seed=0, status="failed", reason="boom")
    (row,) = groups(made.results())[0].rows
    assert row.val_score.mean is None
    assert row.mean_cost(lambda cost: cost.wall_s) is None
    assert dict(row.best) == {}


def test_seed_zero_and_a_score_of_zero_count(made: Made) -> None:
    made.search([made.trial(0, 0.0)], seed=0)
    made.search([made.trial(0, 0.4)], seed=1)
    (row,) = groups(made.results())[0].rows
    assert row.val_score.mean == pytest.approx(0.2)
    assert row.val_score.n == 2


def test_a_failed_searchs_score_is_in_no_mean(made: Made) -> None:
    made.search([made.trial(0, 0.4)], seed=0)
    made.search([made.trial(0, 0.9)], seed=1, status="failed", reason="boom")
    (row,) = groups(made.results())[0].rows
    assert row.val_score.mean == 0.4


def test_a_search_without_a_score_is_counted(made: Made) -> None:
    made.search([made.trial(0)], seed=0)
    made.search([made.trial(0, 0.4)], seed=1)
    (row,) = groups(made.results())[0].rows
    assert (row.unscored, row.val_score.n) == (1, 1)


def test_one_unknown_joule_makes_the_mean_unknown(made: Made) -> None:
    made.search([made.trial(0, 0.2)], seed=0)
    made.search([made.trial(0, 0.2, energy_j=None)], seed=1)
    (row,) = groups(made.results())[0].rows
    assert row.mean_cost(lambda cost: cost.energy_j.value) is None
    assert row.mean_cost(lambda cost: cost.wall_s) == 5.0


def test_the_best_numbers_are_medians_and_the_best_words_are_most_frequent(made: Made) -> None:
    for seed, (rate, optimizer) in enumerate([(0.1, "sgd"), (0.3, "adam"), (0.2, "sgd")]):
        made.search([made.trial(0, 0.2, parameters={"learning_rate": rate, "optimizer": optimizer})], seed=seed)
    (row,) = groups(made.results())[0].rows
    assert row.best["learning_rate"].value == 0.2
    assert (row.best["optimizer"].value, row.best["optimizer"].count, row.best["optimizer"].n) == ("sgd", 2, 3)


def test_ties_of_words_go_to_the_first_in_the_alphabet(made: Made) -> None:
    for seed, optimizer in enumerate(["sgd", "adam"]):
        made.search([made.trial(0, 0.2, parameters={"optimizer": optimizer})], seed=seed)
    assert groups(made.results())[0].rows[0].best["optimizer"].value == "adam"


def test_the_gap_is_validation_minus_test(made: Made) -> None:
    made.search([made.trial(0, 0.5)])
    assert groups(made.results())[0].rows[0].gap_score == pytest.approx(0.1)


def test_random_search_and_the_default_are_known_whatever_the_matrix_calls_them(made: Made) -> None:
    made.search([made.trial(0, 0.5)], "tpe", kind="optuna-tpe")
    made.search([made.trial(0, 0.5)], "würfel", kind="optuna-random")
    made.search([made.trial(0, 0.5)], "more dice", kind="kt-random")
    made.search([made.trial(0, 0.5)], "as it is", kind="default")
    (group,) = groups(made.results())
    assert (group.random, group.untuned) == (_row(group, "würfel"), _row(group, "as it is"))
    assert [(row.is_random, row.is_untuned) for row in group.rows] == [
        (False, False),
        (True, False),
        (True, False),
        (False, True),
    ]


def test_without_them_there_is_neither(made: Made) -> None:
    made.search([made.trial(0, 0.5)], "random", kind="optuna-tpe")
    made.plan("default")
    (group,) = groups(made.results())
    assert (group.random, group.untuned) == (None, None)


def test_searches_are_found_by_the_name_that_the_matrix_gives(made: Made) -> None:
    made.search([made.trial(0, 0.5)], "größe")
    made.plan("größe", 1)
    (group,) = groups(made.results())
    assert [search.status for search in group.named("größe")] == [Status.OK, Status.MISSING]
    assert group.named("nobody") == ()
