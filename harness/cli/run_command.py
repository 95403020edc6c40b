"""``harness run``."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from harness import matrix, result_stores
from harness.api import given_paths, running
from harness.campaign.events import State
from harness.campaign.limits import NONE, Limits
from harness.campaign.run import Run
from harness.cli import exit_codes, forecasts, missing_cells, streams, tables_command
from harness.cli.output_options import ALOUD, Voice
from harness.cli.progress import watcher
from harness.cli.tables_command import Figures
from harness.errors import ResultsError
from harness.placement import required_libraries
from harness.placement.executor_choice import Where
from harness.records import CellFolder
from harness.results_folder import MatrixFolder
from harness.text_sanitising import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What of a run is up to its user."""

    retry_failed: bool = False
    mix_environments: bool = False
    share: bool = False
    limits: Limits = NONE
    prices: Path | None = None
    voice: Voice = ALOUD

    @property
    def options(self) -> list[str]:
        """The options that ask for the same; a limit is a new allowance each time."""
        flags = (
            ("--retry-failed", self.retry_failed),
            ("--mix-environments", self.mix_environments),
            ("--share", self.share),
        )
        prices = [] if self.prices is None else ["--prices", str(self.prices)]
        return [*(name for name, is_given in flags if is_given), *self.limits.options, *prices, *self.voice.options]


def run(
    path: Path,
    *,
    results: Path,
    cache: Path,
    where: Where,
    asked: RunOptions,
) -> int:
    """Run what is missing of a matrix, write its tables and print them; return the exit code."""
    loaded = matrix.load(path)
    if required_libraries.lacking(required_libraries.REPORTS):
        # Only here, as an engine is asked where searches would run: what they lack is told with it.
        intent = where.in_image_of(loaded.spec.container).intended(device=loaded.spec.device)
        required_libraries.check_with_reports(loaded, intent)
    cache = given_paths.cache_folder(cache)
    folder = MatrixFolder(results / loaded.name)
    again = ["harness", "run", str(path), *unless_default(results, cache), *where.options, *asked.options]
    with _saying_what_is_kept(folder, again):
        with watcher(loaded.name, voice=asked.voice) as watch:
            ended = running.run(
                loaded,
                results=results,
                cache=cache,
                executor=where.executor,
                image=where.image,
                gpus=where.gpus,
                at_once=where.at_once,
                start=where.start,
                retry_failed=asked.retry_failed,
                mix_environments=asked.mix_environments,
                share=asked.share,
                max_hours=asked.limits.max_hours,
                max_cost=asked.limits.max_cost,
                prices=asked.prices,
                watch=watch,
            )
        code = exit_code(ended)
        document = written(ended, asked, exit_code=code)
        _say_what_is_left(ended, folder, asked, again)
        if asked.voice.is_json:
            streams.document(document())
        return code


def written(ended: Run, asked: RunOptions, *, exit_code: int) -> Callable[[], dict[str, object]]:
    """Write tables, pictures and page, unless they would be of nothing; return what makes the document for programs."""
    folder = MatrixFolder(ended.path)
    if not ended.states or not folder.has_records:
        return partial(tables_command.nothing, folder, exit_code=exit_code)
    made = tables_command.write(
        ended.matrix.path,
        results=ended.path.parent,
        figures=Figures(prices=asked.prices),
        mix_environments=asked.mix_environments,
        voice=asked.voice,
    )
    return partial(made.document, exit_code=exit_code)


def exit_code(ended: Run) -> int:
    """Return what the command ends with."""
    states = ended.states
    if ended.left is not None:
        return exit_codes.LIMIT_REACHED
    if ended.unreachable or ended.unsent is not None or states.get(State.MISSING):
        return exit_codes.SOME_MISSING
    return exit_codes.SOME_FAILED if states.get(State.FAILED) else exit_codes.OK


@contextmanager
def _saying_what_is_kept(folder: MatrixFolder, again: list[str]) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        _say_what_is_kept(folder, again)
        raise


def _say_what_is_left(ended: Run, folder: MatrixFolder, asked: RunOptions, again: list[str]) -> None:
    """Say last, where it can't be overlooked, what the limits left, or which cells have no record, and why."""
    left = ended.left
    if left is None:
        # Where no cell can run at all, that was said before.
        missing_cells.say(
            []
            if not ended.states
            else ended.unreachable
            if folder.has_records
            else missing_cells.without_record(folder)
        )
        return
    done, advice = left.wanted - len(left.cells), ""
    if left.too_long_h is not None:
        advice = f"raise the limit, as one cell alone is forecast to take {left.too_long_h:.3g} hours, and "
    streams.say(
        f"stopped before {asked.limits}: {done} of {left.wanted} cells are done and kept; "
        f"left: {len(left.cells)}, {forecasts.told(left.total)}; {advice}go on with: {shlex.join(again)}",
        sys.stderr,
    )


def unless_default(results: Path, cache: Path) -> list[str]:
    """Return the options that name these folders, where they aren't those that are taken anyway."""
    given = [] if results == given_paths.RESULTS else ["--results", result_stores.named(results)]
    return given if cache == given_paths.default_cache().absolute() else [*given, "--cache", str(cache)]


def _say_what_is_kept(folder: MatrixFolder, again: list[str]) -> None:
    kept = sum(folder.cell(cell_id).is_sealed for cell_id in folder.cell_ids())
    trials = sum(_unfinished_trials(folder.cell(cell_id)) for cell_id in folder.cell_ids())
    streams.say(
        f"interrupted: {counted(kept, 'finished cell')} and {counted(trials, 'trial')} of unfinished ones "
        f"are kept in {folder.path}; "
        f"go on with: {shlex.join(again)}",
        sys.stderr,
    )


def _unfinished_trials(folder: CellFolder) -> int:
    try:
        return 0 if folder.is_sealed else len(folder.trials())
    except ResultsError:
        # The next run says so; a search can't go on from what can't be read.
        return 0
