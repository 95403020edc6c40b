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
    assert row.val_f1.mean is None
    assert row.mean_cost(lambda cost: cost.wall_s) is None
    assert dict(row.best) == {}


def test_seed_zero_and_a_score_of_zero_count(made: Made) -> None:
    made.search([made.trial(0, 0.0)], seed=0)
    made.search([made.trial(0, 0.4)], seed=1)
    (row,) = groups(made.results())[0].rows
    assert row.val_f1.mean == pytest.approx(0.2)
    assert row.val_f1.n == 2


def test_a_failed_searchs_score_is_in_no_mean(made: Made) -> None:
    made.search([made.trial(0, 0.4)], seed=0)
    made.search([made.trial(0, 0.9)], seed=1, status="failed", reason="boom")
    (row,) = groups(made.results())[0].rows
    assert row.val_f1.mean == 0.4


def test_a_search_without_a_score_is_counted(made: Made) -> None:
    made.search([made.trial(0)], seed=0)
    made.search([made.trial(0, 0.4)], seed=1)
    (row,) = groups(made.results())[0].rows
    assert (row.unscored, row.val_f1.n) == (1, 1)


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
    assert groups(made.results())[0].rows[0].gap_f1 == pytest.approx(0.1)


def test_gains_over_random_are_paired_by_seed(made: Made) -> None:
    for seed, f1 in ((0, 0.2), (1, 0.8), (2, 0.9)):
        made.search([made.trial(0, f1)], "random", seed)
    for seed, f1 in ((1, 0.85), (0, 0.25), (7, 0.0)):
        made.search([made.trial(0, f1)], "tpe", seed, kind="optuna-tpe")
    (group,) = groups(made.results())
    gain = group.gain_over_random(_row(group, "tpe"))
    assert gain.n == 2
    assert gain.mean == pytest.approx(0.05)
    assert group.gain_over_random(_row(group, "random")).n == 0


def test_losses_against_the_default_are_counted_by_seed(made: Made) -> None:
    for seed in (0, 1):
        made.search([made.trial(0, 0.5)], "untuned", seed, kind="default")
    for seed, f1 in ((0, 0.4), (1, 0.5)):
        made.search([made.trial(0, f1)], "random", seed)
    (group,) = groups(made.results())
    assert group.worse_than_untuned(_row(group, "random")) == (1, 2)
    assert group.worse_than_untuned(_row(group, "untuned")) is None


def test_a_random_search_with_a_test_f1_of_zero_is_a_pair(made: Made) -> None:
    made.search([made.trial(0, 0.1)], "random", 0)
    made.search([made.trial(0, 0.4)], "tpe", 0, kind="optuna-tpe")
    (group,) = groups(made.results())
    gain = group.gain_over_random(_row(group, "tpe"))
    assert gain.n == 1
    assert gain.mean == pytest.approx(0.3)
