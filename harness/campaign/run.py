"""A whole run of a matrix: where, what, in which waves, and what it came to."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from harness import analysis, cache_inventory, result_stores
from harness.campaign import (
    forecast_totals,
    learning_rate_retrainings,
    matrix_resolution,
    mixed_environments,
    results_folder_collisions,
)
from harness.campaign.cell_searches import is_pending
from harness.campaign.events import Remark, State, Unreachable, Watch, ignore
from harness.campaign.folder_holding import held, known_in
from harness.campaign.forecast import GrowingRates
from harness.campaign.forecast_totals import Total
from harness.campaign.limits import NONE, Limits
from harness.campaign.matrix_resolution import Resolution
from harness.campaign.runs_at_work import Presence
from harness.campaign.sending import Sender
from harness.campaign.slow_setting_warnings import cautions
from harness.campaign.time_left import Outlook
from harness.campaign.wave_runner import Runner
from harness.cells import Cell
from harness.environment import Identity
from harness.errors import UserError
from harness.executors import WHOLE, Devices, Slot
from harness.matrix import Matrix
from harness.placement import required_libraries
from harness.placement.executor_choice import Here, Where
from harness.prices import Prices
from harness.results_folder import MatrixFolder

Clock = Callable[[], float]
Resolve = Callable[[Matrix, Identity], Resolution]
"""What makes cells of a matrix, for workers of this identity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked of a run besides its matrix.

    Attributes:
        results: Folder that results go into, one folder for each matrix.
        cache: Folder for downloads, decoded images and activations; it exists.
        where: Where cells run.
        prices: What a machine's hour costs.
        limits: What the run may take.
        retry_failed: Whether cells that ended in failure are searched anew.
        mix_environments: Whether cells may run beside records of an unlike environment.
        share: Whether other runs, of this machine or others, may be at the same matrix in the same folder.
        replay_slots: What searches that replay recorded curves run on, many to a process.
    """

    results: Path
    cache: Path
    where: Where
    prices: Prices
    limits: Limits = NONE
    retry_failed: bool = False
    mix_environments: bool = False
    share: bool = False
    replay_slots: Sequence[Slot] = (WHOLE,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """Cells that the limits left for a later run, of so many ``wanted``, and what these are forecast to take.

    ``too_long_h`` are the hours of the longest of them where it alone would not fit into the same limits; else None.
    """

    cells: tuple[Cell, ...]
    wanted: int
    total: Total
    too_long_h: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What became of a run.

    Attributes:
        matrix: What was asked for.
        path: The folder of its results.
        states: How many cells ended how, those of earlier runs included.
        unreachable: A line for each reason why cells can't run on this machine.
        left: What the limits left for a later run; None where nothing.
        unsent: Why the store that results go into has not all of them; None where it has, or they go into a folder.
    """

    matrix: Matrix
    path: Path
    states: Mapping[State, int]
    unreachable: tuple[str, ...] = ()
    left: Leftover | None = None
    unsent: str | None = None


def run(
    matrix: Matrix,
    request: Request,
    *,
    watch: Watch = ignore,
    clock: Clock = time.monotonic,
    resolve: Resolve | None = None,
) -> Run:
    """Run what is missing of a matrix; ``resolve`` says which cells those are, where it isn't the matrix alone.

    Raises:
        UserError: The request, its data or its weights can't be followed as asked.
        MachineError: The machine can't run it; says the way out.
        ResultsError: The folder is another run's, or holds searches of another environment.
    """
    # Before an image is built or data are fetched, which the user waits, and may pay, for too.
    began = clock()
    folder = MatrixFolder(request.results / matrix.name)
    sender = Sender(store=result_stores.of(request.results), folder=folder, watch=watch)
    _check_sharing(request, sender)
    with (
        held(Presence(folder=folder, is_alone=not request.share, clock=clock), watch=watch) as presence,
        known_in(None if sender.store is None else sender.store.board(matrix.name), presence, watch=watch),
        cache_inventory.used(request.cache),
        _place(matrix, request, presence, watch) as here,
    ):
        sender.fetch()
        _check_priced(request.limits, here)
        allowance = request.limits.allowance(here.slots, request.prices, began=began, clock=clock)
        identity = here.executor.identity()
        cells = _named(matrix, request, identity) if resolve is None else resolve(matrix, identity)
        resolved = _checked(cells, matrix, request, folder=folder, here=here, watch=watch)
        unreachable = resolved.why_unreachable
        if not resolved.cells:
            return Run(matrix=matrix, path=folder.path, states={}, unreachable=unreachable)
        presence.plans([cell.id for cell in resolved.cells])
        expected = GrowingRates(request.results, price_list=request.prices)
        runner = Runner(
            folder=folder,
            executor=here.executor,
            cache=request.cache,
            watch=sender,
            slots=here.slots,
            allowance=allowance,
            forecast_s=expected.seconds,
            outlook=Outlook(lambda: expected.rates, slots=len(here.slots), clock=clock),
            presence=presence,
            folder_gib=matrix.spec.container.folder_gib,
            replay_slots=request.replay_slots,
        )
        states = _waves(runner, resolved, retry_failed=request.retry_failed)
        left = _leftover(runner, resolved, expected, request) if states[State.LEFT] else None
        unsent = sender.finish()
        return Run(matrix=matrix, path=folder.path, states=states, unreachable=unreachable, left=left, unsent=unsent)


