"""``harness doctor``: what this machine can and can't do, and the remedy.

Nothing that it finds is an error: a machine without a GPU or an engine runs searches too, so the exit code is 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from harness import container_images
from harness.cli import printing, streams
from harness.cli.doctor import containers, gpus, machine, tensorflow
from harness.cli.doctor.containers import Engine
from harness.cli.doctor.findings import Finding
from harness.errors import EngineError, ImagesError
from harness.meters import nvml
from harness.meters.nvml import Found
from harness.reports.report_types import TableSection

__all__ = ["Finding", "examine", "show"]


def show(*, cache: Path, file: Path, as_json: bool) -> None:
    """Print every finding; ``file`` declares the images."""
    findings = list(examine(cache, file=file))
    if as_json:
        streams.document([asdict(finding) for finding in findings])
        return
    columns = ["what", "state", "found", "remedy"]
    rows = [[finding.what, finding.state, finding.found, finding.remedy or ""] for finding in findings]
    printing.table(TableSection(heading="", columns=columns, rows=rows, text_columns=len(columns)))


def examine(cache: Path, *, file: Path) -> Iterator[Finding]:
    """Yield what is found, the cheap checks first; what hangs on something that is missing is left out."""
    with ThreadPoolExecutor(max_workers=1) as aside:
        # What takes longest is asked first, and waits in a process of its own.
        answers = aside.submit(lambda: list(tensorflow.here()))
        yield from machine.examine(cache)
        found = nvml.find()
        yield from gpus.examine(found)
        yield from gpus.program(found)
        reached = containers.reach()
        if isinstance(reached, Finding):
            yield reached
        else:
            yield from _in_containers(reached, found, file=file)
        yield from answers.result()


def _in_containers(reached: Engine, found: Found, *, file: Path) -> Iterator[Finding]:
    yield from containers.examine(reached, file=file, gpus=found.gpus)
    if not found.gpus:
        return
    yield gpus.toolkit()
    yield containers.cdi(reached, found.gpus)
    image = _gpu_image(file)
    if image is not None:
        yield from tensorflow.inside(image, found.gpus[0], by_cdi=reached.cdi)


def _gpu_image(file: Path) -> str | None:
    """Return the id of the GPU image; None where there is none, which its own finding says."""
    try:
        held = container_images.held(image for image in container_images.load(file) if image.target == "gpu")
    except (EngineError, ImagesError):
        return None
    return next((one.id for one in held if one.id is not None), None)
