"""``harness plan``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness import analysis, cache_inventory, matrix, prices, result_stores
from harness.api import given_paths
from harness.campaign import (
    calibration,
    forecast,
    forecast_totals,
    learning_rate_retrainings,
    matrix_resolution,
    mixed_environments,
    results_folder_collisions,
)
from harness.campaign.cell_searches import damage
from harness.campaign.forecast_totals import Total
from harness.campaign.slow_setting_warnings import cautions
from harness.catalogue import hyperband_brackets
from harness.catalogue.tuners import RETRAINING
from harness.cells import Cell
from harness.cli import exit_codes, forecasts, printing, streams
from harness.cli.output_options import Voice
from harness.cli.progress import watcher
from harness.errors import ResultsError
from harness.matrix_advice import savings
from harness.matrix_advice import spending as spendings
from harness.matrix_advice.spending import Spending
from harness.placement import required_libraries
from harness.placement.executor_choice import Local, Where
from harness.records import CellFolder
from harness.reports.report_types import TableSection
from harness.results_folder import MatrixFolder, Planned
from harness.text_sanitising import counted

if TYPE_CHECKING:
    from harness.placement.container_choice import Intent

_UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A cell as the plan shows it."""

    id: str
    dataset: str
    backbone: str
    tuner: str
    hyperparameters: str
    seed: int
    state: str
    most_epochs: int | None
    forecast_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What a run would do."""

    matrix: str
    where: str
    cells: Sequence[_Row]
    unreachable: Sequence[Planned]
    learning_rate_cells: int
    notes: Sequence[str]
    pending: int
    pending_epochs: int | None


def show(
    path: Path,
    *,
    results: Path,
    cache: Path,
    where: Where,
    prices_file: Path | None,
    as_json: bool,
    calibrate: bool,
    budget: str | None,
) -> int:
    """Print the cells of a matrix and a forecast; run nothing but, if asked, a calibration. Return the exit code."""
    spending = None if budget is None else spendings.spending(budget)
    price_list, loaded = prices.load(prices_file), matrix.load(path)
    cache = given_paths.cache_folder(cache)
    folder = MatrixFolder(given_paths.results_folder(results) / loaded.name)
    for line in result_stores.fetch(folder.path):
        streams.say(line, sys.stderr)
    if calibrate:
        with watcher("calibration", voice=Voice(is_json=as_json)) as watch:
            calibration.calibrate(loaded, folder.calibration, cache=cache, where=where, watch=watch)
    intent = where.in_image_of(loaded.spec.container).intended(device=loaded.spec.device)
    required_libraries.check_with_reports(loaded, intent)
    with cache_inventory.used(cache):
        resolved = matrix_resolution.resolve(loaded, cache=cache, results=results, identity=intent.identity)
    rates = forecast.rates(forecast.earlier(results), price_list=price_list)
    rows = [_row(cell, folder, rates) for cell in resolved.cells]
    after = _retrainings(resolved.cells, folder)
    pending = [cell for cell, row in zip(resolved.cells, rows, strict=True) if row.state == "pending"] + after
    total = forecast_totals.total(pending, rates)
    plan = _Plan(
        matrix=loaded.name,
        where=_where(intent),
        cells=rows,
        unreachable=resolved.unreachable,
        learning_rate_cells=len(after),
        notes=[
            *_trouble(intent),
            *results_folder_collisions.of_run(folder, resolved.planned, path),
            *cautions(loaded.spec, intent),
            *mixed_environments.unlike(resolved.cells, folder, here=mixed_environments.expected(intent)),
            *_notes(resolved.cells),
            *_unreadable(rows, folder),
        ],
        pending=len(pending),
        pending_epochs=_sum(map(forecast.most_epochs, pending)),
    )
    if as_json:
        streams.document({**asdict(plan), **{f"pending_{name}": each for name, each in asdict(total).items()}})
    elif resolved.cells:
        _print(plan, total)
        if spending is not None and plan.pending:
            _print_savings(spending, pending, rates, total)
    if not as_json:
        for line in resolved.why_unreachable:
            printing.say(line)
    return exit_codes.OK if resolved.cells else exit_codes.SOME_MISSING


def _where(intent: Intent | Local) -> str:
    """Say where the cells would run, and what that would need first."""
    needs = "; its image would be built first" if intent.builds else ""
    return f"{intent}{needs}"


def _trouble(intent: Intent | Local) -> list[str]:
    """Return what a run would be refused for where it is planned: it may be meant for another machine."""
    return [intent.trouble] if isinstance(intent, Local) and intent.trouble is not None else []


def _retrainings(cells: Sequence[Cell], folder: MatrixFolder) -> list[Cell]:
    """Return the retrainings that are still to be run, as far as is known before the last search has ended."""
    results = analysis.read(folder) if folder.has_plan else analysis.MatrixResults(cells=())
    ahead = learning_rate_retrainings.ahead(cells, results)
    return [cell for cell in ahead if _state(folder.cell(cell.id)) == "pending"]


def _row(cell: Cell, folder: MatrixFolder, rates: forecast.Rates) -> _Row:
    return _Row(
        id=cell.id,
        **cell.names.model_dump(),
        seed=cell.seed,
        state=_state(folder.cell(cell.id)),
        most_epochs=forecast.most_epochs(cell),
        forecast_s=forecast.seconds(cell, rates),
    )


def _state(folder: CellFolder) -> str:
    try:
        sealed = folder.sealed()
    except ResultsError:
        return _UNREADABLE
    return "pending" if sealed is None else sealed.record.status


def _unreadable(rows: Iterable[_Row], folder: MatrixFolder) -> list[str]:
    """Say which finished searches can't be read, and what to do: a run leaves them as they are."""
    found = (damage(folder.cell(row.id)) for row in rows if row.state == _UNREADABLE)
    return [reason for reason in found if reason is not None]


