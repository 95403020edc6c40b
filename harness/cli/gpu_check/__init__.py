"""``harness doctor --gpu-check``: what was never run on a GPU, run on this one, and a report of it to attach."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from harness.cli import exit_codes, printing, streams
from harness.cli.gpu_check import report
from harness.cli.gpu_check.checking import Check, CheckResult, CheckState, carried_out
from harness.cli.gpu_check.checks import CHECKS
from harness.cli.gpu_check.gpu_host import GpuHost, Host
from harness.errors import MachineError
from harness.meters import nvml

__all__ = ["CHECKS", "TOTAL_S", "show"]

DEFAULT = Path("gpu-check.md")
TOTAL_S = 600.0
"""Seconds that all checks together may take; those that the time doesn't suffice for aren't begun."""

Make = Callable[[Path], Host]


def show(
    output: Path, *, file: Path, as_json: bool, checks: Sequence[Check] = CHECKS, make: Callable[..., Host] = GpuHost
) -> int:
    """Run every check, say how each went, and write the report to ``output``; return 3 where one failed, else 0.

    Raises:
        MachineError: There is no GPU here, or the report can't be written.
    """
    found = nvml.find()
    if not found.gpus:
        raise MachineError(f"gpu-check: no GPU here ({found.reason}); docs/gpu-host.md says how to set one up")
    _refuse_unwritable(output)
    with tempfile.TemporaryDirectory(prefix="gpu-check-") as folder:
        host = make(folder=Path(folder), gpus=found.gpus, images=file)
        results = carried_out(checks, host, total_s=TOTAL_S, clock=time.monotonic, say=_quiet if as_json else _say)
    output.write_text(report.markdown(results, gpus=found.gpus), "utf-8")
    if as_json:
        streams.document([asdict(result) for result in results])
    else:
        printing.say(f"{report.summary(results)}; report: {output}")
    return exit_codes.SOME_FAILED if any(one.state is CheckState.FAILED for one in results) else exit_codes.OK


def _refuse_unwritable(output: Path) -> None:
    """Begin the report before minutes go into it."""
    try:
        output.write_text("# GPU check\n\nnot done yet\n", "utf-8")
    except OSError as error:
        raise MachineError(f"{output}: the report can't be written ({error.strerror}); choose --output") from error


def _say(result: CheckResult) -> None:
    printing.say(f"{result.state:<13}  {result.what}: {result.found}")


def _quiet(_: CheckResult) -> None:
    return None
