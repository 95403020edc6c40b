"""Scores at multiples of the best learning rate: bars, as in Fig. 13 of Nazir and Kaleem 2024."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.analysis.cost_axes import Score
from harness.analysis.learning_rate_retrainings import RatePoint, intervals_of
from harness.analysis.means_and_t_intervals import Interval
from harness.plots import figures
from harness.search_types import Epoch

Trainings = Mapping[RatePoint, Sequence[Epoch | None]]
_LOOKS = {Score.VALIDATION: ("#88CCEE", "//"), Score.TEST: ("#332288", "")}
_BAR = 0.38


def draw(points: Trainings, stem: Path, *, title: str, score: str) -> list[Path]:
    """Draw validation and test scores, called ``score``, at each learning rate, as ``<stem>.svg`` and ``.png``."""
    with figures.figure(f"Test {score} at multiples of the best learning rate: {title}") as (made, axes):
        found = [intervals_of(list(epochs)) for epochs in points.values()]
        for offset, (which, (colour, hatch)) in enumerate(_LOOKS.items()):
            values = [pair[offset] for pair in found]
            axes.bar(
                [index + (offset - 0.5) * _BAR for index in range(len(values))],
                [value.mean or 0.0 for value in values],
                width=_BAR,
                yerr=_errors(values),
                color=colour,
                hatch=hatch,
                edgecolor="#ffffff",
                capsize=3,
                label=which.called(score),
            )
        axes.set_xticks(range(len(points)), [_label(point, epochs) for point, epochs in points.items()])
        axes.grid(visible=False, axis="x")
        axes.set_ylim(0, 1)
        axes.set_xlabel("learning rate (times the best one; number of trainings)")
        axes.set_ylabel(f"{score} (mean, 95 % t interval)")
        figures.legend_beside(made, axes)
        return figures.save(made, stem)


def _label(point: RatePoint, epochs: Sequence[Epoch | None]) -> str:
    factor = "" if point.factor is None else f"×{point.factor:g}; "
    return f"{point.learning_rate:.3g}\n({factor}{len(epochs)})"


def _errors(values: Sequence[Interval]) -> list[list[float]]:
    """Return the lengths below and above each mean; 0 where there is no interval."""
    known = [(value.mean or 0.0, value.low, value.high) for value in values]
    below = [0.0 if low is None else mean - low for mean, low, _ in known]
    above = [0.0 if high is None else high - mean for mean, _, high in known]
    return [below, above]
