"""``harness run``."""

from __future__ import annotations

import shlex
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from harness import analysis, caches, matrix, prices
from harness.campaign import learning_rates, resolution, totals
from harness.campaign.forecast import GrowingRates
from harness.campaign.outlook import Outlook
from harness.campaign.running import Runner, only_one
from harness.campaign.searching import is_pending
from harness.campaign.watching import State
from harness.cells import Cell
from harness.cli import exits, forecasts, libraries, missing, mixing, places, reporting, streams, takeover
from harness.cli.allowing import NONE, Limits
from harness.cli.cautions import cautions
from harness.cli.executors import Where
from harness.cli.reporting import Figures
from harness.cli.voice import ALOUD, Voice
from harness.cli.watchers import watcher
from harness.errors import ResultsError
from harness.plans import MatrixFolder
from harness.records import CellFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What of a run is up to its user."""

    retry_failed: bool = False
    mix_environments: bool = False
    limits: Limits = NONE
    prices: Path | None = None
    voice: Voice = ALOUD

    @property
    def options(self) -> list[str]:
        """The options that ask for the same; a limit is a new allowance each time."""
        flags = (("--retry-failed", self.retry_failed), ("--mix-environments", self.mix_environments))
        prices = [] if self.prices is None else ["--prices", str(self.prices)]
        return [*(name for name, is_given in flags if is_given), *self.limits.options, *prices, *self.voice.options]


def run(
    path: Path,
    *,
    results: Path,
    cache: Path,
    where: Where,
    asked: Asked,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Run what is missing of a matrix, write its tables and print them; return the exit code."""
    # Before an image is built or data are fetched, which the user waits, and may pay, for too.
    began = clock()
    reporting.check_installed()
    loaded, price_list = matrix.load(path), prices.load(asked.prices)
    folder = MatrixFolder(results / loaded.name)
    cache = places.cache_folder(cache)
    again = ["harness", "run", str(path), *_unless_default(results, cache), *where.options, *asked.options]
    with (
        only_one(folder),
        caches.used(cache),
        _saying_what_is_kept(folder, again),
        where.working(
            campaign=folder.path,
            container=loaded.spec.container,
            device=loaded.spec.device,
            admit=partial(libraries.check, loaded),
            say=asked.voice.remark,
        ) as here,
    ):
        for line in cautions(loaded.spec, here.intent):
            asked.voice.remark(line)
        allowance = asked.limits.allowance(here.slots, price_list, began=began, clock=clock)
        resolved = resolution.resolve(loaded, cache=cache, results=results, identity=here.executor.identity())
        unreachable = missing.out_of_reach(resolved)
        missing.say(unreachable)
        if not resolved.cells:
            if asked.voice.is_json:
                streams.document(reporting.nothing(folder, exit_code=exits.SOME_MISSING))
            return exits.SOME_MISSING
        if not asked.mix_environments:
            alike = mixing.expected(here.intent, here.executor)
            mixing.check(resolved.cells, folder, here=alike, retry_failed=asked.retry_failed)
        for line in takeover.of_run(folder, resolved.planned, path):
            asked.voice.remark(line)
        expected = GrowingRates(results, price_list=price_list)
        outlook = Outlook(lambda: expected.rates, slots=len(here.slots), clock=clock)
        with watcher(loaded.name, voice=asked.voice, outlook=outlook) as watching:
            runner = Runner(
                folder=folder,
                executor=here.executor,
                cache=cache,
                watcher=watching,
                slots=here.slots,
                allowance=allowance,
                forecast_s=expected.seconds,
            )
            states = _waves(runner, resolved, outlook, retry_failed=asked.retry_failed)
        code = _exit_code(states, missing=len(resolved.unreachable))
        document = _written(path, folder, asked, exit_code=code)
        if states[State.LEFT]:
            _say_what_is_left(_wanted(resolved, folder), runner, asked, expected, again)
        else:
            missing.say(unreachable if folder.has_records else missing.without_record(folder))
        if asked.voice.is_json:
            streams.document(document())
        return code


def _written(path: Path, folder: MatrixFolder, asked: Asked, *, exit_code: int) -> Callable[[], dict[str, Any]]:
    """Write tables, pictures and page, unless they would be of nothing; return what makes the document for programs."""
    if not folder.has_records:
        return partial(reporting.nothing, folder, exit_code=exit_code)
    figures, mix = Figures(prices=asked.prices), asked.mix_environments
    results = folder.path.parent
    written = reporting.write(path, results=results, figures=figures, mix_environments=mix, voice=asked.voice)
    return partial(written.document, exit_code=exit_code)


