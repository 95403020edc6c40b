"""Settings that cost time: allowed, and said before anything runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.matrix_schema import Document, Protocol

if TYPE_CHECKING:
    from harness.placement.container_choice import Intent
    from harness.placement.executor_choice import Local

# Seconds of an epoch over those with the setting's default, MobileNetV2 fine-tuned on two cores of two kinds of CPU
# (benchmarks/perf/test_settings.py).
_JIT_TIMES = "4 to 6"
_PRECISION_TIMES = {"mixed_bfloat16": "1.3 to 2.4"}


def cautions(matrix: Document, where: Intent | Local) -> list[str]:
    """Return a line for each setting that makes the cells of ``matrix`` slower where they are to run."""
    lines = [] if matrix.device == "gpu" else _on_cpu(matrix.protocol)
    # GPUs are looked for only where there is something to say.
    return [*_everywhere(matrix), *(lines if lines and where.trains_on_cpu else [])]


def _everywhere(matrix: Document) -> Iterator[str]:
    if matrix.protocol.augments and any(backbone.train != "all" for backbone in matrix.backbones.values()):
        yield (
            "protocol.augmentation: training images change from epoch to epoch, so frozen layers run on all of them in "
            "each; kept activations serve for scoring alone"
        )


def _on_cpu(protocol: Protocol) -> list[str]:
    """Return a line for each setting of ``protocol`` that was measured to make epochs on a CPU slower."""
    return [
        f"{setting}: on a CPU epochs of a fine-tuned MobileNetV2 took {times} times as long with it; "
        f"write {better} unless the cells train on a GPU"
        for setting, times, better in _slow(protocol)
    ]


def _slow(protocol: Protocol) -> Iterator[tuple[str, str, str]]:
    if protocol.jit:
        yield "protocol.jit = true", _JIT_TIMES, "jit = false"
    if protocol.precision in _PRECISION_TIMES:
        times = _PRECISION_TIMES[protocol.precision]
        yield f'protocol.precision = "{protocol.precision}"', times, 'precision = "float32"'
