from __future__ import annotations

import contextlib
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from docker.errors import DockerException, NotFound

from harness import environment, files
from harness.campaign.folder_holding import only_one
from harness.cells import WeightsTable
from harness.errors import MachineError, UserError
from harness.executors import WHOLE, Cause, Ended, Slot
from harness.executors.docker import DockerExecutor
from harness.executors.sandbox import HOME
from harness.matrix_schema import Container
from harness.results_folder import MatrixFolder
from harness.search_types import Reading

if TYPE_CHECKING:
    from tests.executors.conftest import FakeDockerClient, Workshop

ON_GPU = Slot(gpu="GPU-1")
GIB = 2**30
IMAGE_ID = "sha256:" + "1" * 64
CONTENT = files.digest({"base": "sha256:" + "b" * 64, "lock": "d" * 64, "recipe": "e" * 64})
GONE = requests.exceptions.ConnectionError("('Connection aborted.', FileNotFoundError(2, 'No such file or directory'))")


def ended(running: Any, within_s: float = 10.0) -> Ended:
    found: Ended | None = running.wait(within_s)
    assert found is not None
    return found


def test_a_container_is_kept_to_itself_and_to_its_limits(workshop: Workshop, client: FakeDockerClient) -> None:
    workshop.start(workshop.executor(cpus=1.5, memory_gib=2, pids=300, shm_mib=32))

    (container,) = client.made
    assert container.image == IMAGE_ID
    assert container.started
    options = dict(container.options)
    config = options.pop("log_config")
    assert (config.type, config.config) == ("json-file", {"max-size": "16m", "max-file": "2"})
    mounts = [(mount["Target"], mount["Source"], mount["Type"], mount["ReadOnly"]) for mount in options.pop("mounts")]
    folder, cache = str(workshop.folder.path), str(workshop.cache)
    assert mounts == [
        (folder, folder, "bind", False),
        (cache, cache, "bind", True),
        ("/somewhere", "/somewhere", "bind", True),
    ]
    *program, started = options.pop("command")
    assert program == ["search", folder, cache]
    assert float(started) == pytest.approx(time.monotonic(), abs=5.0)
    assert options.pop("environment") == {
        "PYTHONHASHSEED": "0",
        "PYTHONUNBUFFERED": "1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "KERAS_BACKEND": "tensorflow",
        "HOME": HOME,
        "USER": "harness",
        "HARNESS_IMAGE_CONTENT": CONTENT,
        "HARNESS_AT_ONCE": "1",
    }
    uid = os.geteuid() or 10001
    gid = os.getegid() if os.geteuid() else uid
    assert options == {
        "entrypoint": ["python", "-m", "harness.worker"],
        "cap_drop": ["ALL"],
        "cpuset_cpus": "",
        "device_requests": [],
        "init": True,
        "labels": {"tuner-harness.campaign": str(workshop.campaign), "tuner-harness.cell": "abc"},
        "mem_limit": 2 * GIB,
        "memswap_limit": 2 * GIB,
        "nano_cpus": 1_500_000_000,
        "network_mode": "none",
        "pids_limit": 300,
        "read_only": True,
        "security_opt": ["no-new-privileges"],
        "shm_size": 32 * 2**20,
        "tmpfs": {HOME: f"rw,nosuid,nodev,noexec,size=256m,mode=0700,uid={uid},gid={gid}"},
        "user": f"{uid}:{gid}",
        "working_dir": HOME,
    }


def test_a_preparation_may_fill_the_cache(workshop: Workshop, client: FakeDockerClient) -> None:
    workshop.start(program="prepare")

    writable = [mount["Target"] for mount in client.made[0].options["mounts"] if not mount["ReadOnly"]]
    assert writable == [str(workshop.folder.path), str(workshop.cache)]


def test_what_lies_in_the_cache_is_not_mounted_twice_and_weights_of_elsewhere_are(
    workshop: Workshop, client: FakeDockerClient
) -> None:
    source = workshop.cell.source.changed(paths=[str(workshop.cache / "digits.csv.gz")])
    changes = {"source": source, "weights": WeightsTable(path="/root/my weights.h5", sha256="0" * 64)}
    workshop.folder.write_cell(workshop.cell.model_copy(update=changes))

    workshop.start()

    options = client.made[0].options
    assert [mount["Target"] for mount in options["mounts"]][2:] == ["/root/my weights.h5"]
    assert set(options["tmpfs"]) == {HOME, "/root"}


