"""``harness record`` and ``harness replay``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from harness.api import curves
from harness.campaign.curve_recording import Recorded
from harness.campaign.curve_replay import Thinking
from harness.campaign.events import State
from harness.campaign.run import Run
from harness.cli import exit_codes, missing_cells, printing, run_command, streams
from harness.cli.output_options import Voice
from harness.cli.progress import watcher
from harness.cli.run_command import RunOptions
from harness.results_folder import MatrixFolder

_MOST_DIFFERENCES = 20


def recorded(found: Recorded) -> int:
    """Say where the tables of a recording are; return the exit code."""
    for table in found.tables:
        printing.say(f"table: {table}")
    _say_missing(found.run)
    return run_command.exit_code(found.run)


def replay(
    tables: Sequence[Path],
    *,
    matrix: Path | None,
    results: Path,
    seeds: int | None,
    thinking: Thinking,
    at_once: int | None,
    voice: Voice,
) -> int:
    """Search recorded curves, and write tables, pictures and page as of any run."""
    with watcher("replay", voice=voice) as watch:
        ran = curves.replay(
            tables, matrix=matrix, results=results, seeds=seeds, thinking=thinking, at_once=at_once, watch=watch
        )
    code = run_command.exit_code(ran)
    document = run_command.written(ran, RunOptions(voice=voice), exit_code=code)
    _say_missing(ran)
    if voice.is_json:
        streams.document(document())
    return code


def check(tables: Sequence[Path], real: Path, *, at_once: int | None, voice: Voice) -> int:
    """Replay real searches, print how they agree, and return the exit code."""
    with watcher("replay", voice=voice) as watch:
        found = curves.check(tables, real, at_once=at_once, watch=watch)
    code = exit_codes.OK if found.agrees else exit_codes.WORSE
    if voice.is_json:
        told = {"agrees": found.agrees, "tuners": [asdict(each) for each in found.tuners]}
        streams.document({**told, "differences": list(found.differences), "exit_code": code})
        return code
    printing.table(found.section)
    for line in found.differences[:_MOST_DIFFERENCES]:
        printing.say(line)
    printing.say("replays agree with the real searches" if found.agrees else "replays differ from the real searches")
    return code


def _say_missing(ran: Run) -> None:
    if ran.states.get(State.MISSING) or ran.unreachable:
        missing_cells.say(ran.unreachable or missing_cells.without_record(MatrixFolder(ran.path)))
    if ran.left is not None:
        streams.say(f"{len(ran.left.cells)} of {ran.left.wanted} are left for a later call", sys.stderr)
