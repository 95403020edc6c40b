"""Where the seconds of a search went: a bar for each tuner."""

from __future__ import annotations

from pathlib import Path

from harness.analysis import Group
from harness.analysis.means_and_t_intervals import mean
from harness.analysis.phases import seconds
from harness.plots import figures

KINDS = {
    "training": ("train", "evaluate", "checkpoint"),
    "thinking": ("ask", "tell"),
    "start-up and data": ("startup", "data", "build", "replay"),
    "audit and the rest": ("audit", "meter", "shutdown", "other"),
}
"""Every phase by what a reader asks of it; the table has each for itself."""

# Colours that colour-blind readers can tell apart, with hatches for print in grey (Paul Tol's muted scheme,
# https://personal.sron.nl/~pault/).
_LOOKS = {
    "training": ("#332288", ""),
    "thinking": ("#CC6677", "xx"),
    "start-up and data": ("#DDCC77", "//"),
    "audit and the rest": ("#DDDDDD", ".."),
}
_ROW_IN = 0.32


def draw(group: Group, stem: Path, *, title: str) -> list[Path]:
    """Draw the mean seconds of each kind of phase of each tuner's finished searches, as ``<stem>.svg`` and ``.png``."""
    rows = [row for row in reversed(group.rows) if row.ok]
    height_in = 1.7 + _ROW_IN * max(len(rows), 3)
    with figures.figure(f"Where the seconds went: {title}", height_in=height_in) as (made, axes):
        if not rows:
            figures.say(axes, "No search has finished.")
            return figures.save(made, stem)
        spent = [[seconds(search) for search in row.ok] for row in rows]
        left = [0.0] * len(rows)
        for kind, phases in KINDS.items():
            widths = [mean(sum(search[phase] for phase in phases) for search in searches) or 0.0 for searches in spent]
            if any(widths):
                colour, hatch = _LOOKS[kind]
                axes.barh(
                    range(len(rows)),
                    widths,
                    left=left,
                    color=colour,
                    hatch=hatch,
                    edgecolor="#444444",
                    lw=0.4,
                    label=kind,
                )
            left = [before + width for before, width in zip(left, widths, strict=True)]
        names = [f"{figures.short(row.tuner)} ({len(row.ok)})" for row in rows]
        axes.set_yticks(range(len(rows)), names)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("total s of a search's whole process (mean over seeds; their number in brackets)")
        figures.legend_beside(made, axes)
        return figures.save(made, stem, row_names=names)
