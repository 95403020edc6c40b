from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.campaign import runs_at_work
from harness.campaign.events import Event, Remark
from harness.campaign.folder_holding import held, only_one
from harness.campaign.runs_at_work import LEASE_S, Life, Machine, Presence, Pulse
from harness.errors import ResultsError
from harness.results_folder import MatrixFolder

ELSEWHERE = Machine("the other host", "another kernel")


@dataclass
class Clock:
    """A fake machine's clock, which begins where it likes; waiting is all that moves it."""

    now: float
    slept: list[float] = field(default_factory=list)
    while_asleep: list[Presence] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)
        for other in self.while_asleep:
            other.beat()


@pytest.fixture
def folder(tmp_path: Path) -> MatrixFolder:
    return MatrixFolder(tmp_path / "results" / "ä matrix")


@pytest.fixture
def told() -> list[Event]:
    return []


def at_work_elsewhere(folder: MatrixFolder, *, is_alone: bool = True, started: float = 5e6) -> Presence:
    """A run on another machine, whose locks are not seen here; it beats only when it is told to."""
    other = Presence(folder=folder, machine=ELSEWHERE, is_alone=is_alone, clock=Clock(started))
    other.beat()
    return other


def ours(folder: MatrixFolder, clock: Clock, *, is_alone: bool = True) -> Presence:
    return Presence(folder=folder, is_alone=is_alone, clock=clock)


def test_a_run_on_another_machine_is_told_though_no_lock_reaches_here(folder: MatrixFolder, told: list[Event]) -> None:
    clock = Clock(-3.0)
    clock.while_asleep.append(at_work_elsewhere(folder))

    with (
        pytest.raises(ResultsError, match="another run on the other host is writing here; wait for it"),
        held(ours(folder, clock), watch=told.append, sleep=clock.sleep),
    ):
        pytest.fail("both are at work")

    assert len(clock.slept) == 1
    assert [event.text for event in told if isinstance(event, Remark)] == [
        f"{folder.path}: a run on the other host was at work here; looking for 60 s whether it still is"
    ]


@pytest.mark.parametrize("started", [-1e9, 0.0, 1e9])
def test_a_run_that_was_killed_on_another_machine_is_waited_for_as_long_as_its_lease(
    folder: MatrixFolder, started: float
) -> None:
    at_work_elsewhere(folder, started=started)
    clock = Clock(17.0)

    with held(ours(folder, clock), sleep=clock.sleep) as presence:
        assert presence.others() == []

    assert sum(clock.slept) == pytest.approx(LEASE_S, abs=1.0)
    assert [path.name for path in folder.path.iterdir()] == ["lock"]


@pytest.mark.parametrize(("theirs", "mine", "may"), [(0, 0, True), (1, 0, False), (0, 1, False), (1, 1, False)])
def test_runs_that_share_bear_one_another_and_one_alone_bears_none(
    folder: MatrixFolder, *, theirs: int, mine: int, may: bool
) -> None:
    at_work_elsewhere(folder, is_alone=bool(theirs))

    assert (
        ours(folder, Clock(0.0), is_alone=bool(mine)).bears(at_work_elsewhere(folder, is_alone=bool(theirs)).token)
        is may
    )


def test_runs_that_share_hold_one_folder_on_one_machine_and_one_alone_is_told(folder: MatrixFolder) -> None:
    with held(Presence(folder=folder, is_alone=False)), held(Presence(folder=folder, is_alone=False)) as second:
        assert len(second.others()) == 1
        with pytest.raises(ResultsError, match="another run is writing here"), only_one(folder):
            pytest.fail("one alone is at work beside two")

    with only_one(folder), pytest.raises(ResultsError), held(Presence(folder=folder, is_alone=False)):
        pytest.fail("one that shares is at work beside one alone")


def test_of_runs_under_one_kernel_the_lock_tells_at_once_who_is_dead(folder: MatrixFolder) -> None:
    killed = Presence(folder=folder)
    killed.beat()
    (killed.path / "lock").touch()
    clock = Clock(0.0)

    with held(ours(folder, clock), sleep=clock.sleep) as presence:
        assert presence.others() == []

    assert clock.slept == []