def _notes(cells: Sequence[Cell]) -> list[str]:
    """Say where Hyperband's budget ends before it has gone through its brackets once."""
    hyperbands = [cell for cell in cells if cell.tuner.tuner == "kt-hyperband"]
    return list(dict.fromkeys(note for cell in hyperbands if (note := _cut_short(cell)) is not None))


def _cut_short(cell: Cell) -> str | None:
    most = forecast.most_epochs(cell)
    trials, epochs = hyperband_brackets.iteration(cell.protocol.epochs_per_trial, hyperband_brackets.factor(cell.tuner))
    if most is None or most >= epochs:
        return None
    return f"{cell.names.tuner}: one iteration takes {trials} trials and {epochs} epochs; the budget ends it at {most}"


def _sum(counts: Iterable[int | None]) -> int | None:
    listed = list(counts)
    known = [count for count in listed if count is not None]
    return sum(known) if len(known) == len(listed) else None


def _print(plan: _Plan, total: Total) -> None:
    rows = [_shown(row) for row in plan.cells]
    heading = f"{plan.matrix}: {counted(len(rows) + len(plan.unreachable), 'cell')}"
    columns = ["cell", "what", "state", "epochs ≤", "seconds ≈"]
    printing.table(TableSection(heading=heading, columns=columns, rows=rows, text_columns=3))
    for note in plan.notes:
        printing.say(note)
    if plan.learning_rate_cells:
        printing.say(f"then {counted(plan.learning_rate_cells, f'{RETRAINING} cell')}, once the searches are done")
    printing.say(f"would run {plan.where}")
    printing.say(f"pending: {counted(plan.pending, 'cell')}, at most {_number(plan.pending_epochs)} epochs")
    if plan.pending:
        apart = "" if total.wall_s is None else "; one cell after another, shared preparation apart"
        printing.say(f"{forecasts.told(total)}{apart}")


def _print_savings(spending: Spending, cells: Sequence[Cell], rates: forecast.Rates, total: Total) -> None:
    """Say whether the budget is kept and, where it isn't, what would save how much."""
    share = spending.share_of(total)
    if share is None:
        printing.say(f"whether {spending.told} is enough isn't known")
    elif share <= 1:
        printing.say(f"within {spending.told}: {100 * share:.0f} % of it")
    else:
        printing.say(f"{share:.2g} times as much as {spending.told}; what saves how much of the time:")
        for saving in savings.savings(cells, rates):
            left = spending.share_of(saving.total)
            fits = "; then it fits" if left is not None and left <= 1 else ""
            printing.say(f"  {saving.change}: {100 * saving.share:.0f} %{fits}")


def _shown(row: _Row) -> list[str]:
    what = f"{row.dataset} · {row.backbone} · {row.hyperparameters} · {row.tuner} · seed {row.seed}"
    return [row.id[:8], what, row.state, _number(row.most_epochs), _number(row.forecast_s)]


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:.0f}"
