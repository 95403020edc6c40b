"""``harness best``: the best hyperparameters that a run found."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from harness import matrix
from harness.analysis.winners import Winner
from harness.api import places
from harness.api.results import load
from harness.campaign import takeover
from harness.cli import exits, printing, streams
from harness.plans import MatrixFolder
from harness.prices import Prices
from harness.reports import best
from harness.reports.report import Report


def show(
    path: Path, *, results: Path, prices: Path | None, tuner: str | None, mix_environments: bool, as_json: bool
) -> None:
    """Print the best configuration of each group, among one tuner's searches alone if it is named.

    Raises:
        ResultsError: No search has a record, or those of one group ran in unlike environments that are not to be mixed.
        UserError: No tuner has that name.
    """
    loaded = matrix.load(path)
    folder = MatrixFolder(places.results_folder(results) / loaded.name)
    found = load(folder.path, matrix=loaded, prices=prices, mix_environments=mix_environments)
    for line in takeover.of_tables(folder, loaded):
        streams.say(line, sys.stderr)
    winners = found.winners(tuner=tuner)
    report = best.report(found.recorded, winners, prices=found.prices)
    if as_json:
        made = [_group(winner, found.prices) for winner in winners]
        streams.document({"matrix": loaded.name, "exit_code": exits.OK, "best": made, "notes": list(report.notes)})
    else:
        _print(report)


def _group(winner: Winner, prices: Prices) -> dict[str, Any]:
    parameters = None if winner.search is None else dict(winner.search.best)
    return {**best.values(winner, prices), "parameters": parameters}


def _print(report: Report) -> None:
    for section in report.sections:
        if section.rows:
            printing.table(section)
        else:
            printing.say(section.heading, style="bold")
        for note in section.notes:
            printing.say(note)
        printing.say("")
    for note in report.notes if report.sections else [report.empty, *report.notes]:
        printing.say(note)
