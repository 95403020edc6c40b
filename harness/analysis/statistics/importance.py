"""Which hyperparameters the score depends on, and which of them cost depends on."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from harness.analysis.results_reading import SearchResult, Status
from harness.analysis.search_findings import Tried
from harness.analysis.search_groups import Group
from harness.cells import ChoiceTable, DomainTable, RangeTable
from harness.search_types import Outcome, Value

FEWEST_TRIALS = 40
"""Fewer trials give no importances: the best quarter would be a handful, and its spread chance."""

MOST_TRIALS = 300
"""Of more trials so many are used, evenly chosen in the order of the matrix: more cost time and change little."""

EARLY = "ended before the last epoch of a full trial"
CONTINUED = "continued by a later trial, which counts for both"
THINNED = f"thinned out to {MOST_TRIALS}"
"""Why trials are left out."""

_BEST = 0.25
_BROKEN = (Outcome.DIVERGED, Outcome.FAILED, Outcome.OUT_OF_MEMORY)


class Effect(StrEnum):
    """What a hyperparameter may matter for."""

    SCORE = "score"
    COST = "cost"

    def called(self, name: str) -> str:
        """Return the effect as a reader sees it; ``name`` is what the score is called, as ``macro-F1``."""
        return f"validation {name}" if self is Effect.SCORE else "device s per epoch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Importance:
    """How much each hyperparameter does to bring a trial into the best quarter, greatest first.

    ``shares`` sum to 1, so they compare hyperparameters with each other, not with chance. They rest on ``trials``
    trials of ``searches`` searches; ``left_out`` counts the others by their reason. Where ``shares`` is empty,
    ``reason`` says why.
    """

    effect: Effect
    shares: Mapping[str, float]
    trials: int
    searches: int
    reason: str | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Point:
    cell: str
    seed: int
    parameters: Mapping[str, Value]
    effect: float


def importance(group: Group, *, effect: Effect) -> Importance:
    """Return which hyperparameters matter, from the trials of all the group's tuners pooled.

    By PED-ANOVA (Watanabe, Bansal and Hutter, "PED-ANOVA: Efficiently Quantifying Hyperparameter Importance in
    Arbitrary Subspaces", IJCAI 2023), Optuna's ``PedAnovaImportanceEvaluator``: how unlike the values of the best
    quarter of the trials are to those of all. It sees the order of the trials only, so that one slow epoch or one
    diverged trial can't bend it, and takes milliseconds where a forest (fANOVA) takes a second.

    Best by score is a trial's score less the mean of its seed's trials, so that easy splits explain nothing; best by
    cost is the least median epoch in device seconds. Only trials that reached the last epoch of a full trial take part,
    and those that the protocol's patience ended on the way there: the score of one that its tuner stopped is another
    quantity. Of a configuration that was promoted from trial to trial the last trial counts, so that each counts once.
    Adaptive tuners try good regions more often, so the shares are about where the tuners looked.
    """
    left_out: Counter[str] = Counter()
    full = [each for s in group.searches if s.status is Status.OK for each in _full(s, effect, left_out)]
    tried = _thinned(full)
    left_out[THINNED] = len(full) - len(tried)
    used = _centred(tried) if effect is Effect.SCORE else tried
    columns = {name: column for name, column in _columns(group, used).items() if len(set(column)) > 1}
    reason = _why_not(used, columns)
    shares: Mapping[str, float] = {}
    if reason is None:
        # A higher score is better, and a lower cost.
        sign = 1 if effect is Effect.SCORE else -1
        shares, reason = _ped_anova(columns, [sign * each.effect for each in used])
    return Importance(
        effect=effect,
        shares=shares,
        trials=len(used),
        searches=len({each.cell for each in full}),
        reason=reason,
        left_out=+left_out,
    )


def _why_not(used: Sequence[_Point], columns: Mapping[str, object]) -> str | None:
    if len(used) < FEWEST_TRIALS:
        return f"{len(used)} trials are too few; it takes {FEWEST_TRIALS}"
    if len(columns) < 2:  # noqa: PLR2004 - the only one that varies explains everything there is to explain
        return "fewer than two hyperparameters were varied"
    if math.isclose(min(each.effect for each in used), max(each.effect for each in used), abs_tol=1e-12):
        return "all trials came out the same"
    return None


def _full(search: SearchResult, effect: Effect, left_out: Counter[str]) -> Iterator[_Point]:
    """Yield the search's trials at full fidelity, each configuration once; count the others in ``left_out``."""
    continued = {trial.parent for trial in search.tried}
    for trial in search.tried:
        value = trial.score if effect is Effect.SCORE else trial.epoch_device_s
        if trial.number in continued:
            left_out[CONTINUED] += 1
        elif value is None or not _is_full(trial, search):
            left_out[EARLY] += 1
        else:
            planned = search.planned
            yield _Point(cell=planned.id, seed=search.training_seed, parameters=trial.parameters, effect=value)


def _is_full(trial: Tried, search: SearchResult) -> bool:
    """Whether the trial was trained to the last of the protocol's epochs, or until its patience ended it.

    Where these epochs are unknown, to all that it asked for.
    """
    last = search.asked.epochs_per_trial or trial.last_epoch
    if trial.outcome is Outcome.COMPLETED:
        return trial.last_epoch >= last
    return trial.outcome not in _BROKEN and trial.first_epoch + trial.epochs > last


def _thinned(tried: Sequence[_Point]) -> list[_Point]:
    if len(tried) <= MOST_TRIALS:
        return list(tried)
    return [tried[index * len(tried) // MOST_TRIALS] for index in range(MOST_TRIALS)]


def _centred(tried: Sequence[_Point]) -> list[_Point]:
    by_seed: dict[int, list[float]] = {}
    for each in tried:
        by_seed.setdefault(each.seed, []).append(each.effect)
    means = {seed: statistics.fmean(values) for seed, values in by_seed.items()}
    return [replace(each, effect=each.effect - means[each.seed]) for each in tried]


def _columns(group: Group, used: Sequence[_Point]) -> dict[str, list[float | str]]:
    """Return each hyperparameter's values as positions; numbers from 0 to 1, words as they are."""
    domains = next((found for search in group.searches if (found := search.domains)), {})
    names = dict.fromkeys(name for each in used for name in each.parameters)
    shared = [name for name in names if all(name in each.parameters for each in used)]
    return {name: _positions(domains.get(name), [each.parameters[name] for each in used]) for name in shared}


def _positions(domain: DomainTable | None, values: Sequence[Value]) -> list[float | str]:
    numbers = [value for value in values if not isinstance(value, str)]
    if len(numbers) < len(values):
        return [str(value) for value in values]
    if isinstance(domain, ChoiceTable):
        order = {value: index for index, value in enumerate(sorted(set(numbers)))}
        numbers = [order[value] for value in numbers]
    elif isinstance(domain, RangeTable) and domain.log and min(numbers) > 0:
        numbers = [math.log(value) for value in numbers]
    low, high = min(numbers), max(numbers)
    return [(value - low) / (high - low) if high > low else 0.0 for value in numbers]


def _ped_anova(
    columns: Mapping[str, Sequence[float | str]], goodness: Sequence[float]
) -> tuple[dict[str, float], str | None]:
    try:
        # Only this table needs Optuna, which takes a second to import and isn't installed on every host.
        import optuna  # noqa: PLC0415 - see above
        from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances  # noqa: PLC0415 - see above
    except ModuleNotFoundError as error:
        return {}, f"{error.name} isn't installed here; install the harness with its extra 'train'"
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.create_study(direction="maximize", storage=_storage(_trials(columns, goodness)))
    finally:
        optuna.logging.set_verbosity(verbosity)
    found = get_param_importances(study, evaluator=PedAnovaImportanceEvaluator(target_quantile=_BEST))
    return {name: float(share) for name, share in found.items()}, None


def _trials(columns: Mapping[str, Sequence[float | str]], goodness: Sequence[float]) -> list[Any]:
    import optuna  # noqa: PLC0415 - see _ped_anova

    distributions = {name: _distribution(values) for name, values in columns.items()}
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return [
        optuna.trial.FrozenTrial(
            number=number,
            trial_id=number,
            state=optuna.trial.TrialState.COMPLETE,
            value=value,
            params=row,
            distributions=distributions,
            datetime_start=None,
            datetime_complete=None,
            user_attrs={},
            system_attrs={},
            intermediate_values={},
        )
        for number, (row, value) in enumerate(zip(rows, goodness, strict=True))
    ]


def _storage(tried: list[Any]) -> Any:
    """Return a storage that holds these trials: adding them one by one would copy each of them deeply."""
    import optuna  # noqa: PLC0415 - see _ped_anova

    class Tried(optuna.storages.InMemoryStorage):
        def get_all_trials(self, *_arguments: Any, **_options: Any) -> list[Any]:
            return tried

    return Tried()


def _distribution(values: Sequence[float | str]) -> Any:
    import optuna  # noqa: PLC0415 - see _ped_anova

    words = sorted({value for value in values if isinstance(value, str)})
    return (
        optuna.distributions.CategoricalDistribution(words) if words else optuna.distributions.FloatDistribution(0, 1)
    )
