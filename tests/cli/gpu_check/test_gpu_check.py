"""The whole command, with a host that is a fake, and one that is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pynvml
import pytest

from harness.cli import exit_codes, gpu_check
from harness.cli.gpu_check.checks import CHECKS
from harness.errors import MachineError
from harness.meters import nvml
from tests.cli.gpu_check.conftest import UUID, FakeGpuHost, seen
from tests.meters.fake_nvml import FakeDevice, FakeNvml

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def has(*devices: FakeDevice, **library: Any) -> None:
        monkeypatch.setattr(nvml, "find", lambda: nvml.find_through(FakeNvml(*devices, **library)))

    return has


def check(output: Path, host: FakeGpuHost, *, as_json: bool = False) -> int:
    return gpu_check.show(output, file=Path("docker/images.toml"), as_json=as_json, make=lambda **_: host)


def test_a_host_without_a_gpu_is_told_in_one_line(line: CommandLine, driver: Callable[..., None]) -> None:
    driver(starts=pynvml.NVMLError_LibraryNotFound())

    answer = line.call("doctor", "--gpu-check", "--output", str(line.folder / "report.md"))

    said = "gpu-check: no GPU here (no NVIDIA driver); docs/gpu-host.md says how to set one up"
    assert (answer.code, answer.err.strip(), answer.out) == (exit_codes.SOME_MISSING, said, "")
    assert not (line.folder / "report.md").exists()


def test_a_report_has_every_check_for_people_and_for_programs(
    tmp_path: Path, host: FakeGpuHost, driver: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    driver(FakeDevice(uuid=UUID))

    assert check(tmp_path / "report.md", host) == exit_codes.OK

    text, said = (tmp_path / "report.md").read_text("utf-8"), capsys.readouterr().out
    document = json.loads(text.partition("```json\n")[2].partition("\n```")[0])
    assert [one["what"] for one in document["checks"]] == [one.what for one in CHECKS]
    assert document["gpus"][0]["device_uuid"] == UUID
    assert all(f"| {one.what} | " in text and one.what in said for one in CHECKS)
    assert f"{len(CHECKS) - 1} passed, 1 could not run" in text
    assert said.splitlines()[-1].startswith(f"{len(CHECKS) - 1} passed, 1 could not run; report: ")


def test_one_failure_is_the_exit_code_and_its_log_is_in_the_report(
    tmp_path: Path, host: FakeGpuHost, driver: Callable[..., None]
) -> None:
    driver(FakeDevice(uuid=UUID))
    host.searches["jit"] = [seen(status="failed", reason="a | b")]

    assert check(tmp_path / "report.md", host) == exit_codes.SOME_FAILED

    text = (tmp_path / "report.md").read_text("utf-8")
    assert "| jit | failed | the search is failed: a \\| b |" in text
    assert "## What was said: jit\n\n```\na line of its log\n```" in text


def test_json_is_the_outcomes(
    tmp_path: Path, host: FakeGpuHost, driver: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    driver(FakeDevice(uuid=UUID))

    check(tmp_path / "report.md", host, as_json=True)

    assert [one["what"] for one in json.loads(capsys.readouterr().out)] == [one.what for one in CHECKS]


def test_a_report_can_be_written_before_ten_minutes_go_into_it(driver: Callable[..., None], host: FakeGpuHost) -> None:
    driver(FakeDevice(uuid=UUID))

    with pytest.raises(MachineError, match="can't be written"):
        check(Path("/nowhere/report.md"), host)

    assert host.asked == []
