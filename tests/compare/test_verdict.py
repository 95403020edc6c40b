from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pytest

from harness.compare import Direction, MeasureChange, RunVerdict, compare, judge
from harness.compare.measures import with_minimums
from harness.compare.paired_cells import Pair

if TYPE_CHECKING:
    from tests.compare.conftest import Run

Runs = Callable[[str], "Run"]


def test_a_run_is_no_worse_than_itself(run: Runs) -> None:
    same = run("a").all().results()

    found = compare(same, same)

    assert (found.verdict, found.reasons) == (RunVerdict.NO_WORSE, [])
    assert (found.pairs, found.seeds, found.lost) == (16, 8, [])
    assert {finding.direction for finding in found.findings} == {Direction.NEITHER}


def test_slower_epochs_are_worse_and_the_reason_names_them(run: Runs) -> None:
    found = compare(run("a").all().results(), run("b").all(train_s=3.0).results())

    assert found.verdict is RunVerdict.WORSE
    assert "seconds per epoch worse in all searches; random; tpe [µ]" in found.reasons


def test_faster_epochs_are_better_and_no_worse(run: Runs) -> None:
    found = compare(run("a").all(train_s=3.0).results(), run("b").all().results())

    assert found.verdict is RunVerdict.NO_WORSE
    assert _directions(found.findings, "epoch", "all searches") == Direction.BETTER


def test_a_failed_search_is_lost_with_its_reason_however_well_the_others_do(run: Runs) -> None:
    before, after = run("a").all(), run("b")
    for seed in range(1, 9):
        after.search("random", seed)
        if seed == 3:
            after.search("tpe [µ]", seed, status="failed", reason="crash: ValueError")
        elif seed != 4:
            after.search("tpe [µ]", seed)
    after.made.plan("tpe [µ]", 4)

    found = compare(before.results(), after.results())

    assert found.verdict is RunVerdict.WORSE
    assert found.reasons[0] == "2 of the baseline's 16 searches lost"
    assert [(lost.name.seed, lost.reason) for lost in found.lost] == [
        (3, "failed: crash: ValueError"),
        (4, "missing: not run yet"),
    ]


def test_a_search_that_is_no_longer_planned_is_lost_and_a_new_one_is_told(run: Runs) -> None:
    before, after = run("a").all(), run("b").all()
    before.search("grid", 1)
    after.search("cmaes", 1)

    found = compare(before.results(), after.results())

    assert [lost.reason for lost in found.lost] == ["not planned"]
    assert "The baseline doesn't plan 1 of the candidate's searches: these are not compared." in found.notes


def test_what_the_baseline_itself_failed_at_is_not_held_against_the_candidate(run: Runs) -> None:
    before, after = run("a").all(), run("b").all()
    before.search("grid", 1, status="failed", reason="crash")
    after.search("grid", 1, status="failed", reason="crash")

    found = compare(before.results(), after.results())

    assert found.verdict is RunVerdict.NO_WORSE
    assert "The baseline itself has no score of 1 planned searches: these are not compared." in found.notes


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"cpu_model": "Other CPU"}, "unlike cpu_model: Fake CPU 3000 → Other CPU (16)"),
        ({"device": "NVIDIA L4"}, "unlike device: cpu → NVIDIA L4 (16)"),
        ({"precision": "mixed_float16"}, "unlike precision: float32 → mixed_float16 (16)"),
        ({"jit": True}, "unlike jit: False → True (16)"),
    ],
)
def test_another_machine_cant_be_compared(run: Runs, environment: dict[str, object], reason: str) -> None:
    before, after = run("a").all(), run("b").all()
    other = run("c").all(environment={**_environment(after), **environment})

    found = compare(before.results(), other.results())

    assert found.verdict is RunVerdict.INCOMPARABLE
    assert found.reasons == [reason]