def _waves(runner: Runner, resolved: resolution.Resolution, outlook: Outlook, *, retry_failed: bool) -> Counter[State]:
    """Search every cell, then retrain the best configurations at multiples of their learning rates.

    Where the allowance left searches for a later run, nothing is retrained: one of them may find something better.
    """
    folder = runner.folder
    # Retrainings of an earlier run stay planned while this one is under way.
    _plan_retrainings(resolved, folder)
    outlook.expects(_pending(_wanted(resolved, folder), folder, retry_failed=retry_failed))
    states = runner.run(resolved.cells, retry_failed=retry_failed)
    retrainings = _plan_retrainings(resolved, folder)
    if states[State.LEFT] or not retrainings:
        return states
    outlook.expects(_pending(retrainings, folder, retry_failed=retry_failed))
    return states + runner.run(retrainings, retry_failed=retry_failed)


def _plan_retrainings(resolved: resolution.Resolution, folder: MatrixFolder) -> list[Cell]:
    """Write the plan, with the retrainings that the records so far ask for; return these."""
    folder.write_plan(resolved.planned, matrix=resolved.matrix)
    found = learning_rates.cells(resolved.cells, analysis.read(folder))
    lines = [resolution.planned(cell, role="learning_rate", parent_group=group) for cell, group in found]
    if lines:
        folder.write_plan([*resolved.planned, *lines], matrix=resolved.matrix)
    return [cell for cell, _ in found]


def _wanted(resolved: resolution.Resolution, folder: MatrixFolder) -> list[Cell]:
    """Return every cell of the matrix once, with the retrainings that follow."""
    ahead = learning_rates.ahead(resolved.cells, analysis.read(folder))
    return list({cell.id: cell for cell in [*resolved.cells, *ahead]}.values())


def _pending(cells: Sequence[Cell], folder: MatrixFolder, *, retry_failed: bool) -> list[Cell]:
    return [cell for cell in cells if is_pending(folder.cell(cell.id), retry_failed=retry_failed)]


def _exit_code(states: Counter[State], *, missing: int) -> int:
    if states[State.LEFT]:
        return exits.LIMIT_REACHED
    if missing or states[State.MISSING]:
        return exits.SOME_MISSING
    return exits.SOME_FAILED if states[State.FAILED] else exits.OK


@contextmanager
def _saying_what_is_kept(folder: MatrixFolder, again: list[str]) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        _say_what_is_kept(folder, again)
        raise


def _say_what_is_left(
    wanted: Sequence[Cell], runner: Runner, asked: Asked, expected: GrowingRates, again: list[str]
) -> None:
    left = _pending(wanted, runner.folder, retry_failed=asked.retry_failed)
    total = totals.total(left, expected.rates)
    streams.say(
        f"stopped before {asked.limits}: {len(wanted) - len(left)} of {len(wanted)} cells are done and kept; "
        f"left: {len(left)}, {forecasts.told(total)}; {_advice(left, runner)}go on with: {shlex.join(again)}",
        sys.stderr,
    )


def _advice(left: Sequence[Cell], runner: Runner) -> str:
    """Return what to do before the same command goes on; nothing where as much again is enough for each cell."""
    known = (seconds for cell in left if (seconds := runner.forecast_s(cell)) is not None)
    longest_s = max(known, default=0.0)
    if longest_s < runner.allowance.whole_s:
        return ""
    return f"raise the limit, as one cell alone is forecast to take {longest_s / 3600:.3g} hours, and "


def _unless_default(results: Path, cache: Path) -> list[str]:
    given = [] if results == places.RESULTS else ["--results", str(results)]
    return given if cache == places.default_cache().absolute() else [*given, "--cache", str(cache)]


def _say_what_is_kept(folder: MatrixFolder, again: list[str]) -> None:
    kept = sum(folder.cell(cell_id).record() is not None for cell_id in folder.cell_ids())
    trials = sum(_unfinished_trials(folder.cell(cell_id)) for cell_id in folder.cell_ids())
    streams.say(
        f"interrupted: {kept} finished cells and {trials} trials of unfinished ones are kept in {folder.path}; "
        f"go on with: {shlex.join(again)}",
        sys.stderr,
    )


def _unfinished_trials(folder: CellFolder) -> int:
    try:
        return len(folder.trials()) if folder.record() is None else 0
    except ResultsError:
        # The next run says so; a search can't go on from what can't be read.
        return 0
