"""The cells of two runs, paired by name: what is compared with what, and what the candidate lacks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.analysis import MatrixResults, SearchResult, Target
from harness.analysis.target_score import target
from harness.compare import measures
from harness.results_folder import GroupName, SearchName


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One search in both runs; ``values`` maps a measure's name to the baseline's and the candidate's value.

    ``seed`` is the training seed: the recorded one if either run replays, else that of the search.
    """

    name: SearchName
    seed: int
    values: Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A search that the baseline finished and the candidate did not, with the reason."""

    name: SearchName
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """Two runs side by side.

    ``searches`` are baseline's and candidate's search of each pair, in the order of ``pairs``. ``unfinished`` counts
    searches that the baseline itself has no score of, ``added`` those that it doesn't plan, ``targets`` says which
    validation score is the target of each group.
    """

    pairs: Sequence[Pair]
    searches: Sequence[tuple[SearchResult, SearchResult]]
    lost: Sequence[Lost] = ()
    unfinished: int = 0
    added: int = 0
    shared: int = 0
    targets: Mapping[GroupName, Target | None] = field(default_factory=dict)


def pair(baseline: MatrixResults, candidate: MatrixResults) -> Paired:
    """Pair the searches of two runs by data set, backbone, hyperparameter set, tuner and seed, in the baseline's order.

    A group's target is that of both runs' searches together (``target_score.target``), so that neither run sets the bar
    that the other has to clear.
    """
    ours, theirs = _by_name(baseline), _by_name(candidate)
    finished = {name: search for name, search in ours.items() if measures.is_scored(search)}
    both = {name: (search, theirs[name]) for name, search in finished.items() if _has(theirs, name)}
    targets = _targets(both)
    return Paired(
        pairs=[
            Pair(name=name, seed=_training_seed(*two), values=measures.paired(*two, targets[name.group]))
            for name, two in both.items()
        ],
        searches=list(both.values()),
        lost=[Lost(name=name, reason=_why_lost(theirs.get(name))) for name in finished if name not in both],
        unfinished=len(ours) - len(finished),
        added=len(theirs.keys() - ours.keys()),
        shared=len(theirs.keys() & ours.keys()),
        targets=targets,
    )


def _training_seed(baseline: SearchResult, candidate: SearchResult) -> int:
    return (candidate if candidate.is_replayed else baseline).training_seed


def _by_name(results: MatrixResults) -> dict[SearchName, SearchResult]:
    return {search.planned.name: search for search in results.searches}


def _has(searches: Mapping[SearchName, SearchResult], name: SearchName) -> bool:
    return name in searches and measures.is_scored(searches[name])


def _targets(both: Mapping[SearchName, tuple[SearchResult, SearchResult]]) -> dict[GroupName, Target | None]:
    searches: dict[GroupName, list[SearchResult]] = {}
    for name, two in both.items():
        searches.setdefault(name.group, []).extend(two)
    return {group: target(found) for group, found in searches.items()}


def _why_lost(search: SearchResult | None) -> str:
    if search is None:
        return "not planned"
    return f"{search.status.value}: {search.reason}" if search.reason else "no epoch was scored"


def seeds(pairs: Iterable[Pair]) -> list[int]:
    """Return the training seeds that the pairs have, in order."""
    return sorted({pair.seed for pair in pairs})