def test_a_container_and_a_local_process_cant_be_compared(run: Runs) -> None:
    cell = {"tuner": {"tuner": "kt-random"}, "environment": "sha256:1"}
    contained = run("b").all(cell=cell, evidence={"container": "c", "enforced": {"cpus": 2.0}})

    found = compare(run("a").all(cell=cell).results(), contained.results())

    assert found.verdict is RunVerdict.INCOMPARABLE
    assert found.reasons == [
        "unlike executor: local → docker (16)",
        "unlike container's CPUs: not recorded → 2.0 (16)",
        "unlike image: not recorded → sha256:1 (16)",
    ]


def test_another_request_under_the_same_names_cant_be_compared(run: Runs) -> None:
    cell = {"tuner": {"tuner": "kt-random"}, "budget": {"epochs": 240}}

    found = compare(run("a").all().results(), run("b").all(cell=cell).results())

    assert found.verdict is RunVerdict.INCOMPARABLE
    assert 'unlike budget: {} → {"epochs":240} (16)' in found.reasons


@pytest.mark.parametrize(("schedule", "is_alike"), [("constant", True), ("cosine", False)])
def test_a_record_of_before_a_key_was_added_is_like_one_that_doesnt_use_it(
    run: Runs, schedule: str, *, is_alike: bool
) -> None:
    before = run("a").all(cell={"protocol": {"epochs_per_trial": 3}})
    after = run("b").all(cell={"protocol": {"epochs_per_trial": 3, "schedule": schedule, "warmup_epochs": 0.0}})

    found = compare(before.results(), after.results())

    assert (found.verdict is not RunVerdict.INCOMPARABLE) is is_alike


def test_unlike_runs_are_compared_if_one_insists_and_it_is_said(run: Runs) -> None:
    other = {**_environment(run("x").all()), "cpu_model": "Other CPU"}

    found = compare(run("a").all().results(), run("b").all(environment=other).results(), even_if_unlike=True)

    assert found.verdict is RunVerdict.NO_WORSE
    assert found.notes[0] == "UNLIKE, compared all the same: cpu_model: Fake CPU 3000 → Other CPU (16)"


def test_a_newer_kernel_is_the_same_machine(run: Runs) -> None:
    other = {**_environment(run("x").all()), "platform": "Linux-6.2"}

    assert compare(run("a").all().results(), run("b").all(environment=other).results()).verdict is RunVerdict.NO_WORSE


def test_too_few_seeds_cant_be_compared(run: Runs) -> None:
    few = run("a")
    for seed in range(6):
        few.search("random", seed)

    found = compare(few.results(), few.results())

    assert found.verdict is RunVerdict.INCOMPARABLE
    assert found.reasons[0].startswith("6 shared seeds can show hardly anything: no p is below 0.031; run 7 or more")


def test_runs_without_a_common_name_cant_be_compared(run: Runs) -> None:
    one, other = run("a"), run("b")
    one.search("random", 1)
    other.search("random", 2)

    found = compare(one.results(), other.results())

    assert found.verdict is RunVerdict.INCOMPARABLE
    assert "in both runs" in found.reasons[0]


def test_a_baseline_in_which_all_failed_cant_be_compared(run: Runs) -> None:
    broken = run("a").all(status="failed", reason="crash")

    found = compare(broken.results(), run("b").all().results())

    assert found.verdict is RunVerdict.INCOMPARABLE


def test_a_certain_change_below_the_minimum_does_not_count(pair: Callable[..., Pair]) -> None:
    pairs = [pair(seed, memory=(100.0, 104.0 + 0.01 * seed)) for seed in range(10)]

    small = judge(pairs)
    counted = judge(pairs, measures=with_minimums({"memory": 0.02}))

    assert [finding.worse_p for finding in small] == [2 / 1024]
    assert [finding.direction for finding in small] == [Direction.NEITHER]
    assert [finding.direction for finding in counted] == [Direction.WORSE]


