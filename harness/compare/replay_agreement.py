"""Whether searches that were replayed on recorded curves are those that really trained."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.phase_clock import OFF_THE_CLOCK, THINKING
from harness.reports.report_types import TableSection
from harness.results_folder import SearchName
from harness.search_types import Trial

MOST_SECONDS_APART = 0.05
"""How far all seconds of a replay may be from those of the searches that it stands for."""

Pair = tuple[Sequence[Trial], Sequence[Trial]]
"""The trials of a real search, and those of its replay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TunerAgreement:
    """One tuner's searches against their replays.

    ``proposals`` and ``scores`` count the searches in which all were the same; ``real_s`` and ``replayed_s`` are what
    they were charged for, without the tuner's thinking.
    """

    tuner: str
    searches: int
    proposals: int
    scores: int
    real_s: float
    replayed_s: float

    @property
    def ratio(self) -> float:
        """Replayed seconds over real ones."""
        return self.replayed_s / self.real_s if self.real_s else float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayAgreement:
    """What replays of real searches came to; ``differences`` has a line for each search that differs."""

    tuners: tuple[TunerAgreement, ...]
    differences: tuple[str, ...]

    @property
    def whole(self) -> TunerAgreement:
        """All tuners together."""
        names = ("searches", "proposals", "scores", "real_s", "replayed_s")
        return TunerAgreement(tuner="all", **{name: sum(getattr(each, name) for each in self.tuners) for name in names})

    @property
    def agrees(self) -> bool:
        """Whether every proposal and score is the same, and the seconds of all within ``MOST_SECONDS_APART``."""
        return not self.differences and abs(self.whole.ratio - 1) <= MOST_SECONDS_APART

    @property
    def section(self) -> TableSection:
        """A row for each tuner, and one for all."""
        return TableSection(
            heading="Replayed against real",
            columns=("tuner", "searches", "same proposals", "same scores", "real s", "replayed s", "ratio"),
            rows=[_row(each) for each in (*self.tuners, self.whole)],
        )


def of(pairs: Mapping[SearchName, Pair]) -> ReplayAgreement:
    """Compare each real search with its replay."""
    by_tuner: dict[str, list[Pair]] = defaultdict(list)
    for name, pair in pairs.items():
        by_tuner[name.tuner].append(pair)
    differences = (f"{name}: {said}" for name, pair in pairs.items() if (said := _difference(*pair)) is not None)
    return ReplayAgreement(
        tuners=tuple(_of_tuner(tuner, found) for tuner, found in by_tuner.items()), differences=tuple(differences)
    )


def _of_tuner(tuner: str, pairs: Sequence[Pair]) -> TunerAgreement:
    return TunerAgreement(
        tuner=tuner,
        searches=len(pairs),
        proposals=sum(list(map(_proposed, real)) == list(map(_proposed, replayed)) for real, replayed in pairs),
        scores=sum(list(map(_scored, real)) == list(map(_scored, replayed)) for real, replayed in pairs),
        real_s=sum(_charged_s(trial) for real, _ in pairs for trial in real),
        replayed_s=sum(_charged_s(trial) for _, replayed in pairs for trial in replayed),
    )


def _difference(real: Sequence[Trial], replayed: Sequence[Trial]) -> str | None:
    """Say where a replay first differs; None where it doesn't."""
    for ours, theirs in zip(real, replayed, strict=False):
        if _proposed(ours) != _proposed(theirs):
            return f"trial {ours.number}: proposed {_proposed(ours)}, and in the replay {_proposed(theirs)}"
        if _scored(ours) != _scored(theirs):
            return f"trial {ours.number}: scores or end differ"
    return None if len(real) == len(replayed) else f"{len(real)} trials, and {len(replayed)} in the replay"


def _proposed(trial: Trial) -> tuple[object, ...]:
    return dict(trial.parameters), trial.first_epoch, trial.last_epoch, trial.parent


def _scored(trial: Trial) -> tuple[object, ...]:
    epochs = [(each.epoch, each.val_score, each.loss, each.test_score) for each in trial.epochs]
    return epochs, trial.outcome, trial.charged_epochs, trial.images


def _charged_s(trial: Trial) -> float:
    return sum(seconds for name, seconds in trial.phases.items() if name not in (*OFF_THE_CLOCK, *THINKING))


def _row(found: TunerAgreement) -> list[str]:
    counts = (found.searches, found.proposals, found.scores)
    return [found.tuner, *map(str, counts), *(f"{each:.3f}" for each in (found.real_s, found.replayed_s, found.ratio))]
