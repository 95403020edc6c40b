"""A matrix that asks for a GPU where there is none: one line, and nothing is searched or written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import harness
from harness.cli import exit_codes
from harness.errors import MachineError
from harness.meters import nvml
from tests.meters.fake_nvml import FakeNvml

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

LINE = "device: the matrix asks for a GPU, and NVIDIA's driver lists none; see docs/gpu-host.md"


@pytest.fixture
def asking(line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """A matrix that asks for a GPU, on a host that has a driver and no GPU."""
    monkeypatch.setattr(nvml, "find", lambda: nvml.find_through(FakeNvml()))
    monkeypatch.setattr("harness.placement.executor_choice.LOCAL", lambda **_: line.executor)
    line.matrix.write_text('device = "gpu"\n' + line.matrix.read_text("utf-8"), "utf-8")
    return line


@pytest.mark.parametrize("executor", ["local", "auto"])
def test_a_run_says_so_in_one_line_and_searches_nothing(
    asking: CommandLine, executor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{asking.folder}/nothing")

    answer = asking.run("--executor", executor)

    assert (answer.code, answer.err.strip()) == (exit_codes.SOME_MISSING, LINE)
    assert answer.out == ""
    assert asking.executor.started == []
    assert not list(asking.results.glob("*/[!l]*"))


def test_a_run_from_python_says_the_same(asking: CommandLine) -> None:
    with pytest.raises(MachineError, match=LINE.partition(";")[0]):
        harness.run(asking.matrix, results=asking.results, cache=asking.cache, executor="local")


def test_a_plan_is_shown_for_the_machine_that_has_one_and_says_that_this_has_none(asking: CommandLine) -> None:
    answer = asking.plan("--json", "--executor", "local")

    plan = json.loads(answer.out)
    assert (answer.code, plan["notes"]) == (exit_codes.OK, [LINE])
    assert len(plan["cells"]) == 3
