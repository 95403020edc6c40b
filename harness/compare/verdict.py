"""Is the candidate worse than the baseline?"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness.analysis import Interval, MatrixResults
from harness.analysis.means_and_t_intervals import interval
from harness.compare import comparability, sign_flip_test
from harness.compare.matrix_slices import Slice, by_seed, slices
from harness.compare.measures import MEASURES, Measure, named
from harness.compare.paired_cells import Lost, Pair, Paired, pair, seeds
from harness.score_names import name_of_all

ALPHA = 0.05
"""The chance that two samples of the same thing raise any alarm at all."""

FEWEST_SEEDS = 7
"""With n seeds the smallest p is 2 / 2ⁿ, and 4 / 2ⁿ beside a measure that is steadily below its drift.

Six seeds could then never show anything at ``ALPHA``.
"""

_HALVES = 2
_MOST_NAMED = 4
_VISIBLE = 2


class RunVerdict(StrEnum):
    """What a comparison comes to."""

    NO_WORSE = "no worse"
    WORSE = "worse"
    INCOMPARABLE = "can't be compared"


class Direction(StrEnum):
    """What one change is."""

    WORSE = "worse"
    BETTER = "better"
    NEITHER = "no change shown"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureChange:
    """One measure in one part of the matrix.

    ``values`` are the baseline's and the candidate's, pair by pair; ``by_seed`` is how much worse the candidate is on
    the scale of ``Measure.change``, a mean for each seed. ``worse_p`` and ``better_p`` are corrected over all
    comparisons that were made.
    """

    measure: Measure
    part: Slice
    values: Sequence[tuple[float, float]]
    by_seed: Mapping[int, float]
    worse_p: float
    better_p: float

    @property
    def baseline(self) -> float:
        """The baseline's mean over the pairs, the geometric one where changes are ratios."""
        return mean([ours for ours, _ in self.values], self.measure)

    @property
    def candidate(self) -> float:
        """The candidate's mean over the pairs."""
        return mean([theirs for _, theirs in self.values], self.measure)

    @property
    def change(self) -> Interval:
        """The mean change over seeds with Student's t interval, which is corrected for nothing."""
        return interval(list(self.by_seed.values()))

    @property
    def direction(self) -> Direction:
        """Worse or better: only if the test and the least change that counts both say so."""
        change = statistics.fmean(self.by_seed.values())
        if self.worse_p <= ALPHA and change >= self.measure.least:
            return Direction.WORSE
        if self.better_p <= ALPHA and change <= -self.measure.least:
            return Direction.BETTER
        return Direction.NEITHER


@dataclass(frozen=True, slots=True, kw_only=True)
class RunComparison:
    """The verdict with what it rests on.

    ``reasons`` say why it is worse or can't be compared, ``notes`` what else a reader must know. ``findings`` hold
    every comparison that was made.
    """

    verdict: RunVerdict
    reasons: Sequence[str]
    notes: Sequence[str] = ()
    pairs: int = 0
    seeds: int = 0
    lost: Sequence[Lost] = ()
    findings: Sequence[MeasureChange] = ()


def compare(
    baseline: MatrixResults,
    candidate: MatrixResults,
    *,
    measures: Sequence[Measure] = MEASURES,
    even_if_unlike: bool = False,
) -> RunComparison:
    """Compare two runs of one matrix; ``even_if_unlike`` goes on where their machines or requests differ."""
    both = pair(baseline, candidate)
    unlike = comparability.unlike(both.searches)
    score = name_of_all(search.metric for two in both.searches for search in two)
    measures = named(measures, score)
    found = judge(both.pairs, measures=measures)
    obstacles = _obstacles(both, [] if even_if_unlike else unlike)
    insisted = [f"UNLIKE, compared all the same: {line}" for line in unlike] if even_if_unlike else []
    notes = [*_notes(both, insisted, measures), *_targets(both, score), *_too_noisy(found)]
    verdict, reasons = _verdict(both, found, obstacles)
    return RunComparison(
        verdict=verdict,
        reasons=reasons,
        notes=notes,
        pairs=len(both.pairs),
        seeds=len(seeds(both.pairs)),
        lost=both.lost,
        findings=found,
    )


def judge(pairs: Sequence[Pair], *, measures: Sequence[Measure] = MEASURES) -> list[MeasureChange]:
    """Return a finding for each measure and each part of the matrix that has pairs.

    Scores and costs are tested apart, each at half of ``ALPHA``: costs are many, and a loss is hardest to see in
    scores.
    """
    parts = slices([one.name for one in pairs])
    costs = [measure for measure in measures if measure.is_ratio]
    scores = [measure for measure in measures if not measure.is_ratio]
    return [finding for tested in (scores, costs) for finding in _judge(pairs, parts, tested)]


def _judge(pairs: Sequence[Pair], parts: Sequence[Slice], measures: Sequence[Measure]) -> list[MeasureChange]:
    found: list[tuple[Measure, Slice, dict[int, float]]] = []
    training_seeds = [one.seed for one in pairs]
    for measure in measures:
        changes = _changes(pairs, measure)
        found += [(measure, part, by_seed(changes, training_seeds, part)) for part in parts]
    known = [(measure, part, changes) for measure, part, changes in found if changes]
    worse, better = _tested(known, sign=1), _tested(known, sign=-1)
    return [
        MeasureChange(
            measure=measure,
            part=part,
            values=_values(pairs, measure, part),
            by_seed=changes,
            worse_p=worse.get(index, 1.0),
            better_p=better.get(index, 1.0),
        )
        for index, (measure, part, changes) in enumerate(known)
    ]


