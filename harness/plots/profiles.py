"""Performance profiles: the share of problems that each tuner solves within a factor of the cheapest."""

from __future__ import annotations

from pathlib import Path

from harness.analysis.statistics.profiles import Profiles
from harness.plots import figures
from harness.plots.tuner_style_arguments import Looks, lined

_LEAST_RIGHT = 2.0
_MARGIN = 1.15


def draw(found: Profiles, stem: Path, *, looks: Looks) -> list[Path]:
    """Draw each tuner's step function, as ``<stem>.svg`` and ``.png`` (Dolan and Moré 2002)."""
    with figures.figure("Performance profiles: search seconds to the target") as (made, axes):
        if not found.problems:
            figures.say(axes, " ".join(["No problem can be judged.", *found.remarks]))
            return figures.save(made, stem)
        right = _MARGIN * max(_LEAST_RIGHT, *(profile.factor[-1] for profile in found.tuners))
        for profile in found.tuners:
            factor, share = [*profile.factor, right], [*profile.share, profile.share[-1]]
            look = lined(looks[profile.tuner])
            axes.plot(factor, share, drawstyle="steps-post", label=figures.short(profile.tuner), **look)
        axes.set_xlim(1, right)
        figures.logarithmic(axes)
        axes.set_ylim(-0.02, 1.02)
        axes.set_xlabel("factor of the cheapest tuner's search s to the target")
        axes.set_ylabel(f"share of {found.problems} problems (groups × seeds)")
        figures.legend_beside(made, axes)
        figures.note(made, found.remarks)
        return figures.save(made, stem)
