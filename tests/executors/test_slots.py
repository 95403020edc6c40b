from __future__ import annotations

import os

import pytest

from harness.errors import MachineError, UserError
from harness.executors import processor_sets, slots
from harness.executors.slots import WHOLE, Slot


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four cores of two hyper-threads each."""
    found = [(0, 4), (1, 5), (2, 6), (3, 7)]
    monkeypatch.setattr(processor_sets, "found", lambda allowed: found if allowed else [])


def test_one_at_once_is_the_whole_machine_unpinned() -> None:
    assert slots.of_processors(1) == [WHOLE]
    assert WHOLE.facts == {"at_once": 1}
    assert WHOLE.evidence == {"cpu_set": None, "gpu": None, "at_once": 1}


@pytest.mark.usefixtures("machine")
def test_slots_are_equal_and_share_no_core() -> None:
    assert slots.of_processors(2) == [Slot(cpus=(0, 1, 4, 5), at_once=2), Slot(cpus=(2, 3, 6, 7), at_once=2)]
    assert [slot.cpus for slot in slots.of_processors(4)] == [(0, 4), (1, 5), (2, 6), (3, 7)]


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize("number", [3, 5, 8, 10**6])
def test_unequal_and_empty_sets_are_refused_with_what_is_possible(number: int) -> None:
    with pytest.raises(UserError) as caught:
        slots.of_processors(number)

    assert str(caught.value) == (
        f"--at-once {number}: 8 processors on 4 cores give no {number} equal sets; possible here: 1, 2, 4"
    )


@pytest.mark.usefixtures("machine")
def test_each_gpu_has_an_equal_set_of_processors_and_a_remainder_stays_idle() -> None:
    made = slots.of_gpus(["GPU-a", "GPU-b", "GPU-c"])

    assert [(slot.gpu, slot.cpus, slot.at_once) for slot in made] == [
        ("GPU-a", (0, 4), 3),
        ("GPU-b", (1, 5), 3),
        ("GPU-c", (2, 6), 3),
    ]


@pytest.mark.usefixtures("machine")
def test_more_gpus_than_cores_are_refused() -> None:
    with pytest.raises(UserError, match=r"^--gpu: 8 processors on 4 cores are too few for 5 GPUs at once; name fewer$"):
        slots.of_gpus(list("abcde"))


def test_a_system_that_pins_nothing_runs_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")

    assert slots.of_processors(1) == [WHOLE]
    with pytest.raises(MachineError, match="this system pins no process"):
        slots.of_processors(2)


def test_a_slots_facts_are_those_of_its_processors() -> None:
    slot = Slot(cpus=(0, 1, 2, 8), gpu="GPU-a", at_once=2)

    assert slot.facts == {"at_once": 2, "logical_cpus": 4, "cpu_set": "0-2,8"}
    assert slot.settings == {"HARNESS_AT_ONCE": "2"}
