"""What is another way with Podman, through a fake of its API; docs/containers.md says what was tried on a real one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.cells import WeightsTable
from harness.errors import MachineError
from harness.executors import Cause, Slot
from harness.executors.sandbox import HOME

if TYPE_CHECKING:
    from tests.executors.conftest import FakeDockerClient, Workshop


@pytest.fixture(autouse=True)
def _podman(client: FakeDockerClient) -> None:
    client.name = "Podman Engine"


def reads(workshop: Workshop, weights: Path) -> None:
    """Let the cell read nothing else than these weights beside its cache."""
    source = workshop.cell.source.changed(paths=[])
    changes = {"source": source, "weights": WeightsTable(path=str(weights), sha256="0" * 64)}
    workshop.folder.write_cell(workshop.cell.model_copy(update=changes))


def test_a_file_system_of_the_containers_own_is_open_by_its_mode(
    workshop: Workshop, client: FakeDockerClient, tmp_path: Path
) -> None:
    (tmp_path / "weights.h5").touch()
    reads(workshop, tmp_path / "weights.h5")
    workshop.start()
    assert client.made[0].options["tmpfs"] == {
        HOME: "rw,nosuid,nodev,noexec,size=256m,mode=1777,notmpcopyup",
    }


@pytest.mark.parametrize(
    ("path", "why"), [("/nowhere/weights.h5", "no such file"), ("/root", "closed to workers in Podman's containers")]
)
def test_what_no_worker_would_see_is_refused_before_it_starts(
    workshop: Workshop, client: FakeDockerClient, path: str, why: str
) -> None:
    reads(workshop, Path(path))
    ended = workshop.start().wait(0.0)
    assert ended.cause is Cause.ENGINE_REFUSED
    assert str(ended.detail).startswith(f"{path}: {why}")
    assert client.made == []


def test_a_gpu_is_refused_as_podman_would_give_none_and_say_nothing(workshop: Workshop) -> None:
    with pytest.raises(MachineError, match=r"^Podman gives no GPU"):
        workshop.executor(slots=(Slot(gpu="GPU-1"),))


def test_evidence_names_the_engine(workshop: Workshop) -> None:
    assert workshop.executor().engine["name"] == "podman"


def test_podmans_containers_are_asked_whether_they_see_the_results(
    workshop: Workshop, client: FakeDockerClient
) -> None:
    workshop.executor().hold()
    holding, looked = client.made
    assert (holding.started, holding.removed) == (False, False)
    assert (looked.started, looked.removed) == (True, True)

    client.has_our_disk = False
    with pytest.raises(MachineError, match="the container engine doesn't see"):
        workshop.executor().hold()