def _check_sharing(request: Request, sender: Sender) -> None:
    if request.share and request.retry_failed:
        raise UserError("--share: one run repeats failed cells alone; leave --share or --retry-failed out")
    if request.share and sender.store is not None:
        raise UserError(f"--share: hosts share a folder that all of them see, not {sender.store.url}; leave one out")


@contextmanager
def _place(matrix: Matrix, request: Request, presence: Presence, watch: Watch) -> Iterator[Here]:
    def remark(line: str) -> None:
        watch(Remark(text=line))

    where = replace(request.where, max_hours=request.limits.max_hours)
    with where.in_image_of(matrix.spec.container).working(
        # What a killed run left at work is found by this: of runs that share a folder, each has its own.
        campaign=presence.folder.path if presence.is_alone else presence.path,
        container=matrix.spec.container,
        device=matrix.spec.device,
        admit=partial(required_libraries.check, matrix),
        say=remark,
    ) as here:
        for line in cautions(matrix.spec, here.intent):
            remark(line)
        yield here


def _check_priced(limits: Limits, here: Here) -> None:
    """Refuse a limit in dollars where cells run on machines that nobody knows before they have run."""
    if limits.max_cost is not None and here.executor.devices is Devices.ELSEWHERE:
        raise UserError(
            f"--max-cost: --executor {here.executor.name} has machines whose price isn't known before they have run; "
            "say how long (--max-hours), or what each search may cost (budget.cost_usd)"
        )


def _named(matrix: Matrix, request: Request, identity: Identity) -> Resolution:
    return matrix_resolution.resolve(matrix, cache=request.cache, results=request.results, identity=identity)


def _checked(
    resolved: Resolution, matrix: Matrix, request: Request, *, folder: MatrixFolder, here: Here, watch: Watch
) -> Resolution:
    """Return the cells; refuse what would waste compute, and tell what can't run or takes another file's place."""
    if resolved.unreachable:
        watch(Unreachable(reasons=resolved.why_unreachable))
    if resolved.cells and not request.mix_environments:
        alike = mixed_environments.expected(here.intent, here.executor)
        mixed_environments.check(resolved.cells, folder, here=alike, retry_failed=request.retry_failed)
    for line in results_folder_collisions.of_run(folder, resolved.planned, matrix.path) if resolved.cells else ():
        watch(Remark(text=line))
    return resolved


def _waves(runner: Runner, resolved: Resolution, *, retry_failed: bool) -> Counter[State]:
    """Search every cell, then retrain the best configurations at multiples of their learning rates.

    Where the allowance left searches for a later run, nothing is retrained: one of them may find something better.
    """
    folder, outlook = runner.folder, runner.outlook
    # Retrainings of an earlier run stay planned while this one is under way.
    _plan_retrainings(resolved, folder)
    if any(cell.curves is None for cell in resolved.cells):
        outlook.expects(_pending(_wanted(resolved, folder), folder, retry_failed=retry_failed))
    states = runner.run(resolved.cells, retry_failed=retry_failed)
    planned = _plan_retrainings(resolved, folder)
    if states[State.LEFT] or not planned:
        return states
    outlook.expects(_pending(planned, folder, retry_failed=retry_failed))
    return states + runner.run(planned, retry_failed=retry_failed)


def _plan_retrainings(resolved: Resolution, folder: MatrixFolder) -> list[Cell]:
    """Write the plan, with the retrainings that the records so far ask for; return these."""
    folder.write_plan(resolved.planned, matrix=resolved.matrix)
    found = learning_rate_retrainings.cells(resolved.cells, _results(resolved, folder))
    lines = [matrix_resolution.planned(cell, role="learning_rate", parent_group=group) for cell, group in found]
    if lines:
        folder.write_plan([*resolved.planned, *lines], matrix=resolved.matrix)
    return [cell for cell, _ in found]


def _wanted(resolved: Resolution, folder: MatrixFolder) -> list[Cell]:
    """Return every cell of the matrix once, with the retrainings that follow."""
    ahead = learning_rate_retrainings.ahead(resolved.cells, _results(resolved, folder))
    return list({cell.id: cell for cell in [*resolved.cells, *ahead]}.values())


def _results(resolved: Resolution, folder: MatrixFolder) -> analysis.MatrixResults:
    """Return what was found, where retrainings hang on it: reading it all takes a while."""
    asked = any(cell.protocol.learning_rate_factors for cell in resolved.cells)
    return analysis.read(folder) if asked else analysis.MatrixResults(cells=())


def _pending(cells: Sequence[Cell], folder: MatrixFolder, *, retry_failed: bool) -> list[Cell]:
    return [cell for cell in cells if is_pending(folder.cell(cell.id), retry_failed=retry_failed)]


def _leftover(runner: Runner, resolved: Resolution, expected: GrowingRates, request: Request) -> Leftover:
    wanted = _wanted(resolved, runner.folder)
    cells = _pending(wanted, runner.folder, retry_failed=request.retry_failed)
    known = (seconds for cell in cells if (seconds := runner.forecast_s(cell)) is not None)
    longest_s = max(known, default=0.0)
    return Leftover(
        cells=tuple(cells),
        wanted=len(wanted),
        total=forecast_totals.total(cells, expected.rates),
        too_long_h=None if longest_s < runner.allowance.whole_s else longest_s / 3600,
    )
