"""Where cells run unless the user says; engine, docker client and driver are fakes."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import ImageNotFound

from harness import container_images, environment
from harness.errors import EngineError, MachineError, UserError
from harness.executors import WHOLE, LocalExecutor, Slot, processor_sets
from harness.executors import engine_connection as sdk
from harness.executors.docker import DockerExecutor
from harness.executors.forked import WarmExecutor
from harness.matrix_schema import Container, Device
from harness.meters import nvml
from harness.placement import container_choice, required_libraries
from harness.placement.executor_choice import Here, Local, Where
from tests.container_images.conftest import BASE, FakeEngine, engine, project, write  # noqa: F401 - fixtures are used by name
from tests.executors.conftest import FakeDockerClient
from tests.meters.fake_nvml import FakeDevice, FakeNvml

AUTO = Where(executor="auto")
FIRST, SECOND = (FakeDevice(uuid=f"GPU-{number}") for number in (1, 2))
OTHER = FakeDevice(uuid="GPU-3", name="Tesla T4")
CPU, GPU = "tuner-harness:cpu", "tuner-harness:gpu"
NO_GPU = 'could not select device driver "nvidia" with capabilities: [[gpu]]'


@dataclass
class FakeSdk(FakeDockerClient):
    """The SDK's side of the engine that the fake client speaks of: the same images."""

    engine: Any = None

    def _image(self, reference: str) -> Any:
        self.answer()
        held = self.engine.state["images"]
        found = held.get(reference) or next((one for one in held.values() if one["Id"] == reference), None)
        if found is None:
            raise self.error(f"No such image: {reference}", 404, ImageNotFound)
        return SimpleNamespace(id=found["Id"], labels=found["Config"].get("Labels") or {}, attrs=found)


@dataclass
class Host:
    """A machine with an engine that has a base and no image yet, with a checkout, and without a GPU."""

    path: Path
    engine: FakeEngine
    client: FakeSdk
    monkeypatch: pytest.MonkeyPatch
    said: list[str] = field(default_factory=list)

    @property
    def images_file(self) -> Path:
        return self.path / "my prüject" / "docker" / "images.toml"

    def builds(self, name: str = "cpu") -> None:
        container_images.build(next(image for image in container_images.load(self.images_file) if image.name == name))
        self.engine.becomes(calls=[])

    def has_gpus(self, *gpus: FakeDevice) -> None:
        self.monkeypatch.setattr(nvml, "find", lambda: nvml.find_through(FakeNvml(*gpus)))

    def has_packages(self, *names: str) -> None:
        versions = {name.partition("==")[0]: name.partition("==")[2] or "2.21.0" for name in names}
        self.monkeypatch.setattr(required_libraries, "version_of", versions.get)

    @property
    def built(self) -> list[str]:
        tags = [call[call.index("--tag") + 1] for call in self.engine.calls("build")]
        return [tag for tag in tags if not tag.endswith("-stage")]

    def works(self, where: Where = AUTO, **limits: Any) -> Any:
        return self.here(where, **limits).executor

    def here(self, where: Where = AUTO, **limits: Any) -> Here:
        container = Container(**limits)
        with where.working(campaign=self.path / "m", container=container, device="any", say=self.said.append) as here:
            return here


@pytest.fixture
def host(tmp_path: Path, engine: FakeEngine, project: Path, monkeypatch: pytest.MonkeyPatch) -> Host:  # noqa: F811 - fixtures
    client = FakeSdk(engine=engine)
    monkeypatch.setattr(sdk, "connect", lambda **_: client)
    made = Host(tmp_path, engine, client, monkeypatch)
    (tmp_path / "m").mkdir()
    made.has_gpus()
    monkeypatch.setattr(container_choice, "DECLARED", made.images_file)
    monkeypatch.setattr(environment, "code_hash", lambda: environment.code_hash_of(project / "harness"))
    monkeypatch.setattr(processor_sets, "found", lambda allowed: [(0,), (1,), (2,), (3,)] if allowed else [])
    for name in ("SSL_CERT_FILE", "PIP_INDEX_URL", "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"):
        monkeypatch.delenv(name, raising=False)
    # No client beside the fake one.
    monkeypatch.setenv("PATH", f"{tmp_path / 'tools'}{os.pathsep}/usr/bin{os.pathsep}/bin")
    return made


