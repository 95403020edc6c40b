"""Forecast against reality: each matrix is run a few times over, with new seeds each time, and forecast before.

``python -m benchmarks.forecast.rounds [ROUNDS]`` prints, for each round but the first of each matrix, what
``harness plan`` forecast, what the searches took, and how the paces of rounds spread.
"""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SEEDS_EACH = 2
DATA = {"digits": 'source = "digits"', "animals": "max_images = 500"}
# Data set, backbone, what of it is trained, and epochs.
MATRICES = {
    "frozen": ("animals", "EfficientNetLite0", "head", 120),
    "small": ("digits", "MobileNetV2", "head", 200),
    "short": ("digits", "EfficientNetLite0", "head", 24),
}
TEXT = """\
seeds = {seeds}
[budget]
epochs = {epochs}
[protocol]
epochs_per_trial = 4
image_size = 32
[datasets.{dataset}]
{data}
[backbones.{backbone}]
weights = "packaged"
train = "{train}"
[tuners.kt-hyperband]
[tuners.optuna-tpe]
[hyperparameters.full]
learning_rate = {{ low = 1e-5, high = 1e-1, log = true }}
batch_size = {{ choices = [16, 32, 64] }}
"""


def called(command: str, matrix: Path, *more: str) -> dict[str, Any]:
    """What a command of the harness answers in JSON."""
    line = [sys.executable, "-m", "harness", command, str(matrix), "--results", str(matrix.parent / "results"), *more]
    done = subprocess.run([*line, "--json"], stdout=subprocess.PIPE, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def taken_s(matrix: Path, ids: set[str]) -> float:
    """The seconds of the whole processes of these cells."""
    cells = matrix.parent / "results" / matrix.stem / "cells"
    return sum(float(json.loads((cells / each / "record.json").read_bytes())["wall_s"]) for each in ids)


def rounds(name: str, folder: Path, count: int) -> Iterator[tuple[dict[str, float], float]]:
    """Yield forecast and seconds of each round after the first, which there is nothing to forecast from."""
    dataset, backbone, train, epochs = MATRICES[name]
    matrix = folder / f"{name}.toml"
    for number in range(count):
        seeds = list(range(1, SEEDS_EACH * (number + 1) + 1))
        matrix.write_text(
            TEXT.format(seeds=seeds, epochs=epochs, dataset=dataset, data=DATA[dataset], backbone=backbone, train=train)
        )
        plan = called("plan", matrix, "--executor", "local")
        pending = {cell["id"] for cell in plan["cells"] if cell["state"] == "pending"}
        called("run", matrix, "--executor", "local", "--quiet")
        if number:
            yield plan["pending_wall_s"], taken_s(matrix, pending)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    logs = []
    for name in MATRICES:
        with tempfile.TemporaryDirectory() as folder:
            for forecast, taken in rounds(name, Path(folder), count):
                logs.append(math.log(taken / forecast["mean"]))
                is_within = forecast["low"] <= taken <= forecast["high"]
                print(
                    f"{name}: forecast {forecast['mean']:.1f} [{forecast['low']:.1f}, {forecast['high']:.1f}] s, "
                    f"took {taken:.1f} s, {taken / forecast['mean']:.2f} times, {'within' if is_within else 'outside'}",
                    flush=True,
                )
    print(f"spread of a round's pace: {statistics.stdev(logs):.3f} ({len(logs)} rounds)")


if __name__ == "__main__":
    main()