def test_seconds_are_granted_the_machines_drift_and_memory_is_not(pair: Callable[..., Pair]) -> None:
    minimums = with_minimums({"epoch": 0.0, "memory": 0.0})
    pairs = [pair(seed, epoch=(1.0, 1.012 + 0.0005 * seed), memory=(1.0, 1.015)) for seed in range(10)]
    beyond = [pair(seed, epoch=(1.0, 1.03 + 0.0001 * seed)) for seed in range(10)]

    within = {finding.measure.name: finding.direction for finding in judge(pairs, measures=minimums)}

    assert within == {"epoch": Direction.NEITHER, "memory": Direction.WORSE}
    assert [finding.direction for finding in judge(beyond, measures=minimums)] == [Direction.WORSE]


def test_what_stays_the_same_costs_the_others_no_power(pair: Callable[..., Pair]) -> None:
    alone = judge([pair(seed, epoch=(1.0, 1.2 + 0.01 * seed)) for seed in range(7)])
    beside = judge([pair(seed, epoch=(1.0, 1.2 + 0.01 * seed), startup=(3.0, 3.0)) for seed in range(7)])

    assert [finding.worse_p for finding in beside] == [alone[0].worse_p, 1.0]
    assert beside[0].direction is Direction.WORSE


def test_a_large_but_uncertain_change_does_not_count(pair: Callable[..., Pair]) -> None:
    pairs = [pair(seed, score=(0.8, 0.8 - (0.4 if seed == 3 else 0.0))) for seed in range(10)]

    found = judge(pairs)

    assert found[0].change.mean == pytest.approx(0.04)
    assert found[0].direction is Direction.NEITHER


def test_a_loss_in_one_tuner_is_found_where_the_others_gain(pair: Callable[..., Pair]) -> None:
    pairs = [
        pair(seed, tuner, backbone, score=(0.8, 0.8 + (-0.1 if tuner == "bad" else 0.05) + 0.001 * (seed % 3)))
        for seed in range(10)
        for tuner in ("bad", "good", "fine")
        for backbone in ("b", "c")
    ]

    found = {(finding.part.level, finding.part.label): finding.direction for finding in judge(pairs)}

    assert found["tuner", "bad"] is Direction.WORSE
    assert found["tuner", "good"] is Direction.BETTER
    assert found["row", "animals, c, full, bad"] is Direction.WORSE
    assert found["all", "all searches"] is Direction.NEITHER


def test_a_spread_that_may_hide_a_change_is_said(run: Runs) -> None:
    before, steady, unsteady = run("a").all(), run("b").all(), run("c")
    for seed in range(1, 9):
        for tuner in ("random", "tpe [µ]"):
            unsteady.search(tuner, seed, train_s=4.0 if seed % 2 else 1.0)

    found = compare(before.results(), unsteady.results())

    assert found.verdict is RunVerdict.NO_WORSE
    assert [note for note in found.notes if note.endswith("not be shown to be: seconds per epoch.")]
    assert not any("May be worse" in note for note in compare(before.results(), steady.results()).notes)


def test_parts_that_hold_the_same_searches_are_compared_once(pair: Callable[..., Pair]) -> None:
    found = judge([pair(seed, score=(0.8, 0.8)) for seed in range(10)])

    assert [finding.part.label for finding in found] == ["all searches"]


def test_no_pairs_are_no_findings() -> None:
    assert judge([]) == []


def _directions(findings: Sequence[MeasureChange], measure: str, where: str) -> Direction:
    return next(one.direction for one in findings if (one.measure.name, one.part.label) == (measure, where))


def _environment(run: Run) -> dict[str, object]:
    return dict(run.results().searches[0].environment)


def test_of_replayed_runs_recorded_seeds_are_what_is_counted(run: Runs) -> None:
    runs = run("a"), run("b")
    for each in runs:
        for seed in range(1, 17):
            each.search("tpe [µ]", seed, recorded=1 + seed % 8)
    found = compare(*(each.results() for each in runs))
    assert (found.pairs, found.seeds, found.verdict) == (16, 8, RunVerdict.NO_WORSE)
    assert {len(finding.by_seed) for finding in found.findings} == {8}
