"""``harness best``: the best hyperparameters that a run found."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import matrix
from harness.analysis.best_configurations import Winner
from harness.api import given_paths
from harness.api.results import Results, opened
from harness.cli import exit_codes, printing, streams
from harness.cli.output_options import Voice
from harness.cli.progress import watcher
from harness.matrix import Matrix
from harness.placement.executor_choice import Where
from harness.prices import Prices
from harness.reports import best
from harness.reports.report_types import Report
from harness.results_folder import GroupName, MatrixFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class SavingModels:
    """Where the best models are saved, and how they are trained again for that."""

    into: Path
    cache: Path
    where: Where


def show(
    path: Path,
    *,
    results: Path,
    prices: Path | None,
    tuner: str | None,
    mix_environments: bool,
    saving: SavingModels | None = None,
    as_json: bool,
) -> None:
    """Print the best configuration of each group, among one tuner's searches alone if it is named; save them if asked.

    Raises:
        ResultsError: No search has a record, or those of one group ran in unlike environments that are not to be mixed.
        UserError: No tuner has that name, or a model can't be saved as asked.
        MachineError: The machine can't train the models that are to be saved.
    """
    loaded = matrix.load(path)
    folder = MatrixFolder(given_paths.results_folder(results) / loaded.name)
    found = opened(folder.path, matrix=loaded, prices=prices, mix_environments=mix_environments)
    for line in found.remarks:
        streams.say(line, sys.stderr)
    winners = found.winners(tuner=tuner)
    report = best.report(found.recorded, winners, prices=found.prices)
    saved = {} if saving is None else _saved(saving, loaded, found, winners, voice=Voice(is_json=as_json))
    if as_json:
        made = [_group(winner, found.prices, saved) for winner in winners]
        streams.document({"matrix": loaded.name, "exit_code": exit_codes.OK, "best": made, "notes": list(report.notes)})
    else:
        _print(report)
        for model in saved.values():
            printing.say(f"saved: {model}")


def _saved(
    saving: SavingModels, loaded: Matrix, found: Results, winners: Sequence[Winner], *, voice: Voice
) -> Mapping[GroupName, Path]:
    # Only here: what starts workers takes a while to import.
    from harness.api import model_export as models  # noqa: PLC0415 - see above

    with watcher(loaded.name, voice=voice) as watching:
        cache = given_paths.cache_folder(saving.cache)
        return models.save(loaded, found, winners, into=saving.into, cache=cache, where=saving.where, watch=watching)


def _group(winner: Winner, prices: Prices, saved: Mapping[GroupName, Path]) -> dict[str, object]:
    parameters = None if winner.search is None else dict(winner.search.best)
    folder = saved.get(winner.group.name)
    saved_in = {} if folder is None else {"saved": str(folder)}
    return {**best.values(winner, prices), "parameters": parameters, **saved_in}


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
