"""From a cell and its data to the objective that trains it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harness.backbones.depth import train_last
from harness.catalogue.tuners import KNOWN
from harness.cells import Cell
from harness.ledger import Ledger
from harness.objectives.checkpoints import Checkpoints
from harness.objectives.keras_training import KerasObjective, Trained
from harness.space import Fixed
from harness.worker import training_data
from harness.worker.training_data import Loaded


def objective_for(cell: Cell, data: Loaded, *, ledger: Ledger, checkpoints: Path) -> KerasObjective:
    """Return the objective that trains the cell's proposals; nothing is built yet.

    Weights are left in ``checkpoints`` only where the tuner's trials continue earlier ones.
    """
    return KerasObjective(
        data=data.training,
        trained=_trained(cell, data),
        protocol=cell.protocol,
        seed=cell.seed,
        ledger=ledger,
        checkpoints=Checkpoints(checkpoints) if KNOWN[cell.tuner.tuner].continues else None,
        decays=cell.space.domains.get("weight_decay") not in (None, Fixed(value=0.0)),
    )


def _trained(cell: Cell, data: Loaded) -> Callable[[int | None], Trained]:
    """Return what makes the backbone's trained part for a fine-tune depth (None: as the matrix says)."""

    def make(depth: int | None) -> Trained:
        if cell.backbone.train == "head":
            return Trained(above=None, width=data.frozen["width"], facts=data.frozen)
        parts = training_data.build(cell)
        if depth is not None:
            train_last(parts.above, depth)
        return Trained(above=parts.above, width=parts.width, facts=training_data.facts_of(parts))

    return make
