"""F1 at multiples of the best learning rate: bars, as in Fig. 13 of Nazir and Kaleem 2024."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.analysis.intervals import Interval
from harness.analysis.learning_rates import Point, intervals_of
from harness.model import Epoch
from harness.plots import figures

Trainings = Mapping[Point, Sequence[Epoch | None]]
_LOOKS = (("validation F1", "#88CCEE", "//"), ("test F1", "#332288", ""))
_BAR = 0.38


def draw(points: Trainings, stem: Path, *, title: str) -> list[Path]:
    """Draw validation and test F1 at each learning rate, as ``<stem>.svg`` and ``.png``."""
    with figures.figure(f"F1 at multiples of the best learning rate: {title}") as (made, axes):
        found = [intervals_of(list(epochs)) for epochs in points.values()]
        for offset, (which, (label, colour, hatch)) in enumerate(zip((0, 1), _LOOKS, strict=True)):
            values = [pair[which] for pair in found]
            axes.bar(
                [index + (offset - 0.5) * _BAR for index in range(len(values))],
                [value.mean or 0.0 for value in values],
                width=_BAR,
                yerr=_errors(values),
                color=colour,
                hatch=hatch,
                edgecolor="#ffffff",
                capsize=3,
                label=label,
            )
        axes.set_xticks(range(len(points)), [_label(point, epochs) for point, epochs in points.items()])
        axes.grid(visible=False, axis="x")
        axes.set_ylim(0, 1)
        axes.set_xlabel("learning rate (times the best one; number of trainings)")
        axes.set_ylabel("F1 (mean, 95 % t interval)")
        figures.legend_beside(made, axes)
        return figures.save(made, stem)


def _label(point: Point, epochs: Sequence[Epoch | None]) -> str:
    factor = "" if point.factor is None else f"×{point.factor:g}; "
    return f"{point.learning_rate:.3g}\n({factor}{len(epochs)})"


def _errors(values: Sequence[Interval]) -> list[list[float]]:
    """Return the lengths below and above each mean; 0 where there is no interval."""
    known = [(value.mean or 0.0, value.low, value.high) for value in values]
    below = [0.0 if low is None else mean - low for mean, low, _ in known]
    above = [0.0 if high is None else high - mean for mean, _, high in known]
    return [below, above]
