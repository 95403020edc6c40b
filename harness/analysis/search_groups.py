"""Searches gathered over their seeds: one group for each data set, backbone and hyperparameter set, a row per tuner."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from harness.analysis.costs import NOTHING, Cost, Spent, cost_usd
from harness.analysis.means_and_t_intervals import Interval, interval, mean
from harness.analysis.results_reading import MatrixResults, SearchResult, Status
from harness.analysis.target_score import Target, target
from harness.analysis.training_seeds import by_training_seed, means
from harness.catalogue.tuners import RANDOM, UNTUNED
from harness.prices import Prices
from harness.results_folder import GroupName
from harness.score_names import name_of_all
from harness.search_types import Outcome, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """What the best configurations agree on in one hyperparameter.

    A number is the median over seeds. Text is the most frequent value, the alphabetically first of equals, with the
    ``count`` of the ``n`` searches that found it.
    """

    value: Value
    count: int | None
    n: int


# No slots: what tables ask for again and again is worked out once.
@dataclass(frozen=True, kw_only=True)
class Row:
    """One tuner within a group; ``searches`` holds every planned seed, whatever became of it."""

    tuner: str
    searches: tuple[SearchResult, ...]

    @cached_property
    def ok(self) -> tuple[SearchResult, ...]:
        """The searches that ran to their end."""
        return tuple(search for search in self.searches if search.status is Status.OK)

    @cached_property
    def independent(self) -> int:
        """How many training seeds the searches that ran to their end have."""
        return len({search.training_seed for search in self.ok})

    def count(self, status: Status) -> int:
        """Return how many of the planned searches ended so."""
        return sum(1 for search in self.searches if search.status is status)

    @property
    def unscored(self) -> int:
        """How many searches ran to their end without a single score; means of scores leave them out."""
        return sum(1 for search in self.ok if search.incumbent is None)

    @cached_property
    def is_random(self) -> bool:
        """Whether the tuner is random search."""
        return any(search.tuner in RANDOM for search in self.searches)

    @property
    def is_disturbed(self) -> bool:
        """Whether the seconds of any of its searches aren't to be trusted."""
        return any(search.is_disturbed for search in self.searches)

    @property
    def is_untuned(self) -> bool:
        """Whether the tuner is the default configuration."""
        return any(search.tuner == UNTUNED for search in self.searches)

    @cached_property
    def val_score(self) -> Interval:
        """Validation score of the incumbents."""
        return interval(means((search, search.val_score) for search in self.ok))

    @cached_property
    def test_score(self) -> Interval:
        """Test score of the incumbents."""
        return interval(means((search, search.test_score) for search in self.ok))

    @property
    def gap_score(self) -> float | None:
        """Mean of validation minus test score over the searches that have both: what selection overrates."""
        return mean(means((search, search.gap_score) for search in self.ok))

    @property
    def total_s(self) -> float | None:
        """Mean seconds of the whole process; None where those of one search are unknown."""
        return mean(search.total_s for search in self.ok)

    def mean_cost(self, of: Callable[[Cost], float | None]) -> float | None:
        """Return the mean of a cost over the searches that ran to their end; None where one of them is unknown."""
        return mean(of(search.cost) for search in self.ok if search.cost is not None)

    @cached_property
    def outcomes(self) -> Mapping[Outcome, Spent]:
        """What went into trials of each outcome, over all searches that ran to their end."""
        found: dict[Outcome, Spent] = {}
        for outcome, spent in (pair for search in self.ok if search.cost for pair in search.cost.outcomes.items()):
            found[outcome] = found.get(outcome, NOTHING) + spent
        return found

    @cached_property
    def best(self) -> Mapping[str, Best]:
        """The hyperparameters of the incumbents, by name."""
        found = [search.best for search in self.ok if search.incumbent is not None]
        names = dict.fromkeys(name for parameters in found for name in parameters)
        return {name: _agreed([parameters[name] for parameters in found if name in parameters]) for name in names}


