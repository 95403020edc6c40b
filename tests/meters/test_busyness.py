from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.meters.busyness import Busyness, disturbance
from harness.record_schema import BusynessTable

QUIET = {"value": 0.0, "reason": None}


class FakeMachine:
    """The files of a machine with four processors, in hundredths of a second, and this process's own clock."""

    def __init__(self, proc: Path) -> None:
        self.proc = proc
        self.now_s = self.own_s = 0.0
        (proc / "pressure").mkdir(parents=True)
        self.busy = dict.fromkeys(range(4), 100)
        self.steal = dict.fromkeys(range(4), 7)
        self.waited_us = 5000
        self.write()

    def write(self, *, runnable: int = 1) -> None:
        lines = [f"cpu{n} {self.busy[n]} 0 50 9000 3 1 1 {self.steal[n]} 0 0" for n in self.busy]
        (self.proc / "stat").write_text("\n".join(["cpu  1 2 3 4 5 6 7 8 9 0", *lines, "intr 5 0 0"]) + "\n")
        some = f"some avg10=0.00 avg60=0.00 avg300=0.00 total={self.waited_us}"
        (self.proc / "pressure" / "cpu").write_text(f"{some}\n{some.replace('some', 'full')}\n")
        (self.proc / "loadavg").write_text(f"0.10 0.20 0.30 {runnable}/86 10914\n")

    def watched(self) -> Busyness:
        return Busyness(cpus=(0, 1), clock=lambda: self.now_s, cpu_s=lambda: self.own_s, proc=self.proc)


@pytest.fixture(autouse=True)
def hundredths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sysconf", {"SC_CLK_TCK": 100}.__getitem__)


@pytest.fixture
def machine(tmp_path: Path) -> FakeMachine:
    return FakeMachine(tmp_path / "proc")


def test_others_are_what_these_processors_did_beyond_our_own_seconds(machine: FakeMachine) -> None:
    watched = machine.watched()
    machine.now_s, machine.own_s, machine.waited_us = 10.0, 6.0, 5000 + 2_500_000
    machine.busy = {0: 100 + 500, 1: 100 + 400, 2: 100 + 1000, 3: 100 + 1000}
    machine.steal[1] += 50
    machine.write(runnable=4)
    watched.sample()
    machine.write(runnable=1)
    watched.sample()

    facts = watched.facts(resumed=False)

    assert facts == {
        "covers": "first ask to end",
        "span_s": 10.0,
        "others_share": {"value": pytest.approx(3.0 / 20), "reason": None},
        "steal_share": {"value": pytest.approx(0.5 / 20), "reason": None},
        "waiting_share": {"value": pytest.approx(0.25), "reason": None},
        "runnable_others": {"value": 1.5, "reason": None},
    }
    assert disturbance(BusynessTable.model_validate(facts)) == "others used 15 % of its processors' time"


def test_own_seconds_beyond_what_the_ticks_counted_are_no_negative_share(machine: FakeMachine) -> None:
    watched = machine.watched()
    machine.now_s, machine.own_s = 1.0, 2.0

    assert watched.facts(resumed=False)["others_share"] == QUIET


def test_of_a_resumed_search_the_last_process_is_covered_and_it_says_so(machine: FakeMachine) -> None:
    assert machine.watched().facts(resumed=True)["covers"] == "its last process, which resumed the search"


@pytest.mark.parametrize(
    ("damage", "unknown", "reason"),
    [
        (lambda proc: (proc / "stat").unlink(), {"others_share", "steal_share"}, "No such file"),
        (lambda proc: (proc / "stat").write_text("cpu0 1 2\n"), {"others_share", "steal_share"}, "not as Linux"),
        (lambda proc: (proc / "stat").write_text("cpu0 0 0\ncpu1 0 0\n"), {"others_share", "steal_share"}, "are 0"),
        (lambda proc: (proc / "pressure" / "cpu").unlink(), {"waiting_share"}, "No such file"),
        (lambda proc: (proc / "pressure" / "cpu").write_text(""), {"waiting_share"}, "not as Linux"),
        (lambda proc: (proc / "loadavg").write_text("ä"), {"runnable_others"}, "not as Linux"),
    ],
)
def test_what_can_not_be_read_is_unknown_with_its_reason_and_disturbs_nothing(
    machine: FakeMachine, damage: Callable[[Path], Any], unknown: set[str], reason: str
) -> None:
    damage(machine.proc)
    watched = machine.watched()
    watched.sample()
    machine.now_s = 1.0

    facts = watched.facts(resumed=False)

    found = {name: each for name, each in facts.items() if isinstance(each, dict) and each["value"] is None}
    assert set(found) == unknown
    assert all(reason in each["reason"] for each in found.values())
    assert disturbance(BusynessTable.model_validate(facts)) is None


def test_no_time_and_no_trial_are_unknown_too(machine: FakeMachine) -> None:
    facts = machine.watched().facts(resumed=False)

    assert facts["others_share"] == {"value": None, "reason": "no time passed"}
    assert facts["runnable_others"] == {"value": None, "reason": "no trial ended"}


@pytest.mark.parametrize(
    ("others", "steal", "said"),
    [
        (0.10, 0.05, None),
        (0.11, None, "others used 11 % of its processors' time"),
        (None, 0.06, "the hypervisor took 6 % of its processors' time"),
        (0.5, 0.5, "others used 50 % of its processors' time, the hypervisor took 50 % of its processors' time"),
    ],
)
def test_a_search_is_disturbed_beyond_a_tenth_by_others_or_half_of_that_stolen(
    others: float | None, steal: float | None, said: str | None
) -> None:
    told = {"others_share": {"value": others, "reason": ""}, "steal_share": {"value": steal, "reason": ""}}

    assert disturbance(BusynessTable.model_validate(told)) == said


@pytest.mark.parametrize("busyness", [{}, {"others_share": None}, {"others_share": {"value": None}}])
def test_records_that_do_not_say_are_not_disturbed(busyness: dict[str, Any]) -> None:
    assert disturbance(BusynessTable.model_validate(busyness)) is None
