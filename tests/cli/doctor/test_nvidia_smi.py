from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli.doctor import gpus, nvidia_smi
from harness.meters.nvml import Found
from tests.meters.fake_nvml import FakeDevice

ROOT = Path(__file__).parents[3]
TWO = "echo 'GPU-1, NVIDIA A100-SXM4-40GB'; echo 'GPU-2, Tesla V100, the second'"
FAILING = "echo 'No devices were found'; exit 6"
SILENT = "exit 9"
PRETENDING = "echo 'No devices were found'"
Put = Callable[[str, str], Path]
Look = Callable[..., Found]


@pytest.fixture
def nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose PATH leads to no program."""
    monkeypatch.setenv("PATH", str(tmp_path))


def made() -> str:
    """What ``make bench`` would say and do, without doing it."""
    make = shutil.which("make")
    assert make is not None
    return subprocess.run([make, "--dry-run", "bench"], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_each_gpu_is_named(program: Put) -> None:
    program("nvidia-smi", TWO)

    assert nvidia_smi.find() == nvidia_smi.Named(("NVIDIA A100-SXM4-40GB", "Tesla V100, the second"))


@pytest.mark.parametrize(
    ("does", "said"),
    [
        (FAILING, "nvidia-smi ends with 6: No devices were found"),
        (PRETENDING, "nvidia-smi ends with 0: No devices were found"),
        (SILENT, "nvidia-smi ends with 9: it says nothing"),
        ("echo NVIDIA-SMI has failed >&2; exit 255", "nvidia-smi ends with 255: NVIDIA-SMI has failed"),
        (f"{TWO}; exit 1", "nvidia-smi ends with 1: GPU-1, NVIDIA A100-SXM4-40GB"),
    ],
)
def test_what_a_program_says_that_fails_is_no_gpu(program: Put, does: str, said: str) -> None:
    program("nvidia-smi", does)

    assert nvidia_smi.find() == nvidia_smi.Named(reason=said)


def test_one_that_does_not_answer_is_not_waited_for(program: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvidia_smi, "PATIENCE_S", 0.2)
    program("nvidia-smi", "exec sleep 60")

    assert nvidia_smi.find().reason == "nvidia-smi gave no answer within 0.2 s"


@pytest.mark.usefixtures("nothing")
def test_without_the_program_there_is_none() -> None:
    assert nvidia_smi.find() == nvidia_smi.Named(reason="no nvidia-smi")


def test_what_can_not_be_run_is_none(program: Put) -> None:
    program("nvidia-smi", TWO).write_bytes(b"\x7fELF")

    assert "can't be run" in str(nvidia_smi.find().reason)


@pytest.mark.parametrize(("does", "code", "printed"), [(TWO, 0, 2), (FAILING, 1, 0)])
def test_as_a_program_it_prints_names_alone(
    program: Put, capsys: pytest.CaptureFixture[str], does: str, code: int, printed: int
) -> None:
    program("nvidia-smi", does)

    assert nvidia_smi.main() == code
    out, err = capsys.readouterr()
    assert (len(out.splitlines()), bool(err)) == (printed, code != 0)


@pytest.mark.seconds
@pytest.mark.parametrize(
    ("does", "said", "matrix"),
    [
        (TWO, "found a GPU (NVIDIA A100-SXM4-40GB)", "gpu"),
        (FAILING, "found no GPU (nvidia-smi ends with 6: No devices were found)", "demo"),
    ],
)
def test_make_asks_the_same(program: Put, does: str, said: str, matrix: str) -> None:
    program("nvidia-smi", does)

    assert f"{said}: running benchmarks/{matrix}.toml" in made()


def test_the_doctor_says_where_the_driver_sees_gpus_and_its_program_none(program: Put, found: Look) -> None:
    program("nvidia-smi", FAILING)

    (finding,) = gpus.program(found(FakeDevice()))

    assert (finding.what, finding.state) == ("nvidia-smi", "unfit")
    assert finding.found == "nvidia-smi ends with 6: No devices were found"
    assert "packages for the CPU" in str(finding.remedy)


def test_the_doctor_says_that_the_program_lists_what_the_driver_lists(program: Put, found: Look) -> None:
    program("nvidia-smi", TWO)

    (finding,) = gpus.program(found(FakeDevice(uuid="GPU-1"), FakeDevice(uuid="GPU-2")))

    assert (finding.state, finding.found) == ("good", "names 2 GPUs, as make and nightly runs take them")


@pytest.mark.usefixtures("nothing")
def test_the_doctor_says_nothing_of_a_program_that_nobody_misses(found: Look) -> None:
    assert list(gpus.program(found())) == []
