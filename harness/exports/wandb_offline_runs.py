"""Searches as offline runs of Weights & Biases, which its terminal view opens and ``wandb sync`` sends."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from harness.exports.exported_searches import Export, ExportedSearch, file_name

if TYPE_CHECKING:
    from wandb import Run


def write(folder: Path, export: Export) -> None:
    """Write a run for each search: its facts as summary, and a step of its history for each epoch and each trial's end.

    Nothing is sent anywhere.
    """
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    import wandb  # noqa: PLC0415 - takes seconds, and no other command needs it

    # Its files about the machine, the sources and standard output would be of this one, not of the search's.
    settings = wandb.Settings(
        mode="offline",
        silent=True,
        console="off",
        save_code=False,
        disable_git=True,
        disable_code=True,
        x_disable_meta=True,
        x_disable_stats=True,
        x_disable_machine_info=True,
        x_save_requirements=False,
    )
    try:
        for search in export.searches():
            run = wandb.init(
                dir=str(folder),
                project=file_name(export.name),
                name=search.study,
                # Sent twice, it is one run.
                id="-".join(search.folder.parts),
                group="/".join(search.name.group),
                job_type=search.name.tuner,
                config={**search.name._asdict(), **{f"best.{name}": value for name, value in search.best.items()}},
                reinit="create_new",
                settings=settings,
            )
            _log(run, search)
            run.finish(exit_code=0 if search.facts["status"] == "ok" else 1)
    finally:
        wandb.teardown()


def _log(run: Run, search: ExportedSearch) -> None:
    step = 0
    best: dict[str, float] = {}
    for each in search.trials:
        for number, ended_at, known in each.epochs():
            step += 1
            if "val_score" in known:
                best = {"incumbent_val_score": max([known["val_score"], *best.values()])}
            place = {"trial": each.trial.number, "epoch": number, "_timestamp": ended_at.timestamp()}
            run.log({**known, **place, **best}, step=step)
        costs = {f"trial/{name}": fact for name, fact in each.facts.items()}
        parameters = {f"trial/params_{name}": value for name, value in each.trial.parameters.items()}
        step += 1
        run.log({**costs, **parameters, "_timestamp": each.ended_at.timestamp()}, step=step)
    run.summary.update(dict(search.facts))
