"""Performance profiles: on which share of problems a tuner is within a factor of the cheapest."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.analysis.cost_axes import Axis
from harness.analysis.search_groups import Group
from harness.analysis.statistics import complete_blocks, interval_estimates
from harness.analysis.statistics.complete_blocks import Block
from harness.analysis.statistics.cost_to_target import cost_to_target
from harness.prices import Prices


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One tuner's step function: within ``factor[i]`` times the cheapest tuner's cost on ``share[i]`` of the problems.

    ``factor`` grows from 1. The share is taken over all ``problems``, those that nobody solved included, so it need
    not come to 1; ``solved`` is its last value. A problem is one group and seed.
    """

    tuner: str
    axis: Axis
    factor: tuple[float, ...]
    share: tuple[float, ...]
    problems: int
    solved: float

    def at(self, factor: float) -> float:
        """Return the share of problems solved within ``factor`` times the cheapest cost."""
        return max(
            (share for bound, share in zip(self.factor, self.share, strict=True) if bound <= factor), default=0.0
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Profiles:
    """The profiles of all tuners over the same problems, and in words what was left out of them."""

    tuners: tuple[Profile, ...]
    problems: int
    remarks: tuple[str, ...]


def profiles(groups: Sequence[Group], *, axis: Axis, prices: Prices) -> Profiles:
    """Return a profile for each tuner of which every group has a record.

    A problem's cost is that of reaching its group's target; a failed search missed it. Problems with a missing search,
    an unknown cost or no target are left out, and ``remarks`` count them. Dolan and Moré, "Benchmarking optimization
    software with performance profiles", Mathematical Programming 91, 2002.
    """
    found = complete_blocks.blocks(groups)
    costs = [_costs(block, found.tuners, axis=axis, prices=prices) for block in found.complete]
    usable = [row for row in costs if row is not None]
    remarks = list(found.remarks)
    if len(usable) < len(costs):
        remarks.append(f"Left out, without a target or a known cost: {len(costs) - len(usable)} of {len(costs)}.")
    remarks += _few([block for block, row in zip(found.complete, costs, strict=True) if row is not None])
    return Profiles(
        tuners=tuple(_profile(name, axis, ratios) for name, ratios in ratios(found.tuners, usable).items()),
        problems=len(usable),
        remarks=tuple(remarks),
    )


def _few(used: Sequence[Block]) -> list[str]:
    """Return what few problems mean: those of one group and training seed count once."""
    independent = len({(block.group.name, block.training_seed) for block in used})
    seeds = "seeds" if independent == len(used) else "recorded seeds"
    few = f"fewer than {interval_estimates.FEW} prove little"
    return [f"Problems (groups × {seeds}): {independent}; {few}."] if independent < interval_estimates.FEW else []


def ratios(tuners: Sequence[str], costs: Sequence[Sequence[float]]) -> Mapping[str, list[float]]:
    """Return each tuner's costs over the least cost of the same problem; infinite where it missed."""
    found: dict[str, list[float]] = {name: [] for name in tuners}
    for row in costs:
        for name, cost in zip(tuners, row, strict=True):
            found[name].append(_ratio(cost, min(row)))
    return found


def _ratio(cost: float, least: float) -> float:
    if math.isinf(cost):
        return math.inf
    return 1.0 if cost == least else (cost / least if least > 0 else math.inf)


def _costs(block: Block, tuners: Sequence[str], *, axis: Axis, prices: Prices) -> list[float] | None:
    goal = block.group.target
    if goal is None:
        return None
    found = [cost_to_target(block.searches[name], goal, axis=axis, prices=prices) for name in tuners]
    known = [cost for cost in found if cost is not None]
    return known if len(known) == len(found) else None


def _profile(tuner: str, axis: Axis, ratios: Sequence[float]) -> Profile:
    factors = sorted({1.0} | {ratio for ratio in ratios if math.isfinite(ratio)})
    shares = [sum(1 for ratio in ratios if ratio <= factor) / len(ratios) if ratios else 0.0 for factor in factors]
    return Profile(
        tuner=tuner,
        axis=axis,
        factor=tuple(factors),
        share=tuple(shares),
        problems=len(ratios),
        solved=shares[-1],
    )
