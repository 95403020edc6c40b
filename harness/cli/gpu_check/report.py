"""The report: one file to attach, for people above and for programs at its end."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from harness import __version__, environment
from harness.cli.gpu_check.checking import CheckResult
from harness.meters.nvml import Gpu


def summary(results: Sequence[CheckResult]) -> str:
    """Return how many checks went how."""
    counts = Counter(str(result.state) for result in results)
    return ", ".join(f"{number} {state}" for state, number in counts.items())


def markdown(results: Sequence[CheckResult], *, gpus: Sequence[Gpu]) -> str:
    """Return the whole report."""
    facts = {
        "harness": __version__,
        "sources": environment.sources_hash(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": environment.facts(),
        "gpus": [{**gpu.facts, "memory_bytes": gpu.memory_bytes().value} for gpu in gpus],
    }
    document = {**facts, "checks": [asdict(result) for result in results]}
    names = ", ".join(gpu.name for gpu in gpus)
    parts = [
        "# GPU check",
        f"{summary(results)} · {names} · driver {gpus[0].driver} · harness {__version__}",
        "\n".join(_table(results)),
        *_said(results),
        "## For programs",
        f"```json\n{json.dumps(document, indent=1, default=str)}\n```",
    ]
    return "\n\n".join(parts) + "\n"


def _table(results: Sequence[CheckResult]) -> Iterator[str]:
    yield "| check | | found | s |"
    yield "|---|---|---|---|"
    for one in results:
        found = " ".join(one.found.replace("|", "\\|").split())
        yield f"| {one.what} | {one.state} | {found} | {one.took_s:.0f} |"


def _said(results: Sequence[CheckResult]) -> Iterator[str]:
    for one in results:
        if one.said:
            yield f"## What was said: {one.what}"
            yield "```\n" + one.said.replace("```", "'''") + "\n```"
