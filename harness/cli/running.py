"""``harness run``."""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness import analysis, matrix
from harness.campaign import learning_rates, resolution
from harness.campaign.running import Runner, only_one
from harness.campaign.watching import State
from harness.cells import Cell
from harness.cli import exits, places, reporting
from harness.cli.executors import Where
from harness.cli.reporting import Figures
from harness.cli.watchers import watcher
from harness.plans import MatrixFolder


def run(
    path: Path, *, results: Path, cache: Path, where: Where, retry_failed: bool, mix_environments: bool = False
) -> int:
    """Run what is missing of a matrix, write its tables and print them; return the exit code."""
    reporting.check_installed()
    loaded = matrix.load(path)
    folder = MatrixFolder(results / loaded.name)
    cache = places.cache_folder(cache)
    with (
        only_one(folder),
        _saying_what_is_kept(folder, path, [*_unless_default(results, cache), *where.options]),
        where.working(campaign=folder.path, container=loaded.spec.container, device=loaded.spec.device) as here,
    ):
        resolved = resolution.resolve(loaded, cache=cache, identity=here.executor.identity())
        with watcher(loaded.name) as watching:
            runner = Runner(folder=folder, executor=here.executor, cache=cache, watcher=watching, slots=here.slots)
            states = _waves(runner, resolved, folder, retry_failed=retry_failed)
        reporting.write(path, results=results, figures=Figures(), mix_environments=mix_environments)
        return _exit_code(states, missing=len(resolved.unreachable))


def _waves(
    runner: Runner, resolved: resolution.Resolution, folder: MatrixFolder, *, retry_failed: bool
) -> Counter[State]:
    """Search every cell, then retrain the best configurations at multiples of their learning rates."""
    # Retrainings of an earlier run stay planned while this one is under way.
    _plan_retrainings(resolved, folder)
    states = runner.run(resolved.cells, retry_failed=retry_failed)
    retrainings = _plan_retrainings(resolved, folder)
    return states + runner.run(retrainings, retry_failed=retry_failed) if retrainings else states


def _plan_retrainings(resolved: resolution.Resolution, folder: MatrixFolder) -> list[Cell]:
    """Write the plan, with the retrainings that the records so far ask for; return these."""
    folder.write_plan(resolved.planned)
    found = learning_rates.cells(resolved.cells, analysis.read(folder))
    lines = [resolution.planned(cell, role="learning_rate", parent_group=group) for cell, group in found]
    if lines:
        folder.write_plan([*resolved.planned, *lines])
    return [cell for cell, _ in found]


def _exit_code(states: Counter[State], *, missing: int) -> int:
    if missing or states[State.MISSING]:
        return exits.SOME_MISSING
    return exits.SOME_FAILED if states[State.FAILED] else exits.OK


@contextmanager
def _saying_what_is_kept(folder: MatrixFolder, path: Path, options: list[str]) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        _say_what_is_kept(folder, ["harness", "run", str(path), *options])
        raise


def _unless_default(results: Path, cache: Path) -> list[str]:
    given = [] if results == places.RESULTS else ["--results", str(results)]
    return given if cache == places.default_cache().absolute() else [*given, "--cache", str(cache)]


def _say_what_is_kept(folder: MatrixFolder, again: list[str]) -> None:
    kept = sum(folder.cell(cell_id).record() is not None for cell_id in folder.cell_ids())
    trials = sum(len(folder.cell(i).trials()) for i in folder.cell_ids() if folder.cell(i).record() is None)
    sys.stderr.write(
        f"interrupted: {kept} finished cells and {trials} trials of unfinished ones are kept in {folder.path}; "
        f"go on with: {shlex.join(again)}\n"
    )