def test_an_image_that_is_here_and_current_is_run(host: Host) -> None:
    host.builds()

    executor = host.works()

    assert isinstance(executor, DockerExecutor)
    assert executor.image.reference == CPU
    assert host.said == [f"running in containers of {CPU} (engine fake, no GPU)"]
    assert host.built == []


@pytest.mark.seconds
def test_an_image_that_is_not_here_is_built_and_so_it_is_said(host: Host) -> None:
    intended = AUTO.intended(device="any")
    assert (host.built, intended.builds) == ([], True)

    executor = host.works()

    assert host.built == [CPU]
    assert executor.identity() == intended.identity
    first, last = host.said
    assert first.startswith(f"building {CPU} first: the first time 2 GB and about 3 minutes")
    assert last == f"running in containers of {CPU} (engine fake, no GPU)"


@pytest.mark.seconds
@pytest.mark.parametrize("name", ["harness/search_loop.py", "requirements/image-cpu.txt", "docker/Dockerfile"])
def test_an_image_made_from_something_else_is_built_anew(host: Host, name: str) -> None:
    host.builds()
    write(host.images_file.parents[1], {name: "changed\n"})

    executor = host.works()

    assert host.built == [CPU]
    assert executor.identity() == AUTO.intended(device="any").identity


@pytest.mark.seconds
def test_an_image_of_which_nothing_is_known_is_built_anew(host: Host) -> None:
    host.builds()
    host.engine.holds(Config={"Labels": {}, "User": "10001"})

    host.works()

    assert host.built == [CPU]


def test_the_image_is_held_as_long_as_cells_run_and_no_longer(host: Host) -> None:
    host.builds()

    with AUTO.working(campaign=host.path / "m", container=Container(), device="any"):
        (holding,) = host.client.left
        assert not holding.started

    assert host.client.left == []
    assert list((host.path / "m").iterdir()) == []


def test_an_engine_that_does_not_see_the_results_runs_nothing(host: Host) -> None:
    host.builds()
    host.client.has_our_disk = False

    assert isinstance(host.works(), WarmExecutor)
    (said,) = host.said
    assert said.startswith(f"running as local processes: the container engine doesn't see {host.path / 'm'}: it is")
    assert said.endswith("name one of this machine in DOCKER_HOST, or start it here")


def test_nothing_is_built_on_an_engine_that_does_not_see_the_results(host: Host) -> None:
    host.client.has_our_disk = False

    assert isinstance(host.works(), WarmExecutor)
    assert host.built == []


def test_where_a_build_fails_processes_do_it_and_the_reason_is_said(host: Host) -> None:
    host.engine.becomes(build_fails=True)

    assert isinstance(host.works(), WarmExecutor)

    last = host.said[-1]
    assert last == "running as local processes: docker build failed; its last lines above say why"


def test_where_there_is_no_base_and_no_registry_the_way_to_one_is_said(host: Host) -> None:
    host.engine.becomes(images={}, registry=False)

    assert isinstance(host.works(), WarmExecutor)

    script = host.images_file.parent / "base-from-debian.sh"
    assert f"as root, {script} makes a base without a registry" in host.said[-1]
    assert host.built == []


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (MachineError("the engine's socket is closed to this user; add them to the group docker"), "socket is closed"),
        (EngineError("whatever the SDK says"), "no container engine answers"),
    ],
)
def test_an_engine_that_can_not_be_reached_is_told_apart(
    host: Host, monkeypatch: pytest.MonkeyPatch, trouble: MachineError, reason: str
) -> None:
    def refuse(**_: Any) -> Any:
        raise trouble

    monkeypatch.setattr(sdk, "connect", refuse)

    assert isinstance(host.works(), WarmExecutor)
    assert reason in str(AUTO.intended(device="any"))


