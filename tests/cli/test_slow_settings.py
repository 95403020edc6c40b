"""Settings that make cells slower where they would train are said before anything runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from harness.meters import nvml
from tests.meters.fake_nvml import FakeDevice, FakeNvml

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

JIT = (
    "protocol.jit = true: on a CPU epochs of a fine-tuned MobileNetV2 took 4 to 6 times as long with it; "
    "write jit = false unless the cells train on a GPU"
)
BFLOAT16 = (
    'protocol.precision = "mixed_bfloat16": on a CPU epochs of a fine-tuned MobileNetV2 took 1.3 to 2.4 times as long '
    'with it; write precision = "float32" unless the cells train on a GPU'
)


def has_gpus(monkeypatch: pytest.MonkeyPatch, *gpus: FakeDevice) -> None:
    monkeypatch.setattr(nvml, "find", lambda: nvml.find_through(FakeNvml(*gpus)))


@pytest.fixture
def slow(line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """A matrix that asks for both settings, on a host without a GPU."""
    has_gpus(monkeypatch)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    ask(line, 'jit = true\nprecision = "mixed_bfloat16"')
    return line


def ask(line: CommandLine, settings: str, *, top: str = "") -> None:
    text = line.matrix.read_text("utf-8")
    line.matrix.write_text(f"{top}{text.replace('[protocol]', f'[protocol]{chr(10)}{settings}')}", "utf-8")


def notes(line: CommandLine, *options: str) -> Any:
    return json.loads(line.plan("--json", *options).out)["notes"]


def test_a_plan_and_a_run_say_what_slows_a_cpu_down_in_one_line_each(slow: CommandLine) -> None:
    assert notes(slow) == [JIT, BFLOAT16]
    assert f"{JIT}\n{BFLOAT16}\n" in slow.plan().out

    answer = slow.run()

    assert answer.code == 0
    assert answer.err == f"{JIT}\n{BFLOAT16}\n"


@pytest.mark.parametrize("settings", ["", "jit = false", 'precision = "mixed_float16"'])
def test_what_was_not_measured_to_be_slow_is_not_warned_of(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch, settings: str
) -> None:
    has_gpus(monkeypatch)
    ask(line, settings)

    assert notes(line) == []
    assert "protocol." not in line.run().err


def test_a_host_whose_processes_see_a_gpu_is_not_warned(slow: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    has_gpus(monkeypatch, FakeDevice(uuid="GPU-a"))

    assert notes(slow) == []
    assert "protocol." not in slow.run().err


def test_a_gpu_that_is_hidden_trains_nothing(slow: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    has_gpus(monkeypatch, FakeDevice(uuid="GPU-a"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")

    assert notes(slow) == [JIT, BFLOAT16]


def test_where_it_can_not_be_told_which_gpu_is_meant_nothing_is_said(
    slow: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_gpus(monkeypatch, FakeDevice(uuid="GPU-a"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")

    assert notes(slow) == []


def test_a_matrix_that_asks_for_a_gpu_is_not_warned(line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    has_gpus(monkeypatch, FakeDevice(uuid="GPU-a"))
    ask(line, "jit = true", top='device = "gpu"\n')
    monkeypatch.setattr("harness.placement.executor_choice.LOCAL", lambda **_: line.executor)
    monkeypatch.setattr("harness.placement.required_libraries.version_of", {"tensorflow": "2.21.0"}.get)

    assert notes(line) == []


AUGMENTATION = (
    "protocol.augmentation: training images change from epoch to epoch, so frozen layers run on all of them in each; "
    "kept activations serve for scoring alone"
)


@pytest.mark.parametrize(("train", "said"), [("head", [AUGMENTATION]), ("last:3", [AUGMENTATION]), ("all", [])])
def test_augmentation_before_frozen_layers_is_said_wherever_cells_train(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch, train: str, said: list[str]
) -> None:
    has_gpus(monkeypatch, FakeDevice(uuid="GPU-a"))
    ask(line, 'augmentation = { flip = "horizontal" }')
    text = line.matrix.read_text("utf-8")
    section = "[backbones.EfficientNetLite0]"
    assert section in text
    line.matrix.write_text(text.replace(section, f'{section}\ntrain = "{train}"'), "utf-8")

    assert notes(line) == said


def test_an_empty_augmentation_is_none(line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    has_gpus(monkeypatch)
    ask(line, "augmentation = {}")

    assert notes(line) == []
