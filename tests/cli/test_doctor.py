from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.catalogue.tuners import KNOWN
from harness.cli import doctor

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

NAMES = {"memory and processors", "disk", "keras", "keras-tuner", "optuna", "tuners", "CPU energy", "NVIDIA driver"}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask a program that answers as TensorFlow does, at once."""
    monkeypatch.setattr(doctor, "_LIST_GPUS", "print('some warning'); print('2.21.0', 0)")


@pytest.fixture
def nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fake driver's program, to be filled with what it does."""
    path = tmp_path / "nvidia-smi"
    path.touch(mode=0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return path


@pytest.mark.train
def test_json_lists_every_finding_with_a_remedy_where_something_is_missing(line: CommandLine) -> None:
    answer = line.call("doctor", "--json", "--cache", str(line.cache))

    findings = json.loads(answer.out)
    assert answer.code == 0
    assert {finding["what"] for finding in findings} >= NAMES | {"TensorFlow"}
    assert all(finding["state"] == "good" or finding["remedy"] for finding in findings)
    assert all(name in str(findings) for name in KNOWN)
    assert findings[-1]["found"].startswith("2.")


@pytest.mark.usefixtures("quick")
def test_a_table_says_the_same(line: CommandLine) -> None:
    answer = line.call("doctor", "--cache", str(line.cache))

    assert answer.code == 0
    assert all(name.split()[0] in answer.out for name in NAMES)
    assert "2.21.0, sees no GPU" in answer.out
    assert not line.cache.exists()


def test_a_gpu_that_tensorflow_sees_is_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_LIST_GPUS", "print('2.21.0', 2)")

    assert doctor._tensorflow() == doctor.Finding(what="TensorFlow", state="good", found="2.21.0, sees 2 GPUs")


def test_a_trainer_that_can_not_be_imported_is_missing_with_the_error_and_a_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(doctor, "_LIST_GPUS", "import no_such_module")

    found = doctor._tensorflow()

    assert (found.state, found.found) == ("missing", "ModuleNotFoundError: No module named 'no_such_module'")
    assert found.remedy is not None


def test_a_driver_that_answers_is_good(nvidia_smi: Path) -> None:
    nvidia_smi.write_text("#!/bin/sh\necho 'NVIDIA A100-SXM4-40GB, 550.54'\necho 'NVIDIA A100-SXM4-40GB, 550.54'\n")

    found = doctor._driver()

    assert (found.state, found.found) == ("good", "NVIDIA A100-SXM4-40GB, 550.54; NVIDIA A100-SXM4-40GB, 550.54")


@pytest.mark.parametrize("does", ["exit 9", "exec sleep 60"])
def test_a_driver_that_fails_or_hangs_is_missing(nvidia_smi: Path, monkeypatch: pytest.MonkeyPatch, does: str) -> None:
    monkeypatch.setattr(doctor, "_IMPORT_TIMEOUT_S", 0.5)
    nvidia_smi.write_text(f"#!/bin/sh\n{does}\n")

    found = doctor._driver()

    assert (found.state, found.found, found.remedy) == ("missing", "no answer", "reinstall the driver")


def test_a_full_disk_is_told_with_a_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor, "_LEAST_DISK_GIB", 10**9)

    found = doctor._disk(tmp_path / "not" / "there")

    assert found.state == "missing"
    assert "--cache" in str(found.remedy)