def test_a_rootless_engine_that_enforces_no_limits_runs_what_asks_for_none(host: Host) -> None:
    host.builds()
    host.client.told |= {"SecurityOptions": ["name=rootless"], "CgroupVersion": "1"}

    assert isinstance(host.works(), DockerExecutor)

    for where, limits in ((AUTO, {"memory_gib": 1}), (Where(executor="auto", at_once=2), {})):
        assert isinstance(host.works(where, **limits), WarmExecutor)
        assert "a rootless engine enforces no limit without control groups of version 2" in host.said[-1]


def test_a_gpu_of_the_host_is_given_and_tried_before_its_image_is_built(host: Host) -> None:
    host.has_gpus(FIRST)

    here = host.here()

    assert isinstance(here.executor, DockerExecutor)
    assert (here.slots, here.executor.image.reference, host.built) == ((Slot(gpu="GPU-1"),), GPU, [GPU])
    assert host.said[-1] == f"running in containers of {GPU} (engine fake, GPU GPU-1)"
    base = host.engine.state["images"][BASE]["Id"]
    assert next(container.image for container in host.client.made) == base
    assert host.client.left == []


def test_several_gpus_of_one_model_have_a_cell_each_and_every_one_is_tried(host: Host) -> None:
    host.has_gpus(FIRST, SECOND)
    host.builds("gpu")

    slots = host.here().slots

    assert [(slot.gpu, slot.cpus, slot.at_once) for slot in slots] == [("GPU-1", (0, 1), 2), ("GPU-2", (2, 3), 2)]
    assert host.said[-1] == f"running in containers of {GPU} (engine fake, GPUs GPU-1, GPU-2, a cell on each)"
    tried = [made.options["device_requests"][0]["DeviceIDs"] for made in host.client.made if made.started]
    assert tried == [["GPU-1"], ["GPU-2"]]


def test_of_unlike_gpus_the_first_is_taken_and_the_others_are_said_to_be_idle(host: Host) -> None:
    host.has_gpus(FIRST, OTHER)
    host.builds("gpu")

    assert host.here().slots == (Slot(gpu="GPU-1"),)
    assert host.said[-1] == f"running in containers of {GPU} (engine fake, GPU GPU-1; idle: GPU-3)"


def test_cells_side_by_side_in_containers_have_their_own_processors(host: Host) -> None:
    host.builds()

    here = host.here(Where(executor="auto", at_once=2))

    assert isinstance(here.executor, DockerExecutor)
    assert [slot.cpus for slot in here.slots] == [(0, 1), (2, 3)]
    assert host.said[-1] == f"running in containers of {CPU} (engine fake, no GPU, 2 cells at once)"


def test_processes_do_it_side_by_side_too_where_no_container_can(host: Host) -> None:
    host.engine.becomes(build_fails=True)

    here = host.here(Where(executor="auto", at_once=2))

    assert here.executor == WarmExecutor(LocalExecutor(), host.path / "m")
    assert [slot.cpus for slot in here.slots] == [(0, 1), (2, 3)]
    assert host.said[-1].startswith("running as local processes (no GPU, 2 cells at once): docker build failed")


@pytest.mark.seconds
def test_processes_that_would_share_a_gpu_are_refused(host: Host) -> None:
    host.has_gpus(FIRST, SECOND)
    host.engine.becomes(build_fails=True)
    assert list(host.here().slots) == [WHOLE]

    with pytest.raises(UserError, match=r"^--at-once 2: local processes would share a GPU; .*CUDA_VISIBLE_DEVICES=$"):
        host.here(Where(executor="auto", at_once=2))


