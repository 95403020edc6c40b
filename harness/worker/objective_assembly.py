"""From a cell and its data to the objective that trains it, with its networks built."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import cache, partial
from itertools import islice, product
from pathlib import Path
from typing import Any

from harness.backbones.fine_tune_depth import train_last
from harness.catalogue.grid_points import value_at
from harness.catalogue.tuners import declared
from harness.cells import Cell
from harness.hyperparameters import KNOWN
from harness.objectives import own_metric, scores, tensorflow_settings
from harness.objectives.epoch_graph import Needs
from harness.objectives.keras_training import MOST_BUILDS, KerasObjective, Trained
from harness.objectives.scores import Scorer
from harness.objectives.trained_part import Structure
from harness.objectives.trial_checkpoints import Checkpoints
from harness.phase_clock import Ledger
from harness.search_types import OutOfMemory, Parameters, TrialFailed, Value
from harness.space import Domain, Fixed, Range, Space
from harness.worker import training_data
from harness.worker.training_data import Loaded

log = logging.getLogger(__name__)


def objective_for(cell: Cell, data: Loaded, *, ledger: Ledger, checkpoints: Path) -> KerasObjective:
    """Return the objective that trains the cell's proposals; nothing is built yet.

    Weights are left in ``checkpoints`` only where the tuner's trials continue earlier ones.
    """
    return KerasObjective(
        data=data.training,
        trained=_trained(cell, data),
        scorer=scorer_for(cell, data),
        protocol=cell.protocol,
        seed=cell.seed,
        ledger=ledger,
        checkpoints=Checkpoints(checkpoints) if _continues(cell) else None,
        needs=_needs(cell),
        warmed_up=warmed_up(cell.space),
    )


def _continues(cell: Cell) -> bool:
    """Whether trials may go on from the weights of earlier ones."""
    if cell.recorded_rungs is not None:
        return any(len(chain) > 1 for chain in cell.recorded_rungs)
    return declared(cell.tuner.tuner).continues


def prepare(objective: KerasObjective, space: Space) -> dict[str, object]:
    """Build what trials are known to need; return what a record says of the default's model and how many were built.

    A structure that can't be built is left to the trial that asks for it, and fails there.
    """
    model, built = objective.prepare(space.defaults), 1
    for parameters in other_structures(space, most=MOST_BUILDS - 1):
        try:
            objective.prepare(parameters)
            built += 1
        except (OutOfMemory, TrialFailed) as error:
            log.warning("%s: can't be built ahead: %s", parameters, error)
    return {**model, "builds": built}


def other_structures(space: Space, *, most: int) -> list[Parameters]:
    """Return parameters for each structure that differs from the default's, at most ``most`` of them.

    Of a range with more values than are kept only the default is foreseen.
    """
    default = space.defaults
    named = [name for name in Structure.__dataclass_fields__ if name in default]
    every = product(*(_foreseen(space.domains[name]) for name in named))
    others = ({**default, **dict(zip(named, values, strict=True))} for values in every)
    return list(islice((parameters for parameters in others if parameters != default), most))


def warmed_up(space: Space) -> Sequence[int]:
    """Return the batch sizes that trials are known to ask for, of many only the default; none on a CPU.

    A GPU's first batch of each shape compiles kernels and tries which are fastest, a CPU's none.
    """
    if tensorflow_settings.device_name() == tensorflow_settings.CPU:
        return ()
    domain = space.domains.get("batch_size", Fixed(value=KNOWN["batch_size"].default))
    return [int(size) for size in _foreseen(domain)]


def _needs(cell: Cell) -> Needs:
    """Return what some trial of the cell may ask for."""
    protocol = cell.protocol
    return Needs(
        decay=_is_asked(cell, "weight_decay", unless=0.0, else_=0.0),
        schedule=protocol.warmup_epochs > 0 or _is_asked(cell, "schedule", unless="constant", else_=protocol.schedule),
        class_weights=_is_asked(cell, "class_weights", unless="none", else_=protocol.class_weights),
    )


def _is_asked(cell: Cell, name: str, *, unless: Value, else_: Value) -> bool:
    """Whether a hyperparameter, ``else_`` where the cell has none of it, is ever anything ``unless`` that."""
    return cell.space.domains.get(name, Fixed(value=else_)) != Fixed(value=unless)


def _foreseen(domain: Domain) -> Sequence[Value]:
    if not isinstance(domain, Range):
        return [domain.default] if isinstance(domain, Fixed) else domain.choices
    if domain.size is None or domain.size > MOST_BUILDS:
        return [domain.default]
    return [value_at(domain, index) for index in range(domain.size)]


def scorer_for(cell: Cell, data: Loaded) -> Scorer:
    """Return what makes the score that the cell's tuner maximises."""
    if cell.metric_file is None:
        return partial(scores.score, metric=cell.protocol.metric)
    return own_metric.scorer(cell.metric_file.told, classes=data.facts.classes)


def _trained(cell: Cell, data: Loaded) -> Callable[[int | None], Trained]:
    """Return what makes the backbone's trained part for a fine-tune depth (None: as the matrix says)."""
    is_frozen, augments = cell.backbone.train == "head", cell.protocol.augments

    @cache
    def below() -> Any:
        # One for all builds: it never changes.
        return training_data.build(cell).below if augments else None

    def make(depth: int | None) -> Trained:
        if is_frozen:
            return Trained(above=None, width=data.frozen["width"], below=below(), facts=data.frozen)
        frozen, parts = below(), training_data.build(cell)
        if depth is not None:
            train_last(parts.above, depth)
        return Trained(above=parts.above, width=parts.width, below=frozen, facts=training_data.facts_of(parts))

    return make
