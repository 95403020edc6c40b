from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from harness.cli.doctor import findings, tensorflow
from harness.meters.nvml import Found, Gpu
from tests.container_images.conftest import FakeEngine
from tests.meters.fake_nvml import FakeDevice

KERNELS = ["sm_60", "sm_70", "sm_80", "sm_89", "compute_90"]
Look = Callable[..., Found]


def saying(**answer: Any) -> str:
    """A program that answers as TensorFlow does, at once."""
    told = json.dumps({"version": "2.21.0", "gpus": [], "kernels": KERNELS, **answer})
    return f"print('some warning')\nprint({told!r})"


@pytest.fixture
def gpu(found: Look) -> Gpu:
    return found(FakeDevice(uuid="GPU-1")).gpus[0]


@pytest.mark.parametrize(("count", "said"), [(1, "2.21.0, sees 1 GPU"), (2, "2.21.0, sees 2 GPUs")])
def test_gpus_that_tensorflow_sees_are_good(count: int, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensorflow, "PROGRAM", saying(gpus=[["NVIDIA A100", [8, 0]]] * count))

    assert list(tensorflow.here()) == [findings.Finding(what="TensorFlow", state="good", found=said)]


def test_a_tensorflow_that_sees_none_says_where_searches_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensorflow, "PROGRAM", saying())

    (found,) = tensorflow.here()

    assert (found.state, found.found) == ("good", "2.21.0, sees no GPU")
    assert "run on the CPU" in str(found.remedy)


def test_a_trainer_that_can_not_be_imported_is_missing_with_the_error_and_a_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tensorflow, "PROGRAM", "import no_such_module")

    (found,) = tensorflow.here()

    assert (found.state, found.found) == ("missing", "ModuleNotFoundError: No module named 'no_such_module'")
    assert found.remedy is not None


def test_a_trainer_that_hangs_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings, "ASK_TIMEOUT_S", 0.5)
    monkeypatch.setattr(tensorflow, "PROGRAM", "import time; time.sleep(60)")

    (found,) = tensorflow.here()

    assert (found.state, found.found) == ("missing", "no answer")


def test_a_gpu_without_kernels_is_unfit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensorflow, "PROGRAM", saying(gpus=[["NVIDIA A100", [8, 0]], ["NVIDIA B200", [10, 0]]]))

    _, kernels = tensorflow.here()

    assert (kernels.what, kernels.state) == ("TensorFlow: kernels", "unfit")
    assert kernels.found.startswith(
        "NVIDIA B200 has compute capability 10.0, and this TensorFlow has kernels for sm_60"
    )


def test_a_gpu_that_cudnn_has_no_code_for_is_unfit_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensorflow, "PROGRAM", saying(gpus=[["Tesla V100", [7, 0]]], cudnn="9.28.0.42"))

    _, kernels = tensorflow.here()

    assert kernels.state == "unfit"
    assert kernels.found.endswith("compute capability 7.0, and cuDNN 9.28.0.42 has code for 7.5 and newer alone")
    assert "nvidia-cudnn-cu12<9.11" in str(kernels.remedy)


def test_a_gpu_that_a_container_sees_is_good(engine: FakeEngine, gpu: Gpu) -> None:
    engine.becomes(inside=json.dumps({"version": "2.21.0", "gpus": [["NVIDIA A100", [8, 0]]], "kernels": KERNELS}))

    (found,) = tensorflow.inside("sha256:1", gpu, by_cdi=[])

    assert (found.state, found.found) == ("good", "TensorFlow 2.21.0 sees NVIDIA A100")
    assert engine.calls("run")[0][-6:-2] == ["--gpus", "device=GPU-1", "sha256:1", "python"]


def test_a_gpu_that_the_engine_lists_is_asked_for_by_cdi(engine: FakeEngine, gpu: Gpu) -> None:
    engine.becomes(inside=json.dumps({"version": "2.21.0", "gpus": [["NVIDIA B200", [10, 0]]], "kernels": KERNELS}))

    _, kernels = tensorflow.inside("sha256:1", gpu, by_cdi=["nvidia.com/gpu=GPU-1"])

    assert kernels.state == "unfit"
    assert engine.calls("run")[0][-6:-3] == ["--device", "nvidia.com/gpu=GPU-1", "sha256:1"]


def test_a_container_that_sees_none_is_told_with_a_way_to_look(engine: FakeEngine, gpu: Gpu) -> None:
    engine.becomes(inside=json.dumps({"version": "2.21.0", "gpus": [], "kernels": KERNELS}))

    (found,) = tensorflow.inside("sha256:1", gpu, by_cdi=[])

    assert found.state == "missing"
    assert "--gpus device=GPU-1 sha256:1" in str(found.remedy)


def test_an_engine_that_can_give_no_gpu_is_quoted(engine: FakeEngine, gpu: Gpu) -> None:
    engine.becomes(answers=False)

    (found,) = tensorflow.inside("sha256:1", gpu, by_cdi=[])

    assert found.state == "missing"
    assert "docker" in found.found


@pytest.mark.docker
def test_a_real_engine_without_a_toolkit_says_that_it_can_give_none(current_image: str, gpu: Gpu) -> None:
    (found,) = tensorflow.inside(current_image, gpu, by_cdi=[])

    assert found.state == "missing"
    assert "could not select device driver" in found.found