def test_a_gpu_that_the_engine_can_not_give_builds_nothing_and_is_said(host: Host) -> None:
    host.has_gpus(FIRST)
    host.client.refuses_start = host.client.error(NO_GPU)

    assert isinstance(host.works(), WarmExecutor)

    assert host.built == []
    assert "the engine can give no GPU; install the NVIDIA container toolkit" in host.said[-1]


@pytest.mark.parametrize("where", [Where(executor="auto", image="mine:1"), Where(executor="auto", gpus=("0",))])
def test_an_image_or_a_gpu_that_is_named_means_containers_and_nothing_else(host: Host, where: Where) -> None:
    with pytest.raises(MachineError, match=r"the engine has none of this name; build it: harness images build$"):
        host.works(where)
    assert host.built == []


def test_a_matrix_that_asks_for_a_gpu_gets_one_or_is_refused(host: Host) -> None:
    with pytest.raises(MachineError, match=r"^device: the matrix asks for a GPU, and NVIDIA's driver lists none"):
        Where(executor="docker").intended(device="gpu")

    asked = AUTO.intended(device="gpu")
    assert str(asked).startswith(
        "as local processes: device: the matrix asks for a GPU, and NVIDIA's driver lists none"
    )
    with (
        pytest.raises(MachineError, match=r"^device: the matrix asks for a GPU"),
        AUTO.working(campaign=host.path / "m", container=Container(), device="gpu"),
    ):
        pass

    host.has_gpus(FIRST)
    host.builds("gpu")
    intended = Where(executor="docker").intended(device="gpu")
    assert str(intended) == f"in containers of {GPU} (engine fake, GPU GPU-1)"


@pytest.mark.seconds
@pytest.mark.parametrize(
    ("gpus", "device", "executor", "slot"),
    [
        ((), "any", LocalExecutor(), WHOLE),
        ((), "gpu", LocalExecutor(needs_gpu=True), WHOLE),
        (("1",), "any", LocalExecutor(), Slot(gpu="1")),
    ],
)
def test_processes_are_told_of_the_gpu_that_they_need(
    host: Host, gpus: tuple[str, ...], device: Device, executor: LocalExecutor, slot: Slot
) -> None:
    host.has_gpus(FIRST)
    host.has_packages("tensorflow")
    where = Where(executor="local", gpus=gpus)

    with where.working(campaign=Path(), container=Container(), device=device) as here:
        assert (here.executor, list(here.slots)) == (WarmExecutor(executor, Path()), [slot])


@pytest.mark.parametrize(
    ("packages", "gpus", "said"),
    [
        (["tensorflow"], (), "NVIDIA's driver lists none"),
        (["tensorflow-cpu"], (FIRST,), "this Python's TensorFlow is for the CPU alone"),
        (["tensorflow-cpu", "tensorflow"], (FIRST,), None),
        (["tensorflow", "tensorflow-rocm"], (), None),
    ],
)
def test_processes_that_would_see_no_gpu_are_told_of_beforehand(
    host: Host, packages: list[str], gpus: tuple[FakeDevice, ...], said: str | None
) -> None:
    host.has_gpus(*gpus)
    host.has_packages(*packages)

    intended = Where(executor="local").intended(device="gpu")

    assert isinstance(intended, Local)
    assert (intended.trouble is None) if said is None else (said in str(intended.trouble))


@pytest.mark.parametrize(("package", "refused"), [("tensorflow", True), ("tensorflow==2.16.1+nv24.8", False)])
def test_beside_an_arm_processor_only_a_makers_own_tensorflow_may_see_a_gpu(
    host: Host, package: str, *, refused: bool
) -> None:
    host.monkeypatch.setattr("platform.machine", lambda: "aarch64")
    host.has_gpus(FIRST)
    host.has_packages(package)

    intended = Where(executor="local").intended(device="gpu")

    assert isinstance(intended, Local)
    assert (intended.trouble is not None) is refused
    assert not refused or "wheels for aarch64 are built for the CPU alone" in str(intended.trouble)