def test_cells_are_planned_for_what_the_image_pins_and_the_sources_that_it_was_built_from(workshop: Workshop) -> None:
    identity = workshop.executor().identity()

    assert identity.environment == CONTENT
    assert identity.code == environment.code_hash()


def test_an_image_built_again_from_the_same_is_the_same_environment(
    workshop: Workshop, client: FakeDockerClient
) -> None:
    before = workshop.executor()
    client.image_id = "sha256:" + "9" * 64

    again = workshop.executor()

    assert again.image.id != before.image.id
    assert again.identity() == before.identity()


@pytest.mark.parametrize("label", ["lock-hash", "recipe-hash", "base"])
def test_an_image_that_pins_anything_else_is_another_environment(
    workshop: Workshop, client: FakeDockerClient, label: str
) -> None:
    before = workshop.executor().identity()
    changed = "python:3@sha256:" + "4" * 64 if label == "base" else "4" * 64
    client.labels[f"tuner-harness.{label}"] = changed

    assert workshop.executor().identity().environment != before.environment


def test_a_worker_that_ends_by_itself_is_collected_and_removed(workshop: Workshop, client: FakeDockerClient) -> None:
    running = workshop.start()
    assert running.wait(0.0) is None
    client.made[0].ends(0, output="fertig ✓\n".encode())

    end = ended(running)

    assert (end.exit_code, end.signal, end.cause) == (0, None, None)
    assert 0 <= end.wall_s < 10
    assert workshop.log.read_text("utf-8") == "fertig ✓\n"
    assert client.left == []
    assert running.wait(0.0) == end
    assert running.stop() == end


def test_the_evidence_says_what_was_enforced_and_on_what(workshop: Workshop, client: FakeDockerClient) -> None:
    running = workshop.start(workshop.executor(memory_gib=1))
    client.made[0].ends(1)

    evidence = ended(running).evidence

    assert evidence["enforced"]["memory_bytes"] == evidence["enforced"]["memory_and_swap_bytes"] == GIB
    assert evidence["enforced"]["dropped_capabilities"] == ["ALL"]
    assert evidence["image"]["id"] == IMAGE_ID
    assert evidence["image"]["reference"] == "mine:1"
    assert evidence["image"]["repo_digests"] == ("x@sha256:" + "2" * 64,)
    assert evidence["image"]["layers"] == ("sha256:" + "5" * 64, "sha256:" + "6" * 64)
    assert evidence["image"]["content"] == CONTENT
    assert evidence["image"]["pinned"] == {
        "base": "python:3@sha256:" + "b" * 64,
        "lock": "d" * 64,
        "recipe": "e" * 64,
        "source": environment.code_hash(),
    }
    assert evidence["engine"]["storage_driver"] == "overlay2"
    assert evidence["oom_killed"] is False
    assert evidence["used"]["cpu_s"]["value"] is None
    assert "control group" in evidence["used"]["cpu_s"]["reason"]


@pytest.mark.parametrize(
    ("status", "oom_killed", "told"),
    [
        (0, False, (0, None, None)),
        (1, False, (1, None, None)),
        (75, False, (75, None, None)),
        (137, False, (None, "SIGKILL", Cause.KILLED)),
        (143, False, (None, "SIGTERM", Cause.KILLED)),
        # A crash inside a library is the search's own end.
        (139, False, (None, "SIGSEGV", None)),
        # Not from outside, and no crash either: a file that can't be read.
        (135, False, (None, "SIGBUS", Cause.UNREADABLE_FILE)),
        (137, True, (None, "SIGKILL", Cause.OUT_OF_MEMORY)),
        # Some process of the container was killed, but the worker lived on.
        (0, True, (0, None, None)),
        (1, True, (1, None, None)),
        (255, False, (255, None, None)),
    ],
)
def test_ends_are_told_apart(
    workshop: Workshop, client: FakeDockerClient, *, status: int, oom_killed: bool, told: tuple[Any, ...]
) -> None:
    running = workshop.start()
    client.made[0].oom_killed = oom_killed
    client.made[0].ends(status)

    end = ended(running)

    assert (end.exit_code, end.signal, end.cause) == told


def test_out_of_memory_names_the_limit_and_the_way_out(workshop: Workshop, client: FakeDockerClient) -> None:
    running = workshop.start(workshop.executor(memory_gib=2))
    client.made[0].oom_killed = True
    client.made[0].ends(137)

    assert ended(running).detail == "the limit of 2048 MiB was hit; raise container.memory_gib"