# No slots: see Row.
@dataclass(frozen=True, kw_only=True)
class Group:
    """What a table compares within: the same images, model and hyperparameter set, tuner by tuner."""

    name: GroupName
    rows: tuple[Row, ...]

    @cached_property
    def searches(self) -> tuple[SearchResult, ...]:
        """Every planned search of the group."""
        return tuple(search for row in self.rows for search in row.searches)

    @cached_property
    def training_seeds(self) -> Mapping[int, int]:
        """The training seed of each planned seed.

        Where a search is missing, another tuner's tells it. One of a replay of which all are missing is left out.
        """
        known = {s.planned.seed: s.training_seed for s in self.searches if s.record is not None}
        if any(search.is_replayed for search in self.searches):
            return known
        return {search.planned.seed: search.planned.seed for search in self.searches} | known

    @cached_property
    def best_val_scores(self) -> Mapping[int, float]:
        """The best validation score that any tuner found, by training seed."""
        found = ((search, search.val_score) for search in self.searches)
        known = by_training_seed((search, score) for search, score in found if score is not None)
        return {seed: max(scores) for seed, scores in known.items()}

    @cached_property
    def metric(self) -> str | None:
        """What the group's tuners maximise, as the protocol has it; None where no record tells."""
        return next((search.metric for search in self.searches if search.metric is not None), None)

    @cached_property
    def score(self) -> str:
        """What the group's score is called, as ``macro-F1``."""
        return name_of_all(search.metric for search in self.searches)

    @cached_property
    def target(self) -> Target | None:
        """The validation score to be reached; None where no search has a score."""
        return target(self.searches)

    @property
    def random(self) -> Row | None:
        """The random search that tuners are compared with: the first in the matrix."""
        return next((row for row in self.rows if row.is_random), None)

    @property
    def untuned(self) -> Row | None:
        """The default configuration."""
        return next((row for row in self.rows if row.is_untuned), None)

    def named(self, tuner: str) -> tuple[SearchResult, ...]:
        """Return the searches of what the matrix calls so."""
        return next((row.searches for row in self.rows if row.tuner == tuner), ())

    def of(self, tuners: tuple[str, ...]) -> tuple[SearchResult, ...]:
        """Return the searches of these tuners, by what they are, not by what the matrix calls them."""
        return tuple(search for search in self.searches if search.tuner in tuners)


def mean_usd(searches: Iterable[SearchResult], prices: Prices) -> float | None:
    """Return the mean dollars of searches that have a cost; None where one of them is unknown, or there is none."""
    return mean(
        cost_usd(search.cost, environment=search.environment, prices=prices).value
        for search in searches
        if search.cost is not None
    )


def groups(results: MatrixResults) -> list[Group]:
    """Return the groups and, in each, the tuners, both in the order of the plan; none is left out for want of seeds."""
    return list(_groups(results))


# Each report asks for the groups of the same results; one set of results is all that a command makes reports of.
@lru_cache(maxsize=1)
def _groups(results: MatrixResults) -> tuple[Group, ...]:
    found: dict[GroupName, dict[str, list[SearchResult]]] = {}
    for search in results.searches:
        tuners = found.setdefault(search.planned.name.group, {})
        tuners.setdefault(search.planned.tuner, []).append(search)
    return tuple(
        Group(name=name, rows=tuple(Row(tuner=tuner, searches=tuple(searches)) for tuner, searches in tuners.items()))
        for name, tuners in found.items()
    )


def _agreed(values: Sequence[Value]) -> Best:
    numbers = [value for value in values if not isinstance(value, str)]
    if len(numbers) == len(values):
        return Best(value=statistics.median(numbers), count=None, n=len(values))
    counted = Counter(str(value) for value in values)
    value = min(counted, key=lambda text: (-counted[text], text))
    return Best(value=value, count=counted[value], n=len(values))
