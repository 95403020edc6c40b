"""A table of learning curves recorded: every configuration of each group trained to full fidelity, for each seed."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from harness import files, learning_curve_tables
from harness.campaign import code_identity_cache, matrix_resolution
from harness.campaign.events import Watch, ignore
from harness.campaign.matrix_resolution import Resolution
from harness.campaign.run import Request, Run, run
from harness.catalogue import hyperband_brackets
from harness.catalogue.tuners import UNTUNED, declared
from harness.cells import Cell
from harness.environment import Identity
from harness.errors import UserError
from harness.hyperparameters import KNOWN
from harness.learning_curve_tables import Header
from harness.matrix import Matrix
from harness.matrix_schema import Budget, Document, Protocol
from harness.results_folder import MatrixFolder
from harness.space import Fixed

SIDE_BY_SIDE = ("learning_rate", "batch_size", "dropout")
"""What heads that are trained side by side may differ in."""
RECORDING = "recording"
"""What stands for a tuner where every configuration is trained."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What became of a recording, and its tables: of every group whose seeds are all complete."""

    run: Run
    tables: tuple[Path, ...]


def record(matrix: Matrix, request: Request, *, side_by_side: bool = False, watch: Watch = ignore) -> Recorded:
    """Record what is missing of a matrix's curves, and write the tables that are complete.

    Args:
        matrix: What to record.
        request: How, and where to.
        side_by_side: Train the frozen heads of a batch size in one graph.
        watch: Called with each event.

    Raises:
        UserError: A hyperparameter is a continuum, what is trained can't be trained side by side, or the request can't
            be followed as asked.
        MachineError: The machine can't run it; says the way out.
        ResultsError: Training doesn't repeat exactly.
    """
    _check_grids(matrix)
    if side_by_side:
        _check_heads(matrix)
    rungs = chains(matrix.spec)

    def resolve(asked: Matrix, identity: Identity) -> Resolution:
        found = matrix_resolution.resolve(asked, cache=request.cache, results=request.results, identity=identity)
        return replace(found, cells=tuple(_with_all(cell, rungs, side_by_side=side_by_side) for cell in found.cells))

    ran = run(_trained_alone(matrix), request, watch=watch, resolve=resolve)
    return Recorded(run=ran, tables=tuple(_written(MatrixFolder(ran.path), matrix)))


def chains(spec: Document) -> list[list[int]]:
    """Return the last epochs of trials that continue each other, for all that the matrix's tuners may ask for."""
    full = spec.protocol.epochs_per_trial
    found = [[full]]
    for tuner in spec.tuners.values():
        if tuner.tuner == "kt-hyperband":
            every = hyperband_brackets.brackets(full, hyperband_brackets.factor(tuner))
            found += [[rung.epochs for rung in bracket] for bracket in every]
    return sorted({tuple(chain): chain for chain in found}.values(), key=lambda chain: (len(chain), chain))


def _check_grids(matrix: Matrix) -> None:
    for name, space in matrix.spaces.items():
        for key, domain in space.tuned.items():
            if domain.size is None:
                raise UserError(
                    f"{matrix.path}: hyperparameters.{name}.{key}: a range without steps has no end of configurations; "
                    "give choices or a step to record it"
                )


def _check_heads(matrix: Matrix) -> None:
    """Refuse what frozen heads trained by Adam in one graph can't do, by the key that asks for it."""
    asked = matrix.spec.protocol
    plain = Protocol(metric=asked.metric)
    same = ("schedule", "warmup_epochs", "class_weights", "patience", "augmentation", "precision")
    other = [f"protocol.{key}" for key in same if getattr(asked, key) != getattr(plain, key)]
    other += [f"backbones.{name}.train" for name, backbone in matrix.spec.backbones.items() if backbone.train != "head"]
    for name, space in matrix.spaces.items():
        fixed = {key: Fixed(value=known.default) for key, known in KNOWN.items() if key not in SIDE_BY_SIDE}
        other += [
            f"hyperparameters.{name}.{key}" for key, each in space.domains.items() if each != fixed.get(key, each)
        ]
    if other:
        raise UserError(
            f"{matrix.path}: {other[0]}: heads are trained side by side by Adam on frozen features, and differ in "
            f"{', '.join(SIDE_BY_SIDE)} alone; record this without --side-by-side"
        )


def _trained_alone(matrix: Matrix) -> Matrix:
    """Return the matrix with one cell for each group and seed, which no tuner searches."""
    sections: dict[str, Any] = tomllib.loads(matrix.text)
    sections["tuners"] = {RECORDING: {"tuner": UNTUNED}}
    sections["budget"] = {"trials": 1}
    for name in ("include", "exclude"):
        sections[name] = [rule for rule in sections.get(name, []) if "tuner" not in rule]
    sections.get("protocol", {}).pop("learning_rate_factors", None)
    return Matrix(name=f"{matrix.name}-recorded", base=matrix.path.parent.absolute(), **sections)


def _with_all(cell: Cell, rungs: Sequence[Sequence[int]], *, side_by_side: bool) -> Cell:
    per_configuration = sum(chain[-1] for chain in rungs)
    changes = {
        "recorded_rungs": [list(chain) for chain in rungs],
        "recorded_side_by_side": True if side_by_side else None,
        "audit": "epoch",
        "budget": Budget(epochs=per_configuration * (cell.space.size or 0)),
        "code": code_identity_cache.of_cell(
            library=declared(UNTUNED).library, model=cell.backbone.model, data=cell.dataset.source, program="record"
        ),
    }
    return cell.model_copy(update=changes)


def _written(folder: MatrixFolder, matrix: Matrix) -> Iterator[Path]:
    if not folder.has_plan:
        return
    planned = sorted(folder.plan(), key=lambda cell: (cell.group, cell.seed))
    for _, of_group in groupby(planned, key=lambda cell: cell.group):
        cells = list(of_group)
        sealed = {cell.seed: found for cell in cells if (found := folder.cell(cell.id).sealed()) is not None}
        if len(sealed) < len(cells) or any(found.record.status != "completed" for found in sealed.values()):
            continue
        first = folder.cell(cells[0].id).cell()
        names = first.names
        path = folder.path / f"{names.dataset}-{names.backbone}-{names.hyperparameters}.parquet"
        record = sealed[cells[0].seed].record
        header = Header(
            name=matrix.name,
            matrix=matrix.text,
            base=files.without_home(str(matrix.path.parent.absolute())),
            cell=first,
            seeds=sorted(sealed),
            data=record.data,
            model=record.model,
            environment=record.environment,
        )
        learning_curve_tables.write(path, header, [(seed, found.trials) for seed, found in sealed.items()])
        yield path