def test_what_the_control_group_said_counts_where_the_engine_raised_no_flag(
    workshop: Workshop, client: FakeDockerClient
) -> None:
    running = workshop.start()
    running.meter.last = replace(running.meter.last, oom_kills=Reading(value=1.0))
    client.made[0].ends(137)

    assert ended(running).cause is Cause.OUT_OF_MEMORY


def test_only_a_declared_limit_is_the_searchs_own_end() -> None:
    assert {cause for cause in Cause if not cause.is_trouble} == {
        Cause.OUT_OF_MEMORY,
        Cause.DEADLINE,
        Cause.FOLDER_LIMIT,
    }


@pytest.mark.parametrize("deaf", [False, True])
def test_a_worker_that_is_late_is_stopped_and_removed(
    workshop: Workshop, client: FakeDockerClient, *, deaf: bool
) -> None:
    running = workshop.start(workshop.executor(deadline_s=0.05))
    client.made[0].deaf = deaf

    end = ended(running)

    assert (end.cause, end.detail) == (Cause.DEADLINE, "0.05 s are over; raise container.deadline_s")
    assert end.signal == ("SIGKILL" if deaf else "SIGTERM")
    assert client.left == []


def test_without_a_deadline_nobody_is_late(workshop: Workshop) -> None:
    executor = workshop.executor()
    running = workshop.start(executor)
    running.started -= 1e9

    assert running.wait(0.2) is None
    running.stop()


def test_a_stopped_worker_is_gone_and_nobody_is_to_blame(workshop: Workshop, client: FakeDockerClient) -> None:
    running = workshop.start()

    end = running.stop()

    assert (end.signal, end.cause) == ("SIGTERM", None)
    assert client.left == []


def test_an_engine_that_goes_away_in_the_middle_is_the_machines_trouble(
    workshop: Workshop, client: FakeDockerClient
) -> None:
    running = workshop.start()
    client.gone = GONE
    client.made[0].ends(error=GONE)

    end = ended(running)

    assert (end.exit_code, end.signal, end.cause) == (None, None, Cause.ENGINE_GONE)
    assert end.detail is not None
    assert end.detail.startswith("the container engine doesn't answer; start it")
    assert "output lost" in workshop.log.read_text("utf-8")


def test_a_container_that_somebody_removed_was_killed_from_outside(
    workshop: Workshop, client: FakeDockerClient
) -> None:
    running = workshop.start()
    client.made[0].removed = True
    client.made[0].ends(error=client.error("No such container: c0", 404, NotFound))

    end = ended(running)

    assert (end.cause, end.detail) == (Cause.KILLED, "somebody removed the container")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize(("status", "cause"), [(75, Cause.NO_DISK), (1, Cause.NO_DISK), (0, None), (137, Cause.KILLED)])
def test_a_disk_too_full_for_the_log_is_why_a_worker_failed(
    workshop: Workshop, client: FakeDockerClient, status: int, cause: Cause | None
) -> None:
    running = workshop.start()
    workshop.log.symlink_to("/dev/full")
    client.made[0].ends(status, output=b"no space left")

    end = ended(running)

    assert end.cause is cause
    assert end.evidence["output_lost"].endswith("No space left on device; free some space, then run again")
    assert client.left == []


def test_a_bug_while_waiting_crashes(workshop: Workshop, client: FakeDockerClient) -> None:
    running = workshop.start()
    client.made[0].ends(error=ZeroDivisionError("a bug"))

    with pytest.raises(ZeroDivisionError):
        running.wait(10.0)


def test_stopping_while_the_engine_is_gone_ends_with_what_is_known(
    workshop: Workshop, client: FakeDockerClient
) -> None:
    running = workshop.start()
    client.gone = GONE
    client.made[0].ends(error=GONE)

    end = running.stop()

    assert (end.exit_code, end.signal) == (None, None)
    assert end.evidence["oom_killed"] is None


def test_an_engine_that_comes_back_is_waited_for(workshop: Workshop, client: FakeDockerClient) -> None:
    executor = workshop.executor()
    executor.patience_s = 60.0
    client.gone, client.comes_back_after = GONE, 3

    workshop.start(executor)

    assert client.pings == 4
    assert client.made[0].started