def test_a_gpu_that_is_named_is_a_processs_own_whatever_the_environment_hides(host: Host) -> None:
    host.monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    host.has_gpus(FIRST)
    host.has_packages("tensorflow")

    intended = Where(executor="local", gpus=("GPU-1",)).intended(device="gpu")

    assert isinstance(intended, Local)
    assert intended.trouble is None


def test_a_gpu_that_is_named_where_there_is_none_is_told_of_beforehand_too(host: Host) -> None:
    host.has_packages("tensorflow")

    intended = Where(executor="local", gpus=("GPU-1",)).intended(device="any")

    assert isinstance(intended, Local)
    assert intended.trouble == "--gpu GPU-1: the NVIDIA driver lists no GPU; see harness doctor"


def test_workers_of_another_place_may_have_the_gpu_that_is_not_here(host: Host) -> None:
    host.has_gpus()

    intended = Where(executor="slurm").intended(device="gpu")

    assert isinstance(intended, Local)
    assert intended.trouble is None


def test_processes_begin_each_by_itself_where_that_is_asked_for() -> None:
    where = Where(executor="local", start="fresh")

    with where.working(campaign=Path(), container=Container(), device="any") as here:
        assert here.executor == LocalExecutor()


def test_processes_have_a_gpu_each_where_several_are_named(host: Host) -> None:
    host.has_gpus(FIRST, SECOND)
    host.has_packages("tensorflow")

    here = host.here(Where(executor="local", gpus=("all",)))

    assert [(slot.gpu, slot.cpus) for slot in here.slots] == [("GPU-1", (0, 1)), ("GPU-2", (2, 3))]


def test_more_than_the_engine_has_is_the_users_mistake_and_no_reason_for_processes(host: Host) -> None:
    host.builds()

    with pytest.raises(UserError, match=r"^container\.cpus: 99 asked for"):
        host.works(cpus=99)


DIGEST = f"lab/harness@sha256:{'d' * 64}"


def in_image(where: Where, image: str = DIGEST) -> Where:
    return where.in_image_of(Container(image=image))


def test_a_matrix_that_asks_for_no_image_runs_where_it_would() -> None:
    assert AUTO.in_image_of(Container()) is AUTO


def test_the_image_of_a_matrix_is_run_as_one_that_was_named() -> None:
    assert in_image(AUTO).image == DIGEST
    assert not in_image(AUTO).is_free


@pytest.mark.parametrize(
    ("where", "why"),
    [
        (Where(executor="docker", image="mine:1"), "--image mine:1: the matrix asks for lab/harness"),
        (Where(executor="local"), "with --executor local no cell runs in an image"),
    ],
)
def test_what_contradicts_the_image_of_a_matrix_is_a_mistake(where: Where, why: str) -> None:
    with pytest.raises(UserError, match=why):
        in_image(where)


def test_an_image_of_a_matrix_that_is_not_here_is_pulled_and_so_it_is_said(host: Host) -> None:
    host.builds()
    held = host.engine.state["images"]
    host.engine.becomes(registered=held.pop(CPU), images=held)
    with pytest.raises(MachineError, match=f"none of this name; pull it: harness images pull {DIGEST}"):
        in_image(AUTO).intended(device="any")

    executor = host.works(in_image(AUTO))

    assert host.engine.calls("pull") == [["pull", DIGEST]]
    assert executor.image.reference == DIGEST
    assert host.said[0] == f"pulling {DIGEST}"


def test_an_image_of_a_matrix_that_can_not_be_pulled_is_no_reason_for_another(host: Host) -> None:
    host.engine.becomes(registry=False)

    with pytest.raises(EngineError, match="docker pull failed"):
        host.works(in_image(AUTO))


def test_an_image_that_came_from_a_folder_is_not_looked_for_in_a_registry(host: Host) -> None:
    with pytest.raises(MachineError, match=r"harness images pull oci:DIR@sha256:ddd.*, from the folder it is in"):
        host.works(in_image(AUTO, f"tuner-harness@sha256:{'d' * 64}"))

    assert host.engine.calls("pull") == []