def test_a_run_that_was_stopped_under_the_same_kernel_is_dead_after_its_lease_though_it_holds_its_lock(
    folder: MatrixFolder,
) -> None:
    clock = Clock(0.0)
    watching = ours(folder, clock, is_alone=False)
    with held(Presence(folder=folder, is_alone=False)) as stopped:
        assert watching.life(stopped.token) is Life.ALIVE
        clock.now += LEASE_S + 1
        assert watching.life(stopped.token) is Life.DEAD
        stopped.beat()
        assert watching.life(stopped.token) is Life.ALIVE


def test_a_run_whose_folder_was_taken_for_a_dead_ones_is_seen_again_with_its_next_beat(folder: MatrixFolder) -> None:
    other = at_work_elsewhere(folder)
    watching = ours(folder, Clock(0.0))
    watching.forget(other.token)
    assert watching.others() == []

    other.beat()

    assert watching.others() == [other.token]


def test_a_pulse_beats_by_itself(folder: MatrixFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs_at_work, "BEAT_S", 0.001)
    with only_one(folder) as presence:
        watching = Presence(folder=folder, machine=ELSEWHERE)
        while watching.life(presence.token) is not Life.ALIVE:
            pass


def test_a_run_of_other_cells_than_those_that_another_is_at_is_refused(folder: MatrixFolder) -> None:
    other = at_work_elsewhere(folder, is_alone=False)
    other.plans(["a", "b"])

    refused = ours(folder, Clock(0.0), is_alone=False)
    with pytest.raises(ResultsError, match="a run on the other host searches other cells here"):
        refused.plans(["a", "c"])
    refused.leave()

    ours(folder, Clock(0.0), is_alone=False).plans(["b", "a"])


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"host": 1', '{"host": "a", "kernel": "b", "alone": 1, "plan": 1}'])
def test_a_pulse_that_nobody_wrote_says_nothing(text: str) -> None:
    assert Pulse.read(text.encode()) is None
    assert Pulse.read(None) is None


def test_two_campaigns_at_once_in_one_folder_are_refused(tmp_path: Path) -> None:
    folder = MatrixFolder(tmp_path / "results" / "mine")

    with (
        only_one(folder),
        pytest.raises(ResultsError, match=r"mine: another run is writing here") as caught,
        only_one(folder),
    ):
        pytest.fail("both hold the folder")

    assert "--results" in str(caught.value)
    with only_one(folder):
        pass


def test_a_run_that_is_refused_leaves_no_folder_that_was_not_there(tmp_path: Path) -> None:
    folder = MatrixFolder(tmp_path / "results" / "ä matrix")

    with pytest.raises(ValueError, match="refused"), only_one(folder):
        raise ValueError("refused")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("own", ["", "plan.json", "lock"])
def test_what_was_there_before_a_run_was_refused_stays(tmp_path: Path, own: str) -> None:
    folder = MatrixFolder(tmp_path / "results" / "ä matrix")
    folder.path.mkdir(parents=True)
    if own:
        (folder.path / own).touch()

    with only_one(folder):
        pass

    assert {path.name for path in folder.path.iterdir()} == {"lock", *filter(None, [own])}


def test_a_folder_in_which_a_run_left_something_stays(tmp_path: Path) -> None:
    folder = MatrixFolder(tmp_path / "results" / "ä matrix")

    with only_one(folder):
        (folder.path / "plan.json").touch()

    assert {path.name for path in folder.path.iterdir()} == {"lock", "plan.json"}


@pytest.mark.seconds
def test_a_folder_is_free_again_once_its_holder_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from harness.results_folder import MatrixFolder;"
        "from harness.campaign.folder_holding import only_one\n"
        "with only_one(MatrixFolder(Path(sys.argv[1]))): print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(ResultsError), only_one(MatrixFolder(tmp_path)):
            pass
        holder.kill()

    with only_one(MatrixFolder(tmp_path)):
        pass


def test_a_folder_that_can_not_be_made_is_the_users_mistake(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    said = r"file/mine: can't be written \(.*\); choose another folder with --results"

    with pytest.raises(ResultsError, match=said), only_one(MatrixFolder(tmp_path / "file" / "mine")):
        pytest.fail("a folder was made in a file")
