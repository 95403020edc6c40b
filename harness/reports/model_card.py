"""The card of a saved model: what it is, where it is from, and how well it did."""

from __future__ import annotations

import datetime as dt

from harness import __version__
from harness.analysis import Interval
from harness.analysis.best_configurations import Winner
from harness.cells import Cell
from harness.record_schema import DataTable, Measured
from harness.reports import numerals, rendering
from harness.reports.report_types import Report, TableSection

_LOADED = """\
## How to load it

```python
import json

import keras
import numpy as np
from PIL import Image

model = keras.models.load_model("model.keras")
labels = json.load(open("labels.json", encoding="utf-8"))
image = Image.open("an image.jpg").convert("RGB").resize(({size}, {size}), Image.Resampling.BILINEAR)
probabilities = model.predict(np.asarray(image, "float32")[None])[0]
print(labels[probabilities.argmax()], probabilities.max())
```

Images are {size}×{size} pixels of three channels from 0 to 255. What the backbone expects besides is done in the model.
"""


def text(winner: Winner, cell: Cell, measured: Measured, data: DataTable, *, matrix: str, date: dt.date) -> str:
    """Return the card of ``winner``'s model in Markdown."""
    score = winner.group.score
    section = TableSection(
        heading="What it is",
        columns=["", ""],
        rows=[*_origin(winner, cell, data, matrix=matrix, date=date), *_scores(winner, measured, score)],
        text_columns=2,
    )
    parameters = {} if winner.search is None else winner.search.best
    rows = [[name, f"{value!r}" if isinstance(value, float) else str(value)] for name, value in parameters.items()]
    chosen = TableSection(heading="Hyperparameters", columns=["hyperparameter", "value"], rows=rows, text_columns=2)
    report = Report(
        name="card",
        title=str(winner.group.name),
        sections=[section, chosen],
        notes=[
            f"Chosen by validation {score} among many trials, which flatters that score; test images had no say.",
            *_unrepeated(winner, measured, score),
        ],
        columns=(),
        rows=(),
    )
    return f"{rendering.markdown(report)}\n{_LOADED.format(size=cell.protocol.image_size)}"


def _origin(winner: Winner, cell: Cell, data: DataTable, *, matrix: str, date: dt.date) -> list[list[str]]:
    parts = ", ".join(f"{size} {part}" for part, size in data.parts.items())
    backbone, weights = cell.backbone, cell.weights
    alpha = "" if backbone.alpha is None else f", alpha {backbone.alpha:g}"
    rows = [
        ["matrix", matrix],
        ["data set", f"{cell.names.dataset} ({cell.dataset.source}), content {cell.source.content_hash}"],
        ["images", parts or numerals.UNKNOWN],
        ["backbone", f"{backbone.model}{alpha}, trained: {backbone.train}"],
        ["weights it began with", f"{backbone.weights}, SHA-256 {weights.sha256 or numerals.UNKNOWN}"],
        ["made by", f"harness {__version__}, {date.isoformat()}"],
    ]
    if winner.search is not None:
        last, planned = winner.search.curve[-1], winner.search.planned
        found = f"{planned.tuner}, seed {planned.seed}, trial {last.trial}, epoch {last.epoch} (cell {planned.id})"
        rows.append(["found by", found])
    return rows


def _scores(winner: Winner, measured: Measured, score: str) -> list[list[str]]:
    search = winner.search
    rows = [
        [f"validation {score} of the trial", numerals.score(None if search is None else search.val_score)],
        [f"test {score} of the trial", numerals.score(None if search is None else search.test_score)],
        [f"test {score} of this file, measured anew", numerals.score(measured.saved_test_score)],
    ]
    if winner.row is not None:
        rows.append([f"test {score} of all searches by {winner.row.tuner}", _spread(winner.row.test_score)])
    return rows


def _spread(reached: Interval) -> str:
    if reached.low is None or reached.high is None:
        return numerals.score_interval(reached)
    mean, low, high = map(numerals.score, (reached.mean, reached.low, reached.high))
    return f"{mean} [{low}, {high}] ({reached.n} seeds)"


def _unrepeated(winner: Winner, measured: Measured, score: str) -> list[str]:
    search = winner.search
    if search is None or (search.val_score, search.test_score) == (measured.val_score, measured.test_score):
        return []
    now = f"validation {score} {numerals.score(measured.val_score)}, test {score} {numerals.score(measured.test_score)}"
    return [f"Trained again it did not repeat exactly ({now}): on another processor, or by operations that vary."]
