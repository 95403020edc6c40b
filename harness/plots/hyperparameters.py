"""Every trial of a group: its score over each hyperparameter that was tuned."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.analysis import Group, Row
from harness.cells import ChoiceTable, RangeTable
from harness.plots import figures
from harness.plots.tuner_style_arguments import Looks, marked
from harness.search_types import Value

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_JITTER = 0.25
_POINTS_SIZE = 9


def draw(group: Group, stem: Path, *, title: str, looks: Looks) -> list[Path]:
    """Draw each trial's validation score over each tuned hyperparameter, as ``<stem>.svg`` and ``.png``."""
    names = tuned(group)
    with figures.panels(f"Every trial: {title}", count=max(1, len(names))) as (made, panels):
        for axes, name in zip(panels, names, strict=False):
            _panel(axes, group, name, looks)
        if not names:
            figures.say(panels[0], "No hyperparameter was tuned.")
        else:
            panels[0].set_ylabel(f"validation {group.score} of the trial")
            figures.legend_beside(made, panels[0])
        return figures.save(made, stem)


def tuned(group: Group) -> list[str]:
    """Return the hyperparameters of the group's trials that its searches could vary, in their order."""
    fixed = {name for search in group.searches for name in search.asked.fixed}
    named = dict.fromkeys(
        name for search in group.searches for trial in search.tried for name in trial.parameters if name not in fixed
    )
    return list(named)


def _panel(axes: Axes, group: Group, name: str, looks: Looks) -> None:
    order = _order(group, name)
    for row in group.rows:
        points = _points(row, name)
        if points:
            axes.scatter(
                [_place(value, order, index) for index, (value, _) in enumerate(points)],
                [score for _, score in points],
                s=_POINTS_SIZE,
                **marked(looks[row.tuner]),
                alpha=0.6,
                linewidths=0,
                label=figures.short(row.tuner),
            )
    axes.set_xlabel(name.replace("_", " "))
    if order is not None:
        axes.set_xlim(-0.5, len(order) - 0.5)
        axes.set_xticks(range(len(order)), list(map(_label, order)))
    elif _is_log(group, name):
        figures.logarithmic(axes)


def _label(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else figures.short(str(value))


def _points(row: Row, name: str) -> list[tuple[Value, float]]:
    trials = [trial for search in row.searches for trial in search.tried if name in trial.parameters]
    return [(trial.parameters[name], trial.score) for trial in trials if trial.score is not None]


def _order(group: Group, name: str) -> list[Value] | None:
    """Return the values of a choice in their order, then any other that was tried; None for a range."""
    domains = [search.domains.get(name) for search in group.searches]
    found = [domain.choices for domain in domains if isinstance(domain, ChoiceTable)]
    tried = [trial.parameters[name] for search in group.searches for trial in search.tried if name in trial.parameters]
    if not found and not any(isinstance(value, str) for value in tried):
        return None
    return list(dict.fromkeys([value for choices in found for value in choices] + tried))


def _place(value: Value, order: Sequence[Value] | None, index: int) -> float:
    """Return where a value stands; those of a choice are spread sideways, so that none hides another."""
    if order is None:
        return float(value)
    spread = (index * 0.618034) % 1 - 0.5
    return order.index(value) + 2 * _JITTER * spread


def _is_log(group: Group, name: str) -> bool:
    domains = [search.domains.get(name) for search in group.searches]
    return any(isinstance(domain, RangeTable) and domain.log for domain in domains)
