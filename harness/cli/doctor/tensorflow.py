"""What TensorFlow sees, asked in processes of their own: the host part never imports it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.cli.doctor.findings import Finding, ask
from harness.compute_capability import objection
from harness.container_images import engine
from harness.errors import EngineError
from harness.meters.nvml import Gpu

# It looks for no garbage among what it imports and isn't taken apart in order: both cost most of a second.
PROGRAM = """\
import gc, json, os
from importlib import metadata
gc.disable()
import tensorflow as tf
details = [tf.config.experimental.get_device_details(gpu) for gpu in tf.config.list_physical_devices("GPU")]
print(json.dumps({
    "version": tf.__version__,
    "gpus": [[one.get("device_name", "a GPU"), one.get("compute_capability")] for one in details],
    "cudnn": next((one.version for one in metadata.distributions(name="nvidia-cudnn-cu12")), None),
    "kernels": list(tf.sysconfig.get_build_info().get("cuda_compute_capabilities", [])),
}), flush=True)
os._exit(0)
"""
_SETUP = "make setup, or pip install 'tuner-harness[cpu]'"


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorflowAnswer:
    """What the program prints: each GPU's name and compute capability, and what the build has code for."""

    version: str
    gpus: list[tuple[str, tuple[int, int] | None]]
    kernels: list[str]
    cudnn: str | None = None


def here() -> Iterator[Finding]:
    """Yield what TensorFlow in this Python sees, and each GPU that it has no kernels for."""
    asked = ask([sys.executable, "-c", PROGRAM])
    if asked is None or asked.returncode != 0:
        last = [] if asked is None else asked.stderr.strip().splitlines()[-1:]
        yield Finding(what="TensorFlow", state="missing", found=last[0] if last else "no answer", remedy=_SETUP)
        return
    answer = _answer(asked.stdout)
    seen, found = len(answer.gpus), answer.version
    if not seen:
        remedy = "local searches run on the CPU; with a GPU: pip install 'tuner-harness[gpu]'"
        yield Finding(what="TensorFlow", state="good", found=f"{found}, sees no GPU", remedy=remedy)
        return
    yield Finding(what="TensorFlow", state="good", found=f"{found}, sees {seen} GPU{'s' if seen > 1 else ''}")
    yield from uncovered("TensorFlow", answer)


def inside(image: str, gpu: Gpu, *, by_cdi: Sequence[str]) -> Iterator[Finding]:
    """Yield what TensorFlow sees in a container of ``image`` that is given ``gpu``."""
    what = "GPU in a container"
    name = f"nvidia.com/gpu={gpu.uuid}"
    devices = ["--device", name] if name in by_cdi else ["--gpus", f"device={gpu.uuid}"]
    try:
        answer = _answer(engine.run_inside(image, ["python", "-c", PROGRAM], given="", devices=devices))
    except EngineError as error:
        remedy = "install the container toolkit and restart the engine: docs/gpu-host.md"
        yield Finding(what=what, state="missing", found=str(error), remedy=remedy)
        return
    if not answer.gpus:
        remedy = f"see what TensorFlow says: docker run --rm {' '.join(devices)} {image} python -c 'import tensorflow'"
        yield Finding(what=what, state="missing", found="the container starts, TensorFlow sees no GPU", remedy=remedy)
        return
    yield Finding(what=what, state="good", found=f"TensorFlow {answer.version} sees {answer.gpus[0][0]}")
    yield from uncovered(what, answer)


def uncovered(what: str, answer: TensorflowAnswer) -> Iterator[Finding]:
    """Yield each GPU that this TensorFlow, or its cuDNN, has no code for."""
    for name, told in answer.gpus:
        capability = None if told is None else (told[0], told[1])
        why = objection(answer.kernels, capability, cudnn=answer.cudnn)
        if why is not None and capability is not None:
            lacks, _, remedy = why.partition("; ")
            found = f"{name} has compute capability {capability[0]}.{capability[1]}, and {lacks}"
            remedy = f"{remedy}, or hide it with CUDA_VISIBLE_DEVICES"
            yield Finding(what=f"{what}: kernels", state="unfit", found=found, remedy=remedy)


def _answer(text: str) -> TensorflowAnswer:
    # Libraries print what they please before it.
    return TensorflowAnswer(**json.loads(text.strip().splitlines()[-1]))