def _tested(known: Sequence[tuple[Measure, Slice, Mapping[int, float]]], *, sign: int) -> dict[int, float]:
    """Return the adjusted p by index; what is the same in both runs to the last bit is no test, and costs none."""
    changed = [index for index, (_, _, changes) in enumerate(known) if any(changes.values())]
    beyond = [_beyond(known[index][2], sign, known[index][0]) for index in changed]
    families = [(known[index][0].name, known[index][1].level) for index in changed]
    return {
        index: min(1.0, _HALVES * p) for index, p in zip(changed, sign_flip_test.flip(beyond, families), strict=True)
    }


def _changes(pairs: Sequence[Pair], measure: Measure) -> dict[int, float]:
    values = ((index, one.values.get(measure.name)) for index, one in enumerate(pairs))
    return {index: measure.change(*two) for index, two in values if two is not None}


def _values(pairs: Sequence[Pair], measure: Measure, part: Slice) -> list[tuple[float, float]]:
    found = (pairs[index].values.get(measure.name) for index in sorted(part.members))
    return [two for two in found if two is not None]


def _beyond(changes: Mapping[int, float], sign: int, measure: Measure) -> dict[int, float]:
    """Return by how much the changes in this direction exceed what the machine is granted."""
    return {seed: sign * change - measure.granted for seed, change in changes.items()}


def mean(values: Sequence[float], measure: Measure) -> float:
    """Return the mean of a measure's values, the geometric one where changes are ratios."""
    return math.exp(statistics.fmean(map(math.log, values))) if measure.is_ratio else statistics.fmean(values)


def _verdict(both: Paired, found: Sequence[MeasureChange], obstacles: list[str]) -> tuple[RunVerdict, list[str]]:
    # Lost searches are a failure however few seeds there are, but not where nothing should agree in the first place.
    if obstacles:
        return RunVerdict.INCOMPARABLE, obstacles
    worse = _worse(found)
    lost = [f"{len(both.lost)} of the baseline's {len(both.pairs) + len(both.lost)} searches lost"] if both.lost else []
    if lost or worse:
        return RunVerdict.WORSE, [*lost, *worse]
    count = len(seeds(both.pairs))
    if count < FEWEST_SEEDS:
        smallest = _HALVES * sign_flip_test.smallest_p(count)
        few = f"{count} shared seeds can show hardly anything: no p is below {smallest:.2g}"
        return RunVerdict.INCOMPARABLE, [f"{few}; run {FEWEST_SEEDS} or more, ten for the figures of docs/compare.md"]
    return RunVerdict.NO_WORSE, []


def _worse(found: Sequence[MeasureChange]) -> list[str]:
    where: dict[str, list[str]] = {}
    for finding in found:
        if finding.direction is Direction.WORSE:
            where.setdefault(finding.measure.title, []).append(finding.part.label)
    return [f"{title} worse in {_some(labels)}" for title, labels in where.items()]


def _some(labels: Sequence[str]) -> str:
    more = len(labels) - _MOST_NAMED
    return "; ".join(labels[:_MOST_NAMED]) + (f"; and {more} more parts" if more > 0 else "")


def _obstacles(both: Paired, unlike: list[str]) -> list[str]:
    if not both.shared:
        return ["no search has the same data set, backbone, hyperparameter set, tuner and seed in both runs"]
    if not both.pairs and not both.lost:
        return ["the baseline has no finished search that the candidate plans; run the baseline again"]
    return [f"unlike {line}" for line in unlike]


def _notes(both: Paired, unlike: list[str], measures: Sequence[Measure]) -> list[str]:
    notes = [*unlike]
    if both.unfinished:
        notes.append(f"The baseline itself has no score of {both.unfinished} planned searches: these are not compared.")
    if both.added:
        notes.append(f"The baseline doesn't plan {both.added} of the candidate's searches: these are not compared.")
    return [*notes, *_unknown(both, measures)]


def _too_noisy(found: Sequence[MeasureChange]) -> list[str]:
    """Return which measures spread so much over seeds that a change might hide: "no worse" then says little."""
    widest: dict[str, MeasureChange] = {}
    for finding in found:
        widest.setdefault(finding.measure.title, finding)
    noisy = [title for title, finding in widest.items() if _may_hide(finding)]
    lead = "May be worse by more than twice the least change that counts, and not be shown to be"
    return [f"{lead}: {', '.join(noisy)}."] if noisy else []


def _may_hide(finding: MeasureChange) -> bool:
    high = finding.change.high
    return finding.direction is Direction.NEITHER and high is not None and high > _VISIBLE * finding.measure.least


def _unknown(both: Paired, measures: Sequence[Measure]) -> list[str]:
    # What neither run knows, as the memory of a GPU where there is none, is not worth a line in every table.
    counts = {measure.title: sum(measure.name in one.values for one in both.pairs) for measure in measures}
    return [
        f"Not known in both runs of {len(both.pairs) - count} pairs: {title}."
        for title, count in counts.items()
        if 0 < count < len(both.pairs)
    ]


def _targets(both: Paired, score: str) -> list[str]:
    return [
        f"Target in {', '.join(group)}: validation {score} {goal.score:.3f}, {goal.of}, in both runs together."
        for group, goal in both.targets.items()
        if goal is not None
    ]
