"""Replay all tuners on the reference tables, and judge what was planned: ``make replay``.

    python -m benchmarks.reference.replay [--seeds 50] [--results results/reference]

What is asked, measured and called superior stands in README.md beside this, written before anything was recorded.
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import polars as pl
from scipy import stats
from tabulate import tabulate

import harness
from harness import events
from harness.api import curves

# Text stays text, and the same picture is the same file.
mpl.use("svg")
mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "contrasts"})

HERE = Path(__file__).parent
BUDGETS: Mapping[str, dict[str, float]] = {
    "25 epochs": {"epochs": 25},
    "50 epochs": {"epochs": 50},
    "100 epochs": {"epochs": 100},
    "200 epochs": {"epochs": 200},
    "1 second": {"wall_s": 1.0},
}
TUNERS, OTHERS = ("kt-hyperband", "kt-bayesian"), ("kt-random", "kt-grid", "default")
# Its Gaussian process takes seconds of a search, and thousands of searches would take hours.
SLOW, SEEDS_OF_SLOW = "kt-bayesian", 10
EQUIVALENCE = 0.005
LEVEL = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """A planned difference in mean test score, over table seeds; its interval is simultaneous over a budget's six."""

    budget: str
    tuner: str
    other: str
    mean: float
    low: float
    high: float

    @property
    def word(self) -> str:
        """What the plan calls it."""
        shown = "superior" if self.low > 0 else "inferior" if self.high < 0 else ""
        small = "equivalent" if self.low > -EQUIVALENCE and self.high < EQUIVALENCE else ""
        return ", ".join(filter(None, (shown, small))) or "not decided"


def matrix(budget: str, *, seeds: int) -> harness.Matrix:
    """Return the recorded matrix with another budget, and so many seeds."""
    sections: dict[str, Any] = tomllib.loads((HERE / "heads.toml").read_text("utf-8"))
    sections |= {"budget": BUDGETS[budget], "seeds": list(range(1, seeds + 1))}
    if seeds > SEEDS_OF_SLOW:
        sections["exclude"] = [{"tuner": SLOW, "seed": list(range(SEEDS_OF_SLOW + 1, seeds + 1))}]
    return harness.Matrix(name=f"heads-{budget.replace(' ', '-')}", base=HERE, **sections)


def replayed(budget: str, *, seeds: int, results: Path) -> pl.DataFrame:
    """Replay one budget, write its tables, pictures and page, and return its searches."""
    ran = curves.replay(sorted(HERE.glob("*.parquet")), matrix=matrix(budget, seeds=seeds), results=results)
    missing = {state: count for state, count in ran.states.items() if state is not events.State.OK}
    if missing:
        raise SystemExit(f"{budget}: {missing}")
    found = harness.load(ran.path, matrix=ran.matrix)
    found.write()
    return found.searches()


def contrasts(searches: pl.DataFrame, *, budget: str) -> Iterator[Contrast]:
    """Yield the planned contrasts: Student's intervals over table seeds, Bonferroni over the six of a budget."""
    # Over tables last, so that one with fewer searches counts as much.
    by_seed = (
        searches.group_by("tuner", "training_seed", "dataset", "backbone")
        .agg(pl.col("test_score").mean())
        .group_by("tuner", "training_seed")
        .agg(pl.col("test_score").mean())
    )
    wide = by_seed.pivot("tuner", index="training_seed", values="test_score")
    pairs = list(product(TUNERS, OTHERS))
    for tuner, other in pairs:
        gains = (wide[tuner] - wide[other]).to_numpy()
        low, high = stats.ttest_1samp(gains, 0.0).confidence_interval(1 - LEVEL / len(pairs))
        yield Contrast(
            budget=budget, tuner=tuner, other=other, mean=float(gains.mean()), low=float(low), high=float(high)
        )


def main() -> None:
    """Replay, and print and draw the contrasts; print each tuner's means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--results", type=Path, default=Path("results") / "reference")
    given = parser.parse_args()
    found: list[Contrast] = []
    for budget in BUDGETS:
        searches = replayed(budget, seeds=given.seeds, results=given.results)
        of_budget = list(contrasts(searches, budget=budget))
        print(f"\n## {budget}\n\n{planned(of_budget)}\n\n{means(searches)}", flush=True)
        found += of_budget
    draw(found, given.results / "contrasts.svg")


def draw(found: Sequence[Contrast], path: Path) -> None:
    """Draw the contrasts, a panel for each budget, with the band of no practical difference."""
    figure, panels = plt.subplots(1, len(BUDGETS), sharex=True, sharey=True, figsize=(10, 2.6), layout="constrained")
    for budget, panel in zip(BUDGETS, panels, strict=True):
        own = [each for each in found if each.budget == budget][::-1]
        middles = [each.mean for each in own]
        reach = [[each.mean - each.low for each in own], [each.high - each.mean for each in own]]
        panel.axvspan(-EQUIVALENCE, EQUIVALENCE, color="0.88", linewidth=0)
        panel.axvline(0, color="0.5", linewidth=0.8)
        panel.errorbar(middles, range(len(own)), xerr=reach, fmt="o", color="#0b5ea8", markersize=4, linewidth=1.4)
        panel.set_yticks(range(len(own)), [f"{each.tuner} − {each.other}" for each in own])
        panel.set_title(budget, fontsize=9)
        panel.tick_params(labelsize=8)
        panel.spines[["top", "right", "left"]].set_visible(False)
    figure.supxlabel(
        "difference in test macro-F1, simultaneous 95 % intervals over table seeds; grey: ±0.005", fontsize=8
    )
    figure.savefig(path, metadata={"Date": None})


def planned(found: Sequence[Contrast]) -> str:
    """Return the contrasts as a Markdown table."""
    rows = [
        (f"{each.tuner} − {each.other}", f"{each.mean:+.4f} [{each.low:+.4f}, {each.high:+.4f}]", each.word)
        for each in found
    ]
    heads = ("contrast", "test macro-F1 [simultaneous 95 %]", "in the plan's words")
    return tabulate(rows, headers=heads, tablefmt="pipe")


def means(searches: pl.DataFrame) -> str:
    """Return each tuner's mean test score and seconds as a Markdown table, the highest score first."""
    found = searches.group_by("tuner").agg(
        pl.col("test_score").mean(), pl.col("search_s").mean(), pl.col("thinking_s").mean(), pl.len().alias("searches")
    )
    rows = found.sort("test_score", descending=True).rows()
    heads = ("tuner", "test macro-F1", "search s", "thinking s", "searches")
    return tabulate(rows, headers=heads, tablefmt="pipe", floatfmt=("", ".4f", ".3g", ".3g", ""))


if __name__ == "__main__":
    main()
