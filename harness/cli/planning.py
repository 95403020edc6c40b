"""``harness plan``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from harness import matrix
from harness.campaign import forecast, learning_rates, resolution
from harness.campaign.running import Runner, only_one
from harness.cells import Cell
from harness.cli import places, printing
from harness.cli.watchers import watcher
from harness.executors import LocalExecutor
from harness.plans import MatrixFolder


def show(path: Path, *, results: Path, cache: Path, as_json: bool, calibrate: bool) -> None:
    """Print the cells of a matrix and a forecast; run nothing but, if asked, a calibration."""
    loaded = matrix.load(path)
    cache = places.cache_folder(cache)
    resolved = resolution.resolve(loaded, cache=cache)
    folder = MatrixFolder(places.results_folder(results) / loaded.name)
    if calibrate:
        _calibrate(resolved.cells, MatrixFolder(folder.path / "calibration"), cache=cache, quiet=as_json)
    rates = forecast.rates(forecast.earlier(results))
    rows = [_row(cell, folder, rates) for cell in resolved.cells]
    plan = {
        "matrix": loaded.name,
        "cells": rows,
        "unreachable": [asdict(cell) for cell in resolved.unreachable],
        "learning_rate_cells": _follow_ups(resolved.cells),
        "pending": sum(row["state"] == "pending" for row in rows),
        "pending_epochs": _total(rows, "most_epochs"),
        "pending_s": _total(rows, "forecast_s"),
    }
    if as_json:
        print(json.dumps(plan, ensure_ascii=False, indent=1))  # noqa: T201 - the edge prints
    else:
        _print(plan)


def _calibrate(cells: Sequence[Cell], folder: MatrixFolder, *, cache: Path, quiet: bool) -> None:
    with only_one(folder), watcher("calibration", quiet=quiet) as watching:
        runner = Runner(folder=folder, executor=LocalExecutor(), cache=cache, watcher=watching)
        runner.run(forecast.calibrations(cells), retry_failed=True)


def _row(cell: Cell, folder: MatrixFolder, rates: forecast.Rates) -> dict[str, Any]:
    record = folder.cell(cell.id).record()
    return {
        "id": cell.id,
        **cell.names.model_dump(),
        "seed": cell.seed,
        "state": "pending" if record is None else record.status,
        "most_epochs": forecast.most_epochs(cell),
        "forecast_s": forecast.seconds(cell, rates),
    }


def _follow_ups(cells: Sequence[Cell]) -> int:
    """Return how many retrainings follow the searches: one for each group and seed, where factors are asked for."""
    return len({(cell.group, cell.seed) for cell in cells if cell.protocol.learning_rate_factors})


def _total(rows: Sequence[dict[str, Any]], column: str) -> float | None:
    values = [row[column] for row in rows if row["state"] == "pending"]
    return None if None in values else sum(values)


def _print(plan: dict[str, Any]) -> None:
    table = Table(title=f"{plan['matrix']}: {len(plan['cells'])} cells", title_justify="left", box=SIMPLE_HEAD)
    for column in ("cell", "what", "state"):
        table.add_column(column, overflow="fold")
    for column in ("epochs ≤", "seconds ≈"):
        table.add_column(column, justify="right")
    for row in plan["cells"]:
        what = f"{row['dataset']} · {row['backbone']} · {row['hyperparameters']} · {row['tuner']} · seed {row['seed']}"
        numbers = _number(row["most_epochs"]), _number(row["forecast_s"])
        table.add_row(row["id"][:8], what, row["state"], *numbers)
    console = printing.console()
    console.print(table)
    for reason, cells in Counter(cell["reason"] for cell in plan["unreachable"]).items():
        console.print(f"{cells} more cells can't run here: {reason}", soft_wrap=True)
    if plan["learning_rate_cells"]:
        console.print(f"then {plan['learning_rate_cells']} {learning_rates.TUNER} cells, once the searches are done")
    console.print(f"pending: {plan['pending']} cells, at most {_number(plan['pending_epochs'])} epochs, {_span(plan)}")


def _span(plan: dict[str, Any]) -> str:
    if plan["pending_s"] is None:
        return "time unknown: nothing like some of them was run here yet; --calibrate finds out"
    return f"about {plan['pending_s'] / 60:.1f} minutes, one cell after another, shared preparation apart"


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:.0f}"