def test_an_engine_that_stays_away_is_waited_for_once(workshop: Workshop, client: FakeDockerClient) -> None:
    executor = workshop.executor()
    clock = iter(range(1000))
    executor.clock = lambda: float(next(clock))
    executor.patience_s = 30.0
    client.gone = GONE

    first, second = workshop.start(executor), workshop.start(executor)

    assert ended(first).cause is ended(second).cause is Cause.ENGINE_GONE
    assert 20 <= client.pings <= 40
    assert ended(second).wall_s < 5
    assert second.stop().cause is Cause.ENGINE_GONE


def test_an_image_that_went_missing_is_told_with_the_way_out(workshop: Workshop, client: FakeDockerClient) -> None:
    executor = workshop.executor()
    client.has_image = False

    end = ended(workshop.start(executor))

    assert end.cause is Cause.IMAGE_MISSING
    assert end.detail is not None
    assert end.detail.endswith("build it: harness images build")


def test_what_the_engine_refuses_to_start_is_removed_and_told_in_one_line(
    workshop: Workshop, client: FakeDockerClient
) -> None:
    executor = workshop.executor()
    client.refuses_start = client.error("OCI runtime create failed:\nno space left on device: unknown")

    end = ended(workshop.start(executor))

    assert end.cause is Cause.ENGINE_REFUSED
    assert end.detail is not None
    assert end.detail.startswith("the engine's disk is full; free some: docker system prune")
    assert "\n" not in end.detail
    assert client.left == []


def test_a_gpu_that_the_engine_can_not_give_is_told_before_anything_runs(
    workshop: Workshop, client: FakeDockerClient
) -> None:
    client.refuses_start = client.error('could not select device driver "nvidia" with capabilities: [[gpu]]')

    with pytest.raises(MachineError, match=r"^the engine can give no GPU; install the NVIDIA container toolkit"):
        workshop.executor(slots=(ON_GPU,))

    assert client.left == []


@pytest.mark.parametrize("uuid", ["GPU-1", "MIG-1"])
def test_one_gpu_is_asked_for_through_nvidias_driver_or_cdi_where_the_engine_lists_it(
    workshop: Workshop, client: FakeDockerClient, uuid: str
) -> None:
    workshop.start(slot=Slot(gpu=uuid))
    client.told["DiscoveredDevices"] = [{"Source": "cdi", "ID": f"nvidia.com/gpu={uuid}"}]
    workshop.start(slot=Slot(gpu=uuid))

    probe, plain, _, cdi = [container.options["device_requests"][0] for container in client.made]
    assert probe == plain
    assert (plain["Driver"], plain["DeviceIDs"]) == ("nvidia", [uuid])
    assert plain["Capabilities"] == [["gpu", "compute", "utility"]]
    assert (cdi["Driver"], cdi["DeviceIDs"]) == ("cdi", [f"nvidia.com/gpu={uuid}"])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's folders are lent")
def test_roots_folder_is_lent_to_the_worker_and_given_back_however_it_ends(
    workshop: Workshop, client: FakeDockerClient
) -> None:
    executor, path = workshop.executor(), workshop.folder.path
    running = workshop.start(executor)
    assert {path.stat().st_uid, (path / "cell.json").stat().st_uid} == {10001}

    running.stop()

    assert {path.stat().st_uid, (path / "cell.json").stat().st_uid} == {0}
    client.refuses_start = client.error("not today")
    assert ended(workshop.start(executor)).cause is Cause.ENGINE_REFUSED
    assert {path.stat().st_uid, (path / "cell.json").stat().st_uid} == {0}


def test_an_image_of_other_sources_is_refused(workshop: Workshop, client: FakeDockerClient) -> None:
    client.labels["tuner-harness.source-hash"] = "0" * 64

    with pytest.raises(MachineError, match=r"^image mine:1: was built from other sources .*harness images build$"):
        workshop.executor()


@pytest.mark.parametrize("value", [None, "", "unstated"])
@pytest.mark.parametrize("label", ["source-hash", "lock-hash", "recipe-hash", "base"])
def test_an_image_that_does_not_say_all_that_it_is_made_from_is_refused(
    workshop: Workshop, client: FakeDockerClient, label: str, value: str | None
) -> None:
    del client.labels[f"tuner-harness.{label}"]
    client.labels |= {} if value is None else {f"tuner-harness.{label}": value}

    with pytest.raises(MachineError, match=r"^image mine:1: its labels don't say what .*harness images build$"):
        workshop.executor()


def test_a_worker_that_is_given_a_gpu_is_told_to_need_it(workshop: Workshop, client: FakeDockerClient) -> None:
    workshop.start()
    workshop.start(slot=ON_GPU)

    told = [container.options["environment"].get("HARNESS_NEEDS_GPU") for container in client.made]
    assert told == [None, "1", "1"]


