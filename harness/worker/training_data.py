"""From a cell to rows: decoded images, their split, and the activations of whatever is frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harness import files
from harness.backbones import frozen_and_trained_parts as backbones
from harness.backbones.frozen_and_trained_parts import Parts
from harness.backbones.weights import Weights
from harness.cells import Cell
from harness.datasets import decoded_images as decoded
from harness.datasets import splits
from harness.datasets.decoded_images import Images
from harness.datasets.part_aliases import Part
from harness.datasets.splits import Indices, SplitImages
from harness.datasets.verified_sources import Source
from harness.errors import DatasetError
from harness.objectives import frozen_activations
from harness.objectives.keras_training import TrainingData
from harness.record_schema import DataTable
from harness.seeds import derive

# History of how activations are computed: a new number leaves what is cached behind.
ACTIVATIONS_VERSION = 1

# Of duplicates and of what looks alike, as there may be very many.
_MOST_NAMES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Data to train on, what the record says of them, and what is known of the frozen part that made the rows.

    ``kept`` are the folders of the cache that they lie in, relative to it.
    """

    training: TrainingData
    facts: DataTable
    frozen: Mapping[str, int]
    kept: tuple[str, ...]


def load(cell: Cell, cache: Path) -> Loaded:
    """Return the cell's data; images and activations that the cache lacks are computed and left there.

    Raises:
        DatasetError: The images can't be used as asked.
        WeightsError: The weights can't be used as asked.
        MachineError: Images or weights changed since the cell was planned.
    """
    source = Source.from_json(cell.source.told)
    images = decoded.load(source, cell.dataset, image_size=cell.protocol.image_size, cache=cache)
    split = _split(cell, images)
    frozen = _frozen(cell, images, cache)
    rows = images.images if frozen is None or frozen.values is None else frozen.values
    return Loaded(
        training=_training_data(cell, rows, images, split),
        facts=DataTable.model_validate(_facts(images, split, cell.seed)),
        frozen={} if frozen is None else frozen.facts,
        kept=_kept(cell, source),
    )


def _kept(cell: Cell, source: Source) -> tuple[str, ...]:
    images = decoded.place_of(source, cell.dataset, image_size=cell.protocol.image_size)
    read = (source.place,) if source.kind == "file" else ()
    return (*read, images) if cell.backbone.train == "all" else (*read, images, frozen_activations.place_of(_key(cell)))


def _split(cell: Cell, images: Images) -> SplitImages:
    try:
        return splits.split(
            images.labels,
            images.fixed,
            classes=images.classes,
            shares=cell.protocol.split,
            seed=derive(cell.seed, "split"),
            groups=images.groups,
        )
    except DatasetError as error:
        # A class is rarely too small by itself: duplicates, other formats and limits made it so.
        raise DatasetError(str(error), facts=_images_facts(images)) from error


def _training_data(cell: Cell, rows: npt.NDArray[Any], images: Images, split: SplitImages) -> TrainingData:
    # What is kept of the frozen part is of images as they are, and serves for scoring alone.
    needs_images = cell.protocol.augments and rows is not images.images
    return TrainingData(
        rows=rows,
        labels=images.labels,
        classes=len(images.classes),
        train=split.train,
        validation=split.validation,
        test=split.test,
        images=images.images if needs_images else None,
    )


def _facts(images: Images, split: SplitImages, seed: int) -> dict[str, object]:
    parts = {"train": split.train, "validation": split.validation, "test": split.test}
    return {
        **_images_facts(images),
        "seed": seed,
        **{name: len(part) for name, part in parts.items()},
        "per_class_of_part": {name: _per_class(images, part) for name, part in parts.items()},
        **_look_alikes(images, split),
    }


def _per_class(images: Images, chosen: Indices | slice = slice(None)) -> list[int]:
    counts: list[int] = np.bincount(images.labels[chosen], minlength=len(images.classes)).tolist()
    return counts


def _look_alikes(images: Images, split: SplitImages) -> dict[str, object]:
    """Return how many images that aren't trained on look like one of another part, and the first with such a one."""
    parts = np.zeros(len(images.labels), dtype=np.int8)
    parts[split.validation], parts[split.test] = Part.VALIDATION, Part.TEST
    found = [place for place in images.likeness.divided(parts) if parts[place] != Part.TRAIN]
    first = [(place, images.likeness.like(place)) for place in found[:_MOST_NAMES]]
    return {
        "look_alikes": len(found),
        "first_look_alikes": [
            [images.names[place], images.names[others[parts[others] != parts[place]][0]]] for place, others in first
        ],
    }


def _images_facts(images: Images) -> dict[str, object]:
    return {
        "images": len(images.labels),
        "classes": list(images.classes),
        "per_class": _per_class(images),
        "groups": None if images.groups is None else len(set(images.groups)),
        "unreadable": [list(pair) for pair in images.unreadable],
        "duplicates": len(images.duplicates),
        "first_duplicates": [name for name, _ in images.duplicates[:_MOST_NAMES]],
        "usable": images.usable,
        "contradictions": [list(group) for group in images.contradictions],
        "content_hash": images.content_hash,
    }


def _frozen(cell: Cell, images: Images, cache: Path) -> frozen_activations.Activations | None:
    """Return the activations of the backbone's frozen part; None where all of it is trained."""
    if cell.backbone.train == "all":
        return None
    key = _key(cell)
    found = frozen_activations.find(cache, key)
    if found is None:
        _compute(cell, images, cache, key)
        found = frozen_activations.find(cache, key)
    if found is None:
        raise RuntimeError(f"{cache}: activations {key} vanished")
    return found


def _compute(cell: Cell, images: Images, cache: Path, key: str) -> None:
    parts = build(cell)
    frozen_activations.compute(cache, key, below=parts.below, images=images.images, facts=facts_of(parts))


def facts_of(parts: Parts) -> dict[str, int]:
    """Return what a record says of a backbone."""
    return {"parameters": parts.parameters, "trainable": parts.trainable, "width": parts.width}


def build(cell: Cell) -> Parts:
    """Build the cell's backbone."""
    return backbones.build(
        cell.backbone,
        Weights(**cell.weights.told),
        image_size=cell.protocol.image_size,
        seed=derive(cell.seed, "weights"),
        file=None if cell.model_file is None else cell.model_file.told,
    )


def _key(cell: Cell) -> str:
    identity = cell.identity
    return files.digest(
        {
            "version": ACTIVATIONS_VERSION,
            # Not the source alone: its limits draw which of its images these are.
            "dataset": identity["dataset"],
            "backbone": identity["backbone"],
            # Untrained weights are drawn by the seed.
            "seed": cell.seed if cell.backbone.weights == "none" else None,
            "precision": cell.protocol.precision,
            "image_size": cell.protocol.image_size,
            "environment": cell.environment,
            "code": cell.training_code,
        }
    )[:32]
