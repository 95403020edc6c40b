"""Where the seconds of a search went: a bar for each tuner."""

from __future__ import annotations

from pathlib import Path

from harness.analysis import Group
from harness.analysis.means_and_t_intervals import mean
from harness.analysis.phases import seconds
from harness.phase_clock import PHASES
from harness.plots import figures

# Paul Tol's muted scheme (https://personal.sron.nl/~pault/), which colour-blind readers can tell apart, with hatches
# for print in grey. What the device does is blue, the tuner's thinking rose.
_LOOKS = {
    "startup": ("#DDDDDD", ""),
    "data": ("#999933", ""),
    "build": ("#DDCC77", "//"),
    "replay": ("#AA4499", ".."),
    "ask": ("#CC6677", ""),
    "train": ("#332288", ""),
    "evaluate": ("#88CCEE", ""),
    "tell": ("#882255", "xx"),
    "checkpoint": ("#117733", ""),
    "audit": ("#44AA99", "\\\\"),
    "meter": ("#DDDDDD", "oo"),
    "shutdown": ("#BBBBBB", ".."),
    "other": ("#FFFFFF", "--"),
}
_ROW_IN = 0.32


def draw(group: Group, stem: Path, *, title: str) -> list[Path]:
    """Draw the mean seconds per phase of each tuner's finished searches, as ``<stem>.svg`` and ``.png``."""
    rows = [row for row in reversed(group.rows) if row.ok]
    height_in = 1.7 + _ROW_IN * max(len(rows), 3)
    with figures.figure(f"Where the seconds went: {title}", height_in=height_in) as (made, axes):
        if not rows:
            figures.say(axes, "No search has finished.")
            return figures.save(made, stem)
        spent = [[seconds(search) for search in row.ok] for row in rows]
        left = [0.0] * len(rows)
        for phase in PHASES:
            widths = [mean(search[phase] for search in searches) or 0.0 for searches in spent]
            if any(widths):
                colour, hatch = _LOOKS[phase]
                axes.barh(
                    range(len(rows)),
                    widths,
                    left=left,
                    color=colour,
                    hatch=hatch,
                    edgecolor="#444444",
                    lw=0.4,
                    label=phase,
                )
            left = [before + width for before, width in zip(left, widths, strict=True)]
        names = [f"{figures.short(row.tuner)} ({len(row.ok)})" for row in rows]
        axes.set_yticks(range(len(rows)), names)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("total s of a search's whole process (mean over seeds; their number in brackets)")
        figures.legend_beside(made, axes)
        return figures.save(made, stem, row_names=names)
