from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.analysis import SearchResult, Target
from harness.compare import measures
from harness.compare.paired_cells import pair
from harness.errors import UserError

if TYPE_CHECKING:
    from tests.compare.conftest import Run

Runs = Callable[[str], "Run"]


def one(run: Run, *scores: float, **changes: object) -> SearchResult:
    run.search("random", 0, *scores, **changes)
    return run.results().searches[0]


def test_a_search_is_read_in_seconds_per_epoch_and_trial(run: Runs) -> None:
    found = measures.readings(one(run("a"), 0.5, 0.7, setup_phases={"startup": 3.0, "data": 9.0}))

    # 2 s of training in each of two epochs and 1 s of evaluation; 1 s ask, 0.5 s tell and 0.25 s of asking at the end.
    assert found == {
        "score": 0.6,
        "epoch": pytest.approx(2.5),
        "thinking": pytest.approx(1.75),
        "startup": 3.0,
        "memory": pytest.approx(1000 / 2**20),
    }


def test_scores_are_compared_at_the_epochs_that_both_were_charged(run: Runs) -> None:
    long, short = one(run("a"), 0.5, 0.6, 0.9), one(run("b"), 0.5, 0.7)

    assert measures.paired(long, short, None)["score"] == pytest.approx((0.5, 0.6))


def test_a_missed_target_costs_twice_the_whole_search(run: Runs) -> None:
    hit, miss = one(run("a"), 0.5, 0.7), one(run("b"), 0.5, 0.6)
    assert miss.cost is not None

    found = measures.paired(hit, miss, Target(score=0.7, of="one"))["target"]

    assert found == pytest.approx((7.0, 2 * (miss.cost.wall_s or 0)))


def test_without_a_target_there_is_no_cost_to_it(run: Runs) -> None:
    search = one(run("a"), 0.5)

    assert "target" not in measures.paired(search, search, None)


@pytest.mark.parametrize("value", [None, 0.0])
def test_unknown_and_zero_costs_are_left_out(run: Runs, value: float | None) -> None:
    search = one(run("a"), 0.5, peak_memory_bytes={"value": value, "reason": "why"})

    assert "memory" not in measures.readings(search)


def test_a_search_without_a_record_says_nothing(run: Runs) -> None:
    search = one(run("a"), 0.5)

    assert measures.readings(replace(search, findings=None)) == {}


def test_the_target_is_that_of_both_runs_together(run: Runs) -> None:
    low, high = run("a"), run("b")
    for seed in range(3):
        low.search("random", seed, 0.5)
        high.search("random", seed, 0.7)

    paired, swapped = pair(low.results(), high.results()), pair(high.results(), low.results())

    assert paired.targets == swapped.targets
    assert [goal and goal.score for goal in paired.targets.values()] == [pytest.approx(0.6)]


def test_changes_are_positive_where_the_candidate_is_worse() -> None:
    assert measures.SCORE.change(0.9, 0.8) == pytest.approx(0.1)
    assert measures.EPOCH.change(1.0, 1.1) == pytest.approx(math.log(1.1))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"epochs": 0.1}, "--minimum epochs 0.1: no such measure; choose from score, target, epoch"),
        ({"epoch": -0.1}, "--minimum epoch -0.1: not a change that counts; give 0 or more"),
        ({"epoch": math.nan}, "--minimum epoch nan: not a change that counts"),
    ],
)
def test_a_wrong_minimum_is_the_users_mistake(given: dict[str, float], said: str) -> None:
    with pytest.raises(UserError) as caught:
        measures.with_minimums(given)

    assert str(caught.value).startswith(said)