def test_an_image_that_is_not_there_is_told_with_the_way_out(workshop: Workshop, client: FakeDockerClient) -> None:
    client.has_image = False

    with pytest.raises(MachineError, match=r"^image mine:1: the engine has none of this name; build it"):
        workshop.executor()


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (GONE, "the container engine doesn't answer; start it"),
        (
            DockerException("Error while fetching server API version: PermissionError(13, 'Permission denied')"),
            "socket",
        ),
    ],
)
def test_no_engine_is_told_in_one_line(
    workshop: Workshop, client: FakeDockerClient, error: Exception, line: str
) -> None:
    client.gone = error

    with pytest.raises(MachineError, match=line) as caught:
        workshop.executor()

    assert "\n" not in str(caught.value)


def test_a_rootless_engine_of_another_user_is_refused(
    workshop: Workshop, client: FakeDockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.told |= {"SecurityOptions": ["name=cgroupns", "name=rootless"], "DockerRootDir": str(tmp_path)}
    monkeypatch.setattr("harness.executors.engine_users.os.geteuid", lambda: tmp_path.stat().st_uid + 1)

    with pytest.raises(
        MachineError, match=r"rootless and user .*'s, so that a cell's files would not be yours; run harn"
    ):
        workshop.executor()


@pytest.mark.parametrize("limits", [{"cpus": 5}, {"memory_gib": 11}])
def test_more_than_the_engine_has_is_the_users_mistake(workshop: Workshop, limits: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=rf"^container\.{next(iter(limits))}: "):
        workshop.executor(**limits)


def test_leftovers_of_this_campaign_are_swept_and_no_others(workshop: Workshop, client: FakeDockerClient) -> None:
    executor = workshop.executor()
    workshop.start(executor)
    other = workshop.executor()
    other.campaign = Path("/another/campaign")
    workshop.start(other)

    executor.sweep()

    assert [container.options["labels"]["tuner-harness.campaign"] for container in client.left] == ["/another/campaign"]


@pytest.mark.parametrize("state", ["held", "abandoned", "elsewhere"])
def test_what_a_killed_run_of_another_campaign_left_at_work_is_ended_and_what_a_living_one_has_is_not(
    workshop: Workshop, client: FakeDockerClient, tmp_path: Path, state: str
) -> None:
    campaign = MatrixFolder(tmp_path / "anöther")
    if state != "elsewhere":
        campaign.path.mkdir()
        campaign.lock.touch()
    other = workshop.executor()
    other.campaign = campaign.path
    workshop.start(other)
    executor = workshop.executor()
    workshop.start(executor)

    with contextlib.ExitStack() as holding:
        if state == "held":
            holding.enter_context(only_one(campaign))
        found = executor.sweep_abandoned()

    assert found == ([campaign.path] if state == "abandoned" else [])
    assert [container.removed for container in client.made] == [state == "abandoned", False]


def test_a_campaign_is_known_by_where_it_really_is(workshop: Workshop, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(workshop.campaign, target_is_directory=True)

    executor = DockerExecutor.ready(workshop.client, reference="mine:1", campaign=link, container=Container())

    assert executor.campaign == workshop.campaign.resolve()


def test_a_leftover_of_the_same_cell_is_removed_before_it_starts_again(
    workshop: Workshop, client: FakeDockerClient
) -> None:
    executor = workshop.executor()
    workshop.start(executor)

    workshop.start(executor)

    assert [container.removed for container in client.made] == [True, False]


def test_sweeping_an_engine_that_is_gone_is_no_error_but_a_refusal_is(
    workshop: Workshop, client: FakeDockerClient
) -> None:
    executor = workshop.executor()
    client.gone = GONE
    executor.sweep()
    client.gone = client.error("not today")

    with pytest.raises(MachineError, match="the engine says: not today"):
        executor.sweep()


def test_a_leftover_that_is_being_removed_already_is_no_error(
    workshop: Workshop, client: FakeDockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    executor = workshop.executor()
    workshop.start(executor)

    def busy(*, force: bool) -> None:
        raise client.error(f"removal is already in progress {force}", 409)

    monkeypatch.setattr(client.made[0], "remove", busy)

    executor.sweep()


def test_several_gpus_are_each_tried_and_each_worker_gets_its_slots_alone(
    workshop: Workshop, client: FakeDockerClient
) -> None:
    slots = [Slot(cpus=(number,), gpu=f"GPU-{number}", at_once=2) for number in range(2)]
    executor = workshop.executor(slots=slots)

    for slot in [*slots, slots[0].alone]:
        workshop.start(executor, slot=slot)

    devices = [container.options["device_requests"][0]["DeviceIDs"] for container in client.made]
    assert devices == [["GPU-0"], ["GPU-1"], ["GPU-0"], ["GPU-1"], ["GPU-0"]]
    assert client.made[-1].options["cpuset_cpus"] == ""


def test_a_worker_beside_others_has_its_processors_and_its_share_of_the_memory(
    workshop: Workshop, client: FakeDockerClient
) -> None:
    executor = workshop.executor()

    for slot in (Slot(cpus=(0, 1, 3), at_once=3), WHOLE):
        workshop.start(executor, slot=slot)

    beside, alone = (container.options for container in client.made)
    assert (beside["cpuset_cpus"], beside["nano_cpus"], beside["mem_limit"]) == ("0-1,3", 3_000_000_000, 3 * GIB)
    assert beside["environment"]["HARNESS_AT_ONCE"] == "3"
    assert (alone["cpuset_cpus"], alone["nano_cpus"], alone["mem_limit"]) == ("", 4_000_000_000, 9 * GIB)
    assert beside["memswap_limit"] == beside["mem_limit"]


def test_a_matrix_that_asks_for_more_than_a_slot_has_is_told_before_anything_runs(
    workshop: Workshop, client: FakeDockerClient
) -> None:
    slots = [Slot(cpus=(0, 1), at_once=2), Slot(cpus=(2, 3), at_once=2)]

    with pytest.raises(
        UserError, match=r"^container\.cpus: 3 asked for, but each of 2 cells at once has 2; lower it, or --at-once$"
    ):
        workshop.executor(slots=slots, cpus=3)

    assert client.made == []


def test_an_engine_behind_the_network_that_is_this_machines_is_taken(
    workshop: Workshop, client: FakeDockerClient
) -> None:
    client.api.base_url = "http://127.0.0.1:2375"

    workshop.executor().hold()

    assert [each.started for each in client.left] == [False]


def test_an_engine_of_another_machine_is_refused_though_it_sees_the_results(
    workshop: Workshop, client: FakeDockerClient
) -> None:
    client.api.base_url, client.has_our_kernel = "http://far:2375", False

    with pytest.raises(MachineError, match="is another machine's, whose costs nobody here can read"):
        workshop.executor().hold()


def test_a_container_that_stays_paused_is_ended_and_named(workshop: Workshop, client: FakeDockerClient) -> None:
    executor = workshop.executor()
    executor.standstill_grace_s = 0.2
    running = workshop.start(executor)
    client.made[0].paused = True

    end = ended(running)

    assert end.cause is Cause.HALTED
    assert str(end.detail).startswith("somebody paused its container for 0 s; let it run")
    assert end.evidence["stood_still_s"] > 0
    assert client.left == []


def test_a_pause_that_is_over_in_time_ends_nothing_and_is_kept_as_evidence(
    workshop: Workshop, client: FakeDockerClient
) -> None:
    executor = workshop.executor()
    executor.standstill_grace_s = 0.5
    running = workshop.start(executor)
    client.made[0].paused = True
    assert running.wait(0.2) is None
    client.made[0].paused = False
    assert running.wait(0.7) is None

    client.made[0].ends(0)

    assert ended(running).cause is None


def test_an_engine_that_remaps_users_is_asked_not_to(workshop: Workshop, client: FakeDockerClient) -> None:
    client.told["SecurityOptions"] = ["name=userns"]

    workshop.start()

    options = client.made[0].options
    assert options["userns_mode"] == "host"
    assert options["user"] == f"{os.geteuid() or 10001}:{os.getegid() if os.geteuid() else 10001}"


def test_in_a_rootless_engine_root_is_who_runs_it(workshop: Workshop, client: FakeDockerClient, tmp_path: Path) -> None:
    client.told |= {"SecurityOptions": ["name=rootless"], "DockerRootDir": str(tmp_path), "CgroupVersion": "1"}

    running = workshop.start()

    options = client.made[0].options
    assert (options["user"], options["cap_drop"]) == ("0:0", ["ALL"])
    assert "userns_mode" not in options
    assert running.meter.cgroup is None
    client.made[0].ends(0)
    engine = ended(running).evidence["engine"]
    assert (engine["users"], engine["enforces_limits"]) == ("rootless", False)
