from __future__ import annotations

import math
import random
from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Any

import pytest

from harness.errors import MachineError
from harness.meters import Usage
from harness.phase_clock import Ledger, on_the_clock
from harness.search_loop import ReplayMismatch, Search
from harness.search_types import Diverged, Epoch, Outcome, OutOfMemory, Proposal, SearchBudget, Trial, TrialFailed


class FakeClock:
    """Moves when the fakes work."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class ScriptedTuner:
    """Proposes what it was given, and remembers all that it was told."""

    def __init__(
        self, *proposals: Proposal, stop_at: Mapping[int, int] | None = None, clock: FakeClock | None = None
    ) -> None:
        self._proposals = list(proposals)
        self._stop_at = stop_at or {}
        self._clock = clock
        self._number = -1
        self.reported: list[tuple[int, float]] = []
        self.told: list[Trial] = []

    def ask(self) -> Proposal | None:
        if self._clock is not None:
            self._clock.now += 0.5
        self._number += 1
        return self._proposals.pop(0) if self._proposals else None

    def report(self, proposal: Proposal, epoch: int, score: float) -> bool:  # noqa: ARG002 - the seam's signature
        self.reported.append((epoch, score))
        return self._stop_at.get(self._number) == epoch

    def tell(self, trial: Trial) -> None:
        self.told.append(trial)


class ScriptedObjective:
    """Yields the scores it was given, or raises; an epoch takes a second to train and a quarter to evaluate.

    The structure of proposals without ``hidden_units`` is built already.
    """

    images_per_epoch = 60

    def __init__(self, ledger: Ledger, clock: FakeClock, *curves: Sequence[float | Exception]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._curves = list(curves)
        self.closed = 0
        self.kept: list[int] = []
        self.tested = 0
        self.breaks_when_tested: dict[int, Exception] = {}
        self.most_builds = 2
        self._built: list[object] = [None]

    def train(self, proposal: Proposal) -> Generator[Epoch]:
        curve = self._curves.pop(0)
        self._build(proposal.parameters.get("hidden_units"))
        try:
            for number, step in enumerate(curve, start=proposal.first_epoch):
                with self._ledger.phase("train"):
                    self._clock.now += 1.0
                if isinstance(step, Exception):
                    raise step
                with self._ledger.phase("evaluate"):
                    self._clock.now += 0.25
                yield Epoch(epoch=number, val_score=step, loss=1.0, train_s=1.0, evaluate_s=0.25)
        finally:
            self.closed += 1

    def _build(self, structure: object) -> None:
        """Take ten seconds for a structure that is not kept; the one that was not used for longest goes."""
        if structure in self._built:
            self._built.remove(structure)
        else:
            with self._ledger.phase("build"):
                self._clock.now += 10.0
        self._built = [*self._built, structure][-self.most_builds :]

    def test_score(self) -> float:
        self._clock.now += 100.0
        self.tested += 1
        if self.tested in self.breaks_when_tested:
            raise self.breaks_when_tested[self.tested]
        return 0.9 + self.tested / 1000

    def keep(self, number: int) -> None:
        self.kept.append(number)


class Bench:
    """A search with its fakes."""

    def __init__(
        self,
        *curves: Sequence[float | Exception],
        budget: SearchBudget,
        tuner: ScriptedTuner | None = None,
        **more: Any,
    ) -> None:
        self.clock = FakeClock()
        self.ledger = Ledger(clock=self.clock, started=0.0)
        self.objective = ScriptedObjective(self.ledger, self.clock, *curves)
        self.tuner = tuner or ScriptedTuner(*[proposal() for _ in curves], clock=self.clock)
        self.kept: list[Trial] = []
        self.search = Search(
            tuner=self.tuner,
            objective=self.objective,
            budget=budget,
            ledger=self.ledger,
            usage=Usage(cpu_s=self.clock, energy=None),
            keep=self.kept.append,
            watch=lambda *_: None,
            **more,
        )

    def run(self, recorded: Iterable[Trial] = ()) -> str:
        self.search.replay(list(recorded))
        self.ledger.take()
        return self.search.run()


def proposal(first: int = 1, last: int = 3, **parameters: Any) -> Proposal:
    return Proposal(parameters=parameters or {"learning_rate": 0.1}, first_epoch=first, last_epoch=last)


LOTS = SearchBudget(epochs=1000)


def test_a_search_ends_when_nothing_is_left_to_propose() -> None:
    bench = Bench([0.1, 0.2, 0.3], [0.4, 0.2, 0.1], budget=LOTS)

    assert bench.run() == "exhausted"

    assert [trial.outcome for trial in bench.kept] == [Outcome.COMPLETED] * 2
    assert [trial.number for trial in bench.kept] == [0, 1]
    assert [epoch.val_score for epoch in bench.kept[1].epochs] == [0.4, 0.2, 0.1]


def test_a_tuner_without_a_proposal_makes_an_empty_search() -> None:
    bench = Bench(budget=LOTS)

    assert bench.run() == "exhausted"
    assert bench.kept == []


def test_every_tuner_is_reported_each_epoch_and_told_the_best() -> None:
    bench = Bench([0.2, 0.4, 0.3], budget=LOTS)

    bench.run()

    assert bench.tuner.reported == [(1, 0.2), (2, 0.4), (3, 0.3)]
    assert bench.tuner.told[0].score == 0.4


def test_a_replayed_trial_is_reported_as_it_was() -> None:
    bench = Bench([0.2, 0.4, 0.3], budget=LOTS)
    bench.run()
    again = Bench(budget=LOTS, tuner=ScriptedTuner(proposal()))

    again.run(bench.kept)

    assert again.tuner.reported == bench.tuner.reported


def test_the_epoch_budget_cuts_a_trial_in_the_middle_and_keeps_it() -> None:
    bench = Bench([0.1, 0.2, 0.3], [0.4, 0.5, 0.6], budget=SearchBudget(epochs=4))

    assert bench.run() == "budget: epochs"

    assert [trial.outcome for trial in bench.kept] == [Outcome.COMPLETED, Outcome.CUT]
    assert bench.kept[1].score == 0.4
    assert bench.search.spent.epochs == 4


def test_a_budget_that_ends_with_a_trial_cuts_nothing() -> None:
    bench = Bench([0.1, 0.2, 0.3], [0.4, 0.5, 0.6], budget=SearchBudget(epochs=3))

    assert bench.run() == "budget: epochs"
    assert [trial.outcome for trial in bench.kept] == [Outcome.COMPLETED]


@pytest.mark.parametrize(
    ("budget", "trials", "why"),
    [
        (SearchBudget(trials=1), 1, "trials"),
        (SearchBudget(device_s=1.25 * 4), 2, "device_s"),
        (SearchBudget(wall_s=0.5 + 1.25 * 3 + 0.5), 2, "wall_s"),
    ],
)
def test_the_first_limit_reached_ends_a_search(budget: SearchBudget, trials: int, why: str) -> None:
    bench = Bench(*[[0.1, 0.2, 0.3]] * 3, budget=budget)

    assert bench.run() == f"budget: {why}"
    assert len(bench.kept) == trials


def test_dollars_are_wall_seconds_times_the_price() -> None:
    bench = Bench(*[[0.1, 0.2, 0.3]] * 3, budget=SearchBudget(cost_usd=0.001), usd_per_hour=3600 * 0.0002)

    assert bench.run() == "budget: cost_usd"
    assert bench.search.spent.wall_s == pytest.approx(5.0, abs=1.3)


@pytest.mark.parametrize(
    ("error", "outcome", "score"),
    [
        (Diverged("the loss became nan in epoch 2"), Outcome.DIVERGED, 0.2),
        (OutOfMemory("device full"), Outcome.OUT_OF_MEMORY, None),
        (TrialFailed("no such kernel"), Outcome.FAILED, None),
    ],
)
def test_a_trial_that_breaks_is_charged_told_and_survived(
    error: Exception, outcome: Outcome, score: float | None
) -> None:
    bench = Bench([0.2, error], [0.5, 0.6, 0.7], budget=LOTS)

    assert bench.run() == "exhausted"

    broken, whole = bench.kept
    assert (broken.outcome, broken.score, broken.reason) == (outcome, score, str(error))
    assert broken.charged_epochs == 2
    assert broken.images == 120
    assert broken.phases["train"] == 2.0
    assert bench.tuner.told[0].outcome is outcome
    assert whole.outcome is Outcome.COMPLETED


def test_divergence_before_the_first_score_is_a_score_of_zero() -> None:
    bench = Bench([Diverged("nan")], budget=LOTS)

    bench.run()

    assert bench.kept[0].score == 0.0
    assert bench.kept[0].epochs == ()


def test_trials_that_only_break_still_use_up_the_budget() -> None:
    bench = Bench(*[[OutOfMemory("full")]] * 9, budget=SearchBudget(epochs=4))

    assert bench.run() == "budget: epochs"
    assert len(bench.kept) == 4


def test_a_bug_in_training_is_not_swallowed() -> None:
    bench = Bench([0.2, ZeroDivisionError()], budget=LOTS)

    with pytest.raises(ZeroDivisionError):
        bench.run()


def test_a_pruned_trial_stops_and_frees_its_training() -> None:
    tuner = ScriptedTuner(proposal(), proposal(), stop_at={0: 2})
    bench = Bench([0.2, 0.1, 0.9], [0.5, 0.6, 0.7], budget=LOTS, tuner=tuner)

    bench.run()

    assert [trial.outcome for trial in bench.kept] == [Outcome.PRUNED, Outcome.COMPLETED]
    assert len(bench.kept[0].epochs) == 2
    assert bench.objective.closed == 2


def test_pruning_at_the_last_epoch_is_completion() -> None:
    bench = Bench([0.1, 0.2, 0.3], budget=LOTS, tuner=ScriptedTuner(proposal(), stop_at={0: 3}))

    bench.run()

    assert bench.kept[0].outcome is Outcome.COMPLETED


def test_a_trial_ends_once_its_patience_does_and_is_completed_with_its_best_score() -> None:
    bench = Bench([0.2, 0.4, 0.3, 0.4, 0.9], budget=LOTS, tuner=ScriptedTuner(proposal(last=5)), patience=2)

    bench.run()

    (trial,) = bench.kept
    assert (trial.outcome, trial.score) == (Outcome.COMPLETED, 0.4)
    assert [epoch.epoch for epoch in trial.epochs] == [1, 2, 3, 4]
    assert (trial.charged_epochs, trial.images) == (4, 240)
    assert trial.reason == "no better score since epoch 2 (patience 2)"
    assert bench.tuner.told[0].score == 0.4
    assert bench.objective.closed == 1


@pytest.mark.parametrize("patience", [0, 2, 3])
def test_a_trial_that_gets_better_in_time_is_trained_to_its_last_epoch(patience: int) -> None:
    curve = [0.1, 0.1, 0.2, 0.2, 0.3] if patience else [0.3, 0.2, 0.2, 0.2, 0.1]
    bench = Bench(curve, budget=LOTS, tuner=ScriptedTuner(proposal(last=5)), patience=patience)

    bench.run()

    assert (len(bench.kept[0].epochs), bench.kept[0].outcome, bench.kept[0].reason) == (5, Outcome.COMPLETED, None)


def test_patience_that_ends_with_the_last_epoch_has_nothing_to_say() -> None:
    bench = Bench([0.3, 0.2, 0.1], budget=LOTS, patience=2)

    bench.run()

    assert (len(bench.kept[0].epochs), bench.kept[0].reason) == (3, None)


def test_epochs_that_patience_saved_stay_in_the_budget() -> None:
    curves = [[0.3, 0.2, 0.1, 0.1, 0.1]] * 9
    tuner = ScriptedTuner(*[proposal(last=5)] * 9)
    bench = Bench(*curves, budget=SearchBudget(epochs=7), tuner=tuner, patience=1)

    assert bench.run() == "budget: epochs"

    assert [trial.charged_epochs for trial in bench.kept] == [2, 2, 2, 1]
    assert [trial.outcome for trial in bench.kept] == [*[Outcome.COMPLETED] * 3, Outcome.CUT]


def test_a_trial_that_ended_by_itself_was_neither_pruned_nor_cut_in_that_epoch() -> None:
    tuner = ScriptedTuner(proposal(), stop_at={0: 2})
    bench = Bench([0.3, 0.2, 0.4], budget=SearchBudget(epochs=2), tuner=tuner, patience=1)

    assert bench.run() == "budget: epochs"
    assert [trial.outcome for trial in bench.kept] == [Outcome.COMPLETED]


def test_a_continued_trial_has_its_patience_to_itself() -> None:
    tuner = ScriptedTuner(proposal(), proposal(first=4, last=9))
    bench = Bench([0.9, 0.8], [0.1, 0.2, 0.2, 0.3, 0.3, 0.3], budget=LOTS, tuner=tuner, patience=1)

    bench.run()

    assert [[epoch.epoch for epoch in trial.epochs] for trial in bench.kept] == [[1, 2], [4, 5, 6]]
    assert bench.kept[1].reason == "no better score since epoch 5 (patience 1)"


def test_a_search_with_patience_that_is_resumed_goes_on_where_it_was() -> None:
    curves = [[0.3, 0.1, 0.9], [0.4, 0.5, 0.2], [0.1, 0.1, 0.5]]
    proposals = [proposal(learning_rate=rate) for rate in (0.1, 0.2, 0.3)]
    whole = Bench(*curves, budget=LOTS, tuner=ScriptedTuner(*proposals), patience=1)
    whole.run()

    resumed = Bench(*curves[1:], budget=LOTS, tuner=ScriptedTuner(*proposals), patience=1)
    resumed.run(recorded=whole.kept[:1])

    assert [strip(trial) for trial in resumed.kept] == [strip(trial) for trial in whole.kept[1:]]
    assert resumed.tuner.reported == whole.tuner.reported
    assert resumed.search.spent.epochs == whole.search.spent.epochs == 7


def stopped_by_keras(curve: Sequence[float], patience: int) -> int:
    """How many epochs of the curve Keras' own callback lets be trained."""
    import keras  # noqa: PLC0415 - TensorFlow, for marked tests only

    stopping = keras.callbacks.EarlyStopping(monitor="val_score", mode="max", patience=patience)
    stopping.set_model(keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]))
    stopping.model.stop_training = False
    stopping.on_train_begin()
    for number, score in enumerate(curve):
        stopping.on_epoch_end(number, {"val_score": score})
        if stopping.model.stop_training:
            return number + 1
    return len(curve)


@pytest.mark.train
@pytest.mark.parametrize("patience", [1, 2, 3, 5])
def test_a_trial_ends_where_keras_own_callback_stops(patience: int) -> None:
    drawn = random.Random(patience)  # noqa: S311 - no secret
    # Few values, so that many are equal.
    curves = [[drawn.randint(0, 9) / 10 for _ in range(12)] for _ in range(60)]
    bench = Bench(*curves, budget=LOTS, tuner=ScriptedTuner(*[proposal(last=12)] * 60), patience=patience)

    bench.run()

    ended = [len(trial.epochs) for trial in bench.kept]
    assert ended == [stopped_by_keras(curve, patience) for curve in curves]
    assert len(set(ended)) >= 3


def test_test_images_are_scored_once_per_new_incumbent_off_the_clock() -> None:
    bench = Bench([0.2, 0.2, 0.3], [0.3, 0.1, 0.4], budget=LOTS)

    bench.run()

    audited = [[epoch.test_score for epoch in trial.epochs] for trial in bench.kept]
    assert audited == [[0.901, None, 0.902], [None, None, 0.903]]
    assert bench.search.spent.wall_s == pytest.approx(2 * (0.5 + 3.75))
    assert sum(trial.phases.get("audit", 0.0) for trial in bench.kept) == 300.0
    assert sum(trial.cpu_s or 0.0 for trial in bench.kept) == pytest.approx(2 * (0.5 + 3.75))


def test_an_audit_of_every_trial_scores_each_trials_own_best() -> None:
    bench = Bench([0.5, 0.6, 0.1], [0.2, 0.3, 0.1], budget=LOTS, audit="trial")

    bench.run()

    assert [epoch.test_score is None for epoch in bench.kept[1].epochs] == [False, False, True]


@pytest.mark.parametrize("error", [OutOfMemory("device full"), TrialFailed("no such kernel"), Diverged("nan")])
def test_what_breaks_while_test_images_are_scored_changes_nothing_that_a_tuner_sees(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    curves = [[0.3, 0.9, 0.5], [0.8, 0.95, 0.1]]
    whole, broken = Bench(*curves, budget=SearchBudget(epochs=5)), Bench(*curves, budget=SearchBudget(epochs=5))
    broken.objective.breaks_when_tested = {2: error}

    assert broken.run() == whole.run()

    assert broken.tuner.reported == whole.tuner.reported
    assert [strip(trial) for trial in broken.tuner.told] == [strip(trial) for trial in whole.tuner.told]
    assert [strip(trial) for trial in broken.kept] == [strip(trial) for trial in whole.kept]
    assert [trial.phases for trial in broken.kept] == [trial.phases for trial in whole.kept]
    audited = [[epoch.test_score for epoch in trial.epochs] for trial in broken.kept]
    assert audited == [[0.901, None, None], [None, 0.903]]
    assert broken.search.incumbent == whole.search.incumbent == 0.95
    (line,) = caplog.messages
    assert line == f"trial 0, epoch 2: its test score stays unknown: {type(error).__name__}: {error}"


def test_an_incumbent_without_a_test_score_stays_the_incumbent() -> None:
    bench = Bench([0.9, 0.1, 0.1], [0.5, 0.6, 0.7], budget=LOTS)
    bench.objective.breaks_when_tested = {1: OutOfMemory("device full")}

    bench.run()

    assert bench.objective.tested == 1
    assert {epoch.test_score for trial in bench.kept for epoch in trial.epochs} == {None}


@pytest.mark.parametrize("error", [ZeroDivisionError(), MachineError("the device is gone")])
def test_a_bug_and_the_machines_trouble_end_a_search_even_while_test_images_are_scored(error: Exception) -> None:
    bench = Bench([0.2, 0.3, 0.4], budget=LOTS)
    bench.objective.breaks_when_tested = {1: error}

    with pytest.raises(type(error)):
        bench.run()

    assert bench.kept == bench.tuner.told == []


def test_a_score_of_nan_is_no_incumbent() -> None:
    bench = Bench([math.nan, 0.0, 0.1], budget=LOTS)

    bench.run()

    assert [epoch.test_score is None for epoch in bench.kept[0].epochs] == [True, False, False]


def test_the_phases_of_a_search_sum_to_the_wall_clock() -> None:
    bench = Bench([0.2, 0.1, 0.3], [0.3, 0.1, 0.4], budget=LOTS)

    bench.run()

    booked = sum(sum(trial.phases.values()) for trial in bench.kept) + sum(bench.ledger.take().values())
    assert booked == pytest.approx(bench.clock.now)


def test_the_weights_of_each_trial_are_kept_before_the_trial_is() -> None:
    bench = Bench([0.1, 0.2, 0.3], [0.1, 0.2, 0.3], budget=LOTS)

    bench.run()

    assert bench.objective.kept == [0, 1]


def test_a_resumed_search_goes_on_where_it_was() -> None:
    curves = [[0.2, 0.1, 0.3], [0.4, 0.1, 0.2], [0.1, 0.5, 0.5]]
    proposals = [proposal(learning_rate=rate) for rate in (0.1, 0.2, 0.3)]
    whole = Bench(*curves, budget=SearchBudget(epochs=8), tuner=ScriptedTuner(*proposals))
    whole.run()

    resumed = Bench(*curves[1:], budget=SearchBudget(epochs=8), tuner=ScriptedTuner(*proposals))
    resumed.run(recorded=whole.kept[:1])

    assert [strip(trial) for trial in resumed.kept] == [strip(trial) for trial in whole.kept[1:]]
    assert [is_audited(trial) for trial in resumed.kept] == [is_audited(trial) for trial in whole.kept[1:]]
    assert resumed.tuner.reported == whole.tuner.reported


def strip(trial: Trial) -> tuple[Any, ...]:
    scores = [(epoch.epoch, epoch.val_score) for epoch in trial.epochs]
    return trial.number, dict(trial.parameters), trial.outcome, trial.reason, trial.charged_epochs, scores


def is_audited(trial: Trial) -> list[bool]:
    return [epoch.test_score is not None for epoch in trial.epochs]


def test_a_finished_search_that_is_resumed_trains_nothing() -> None:
    first = Bench([0.2, 0.1, 0.3], budget=SearchBudget(epochs=3))
    first.run()

    again = Bench([0.2, 0.1, 0.3], budget=SearchBudget(epochs=3))

    assert again.run(recorded=first.kept) == "budget: epochs"
    assert again.kept == []


def test_a_tuner_that_proposes_otherwise_than_recorded_is_refused() -> None:
    first = Bench([0.2, 0.1, 0.3], budget=SearchBudget(epochs=3))
    first.run()
    other = Bench([0.1], budget=LOTS, tuner=ScriptedTuner(proposal(learning_rate=0.7)))

    with pytest.raises(ReplayMismatch, match=r"trial 0: .*0\.7.*recorded is .*0\.1.*--retry-failed"):
        other.run(recorded=first.kept)


def test_what_replaying_uses_is_not_charged_to_the_next_trial() -> None:
    whole = Bench([0.2, 0.1, 0.3], [0.4, 0.1, 0.2], budget=LOTS)
    whole.run()

    resumed = Bench([0.4, 0.1, 0.2], budget=LOTS)
    resumed.tuner = resumed.search.tuner = ScriptedTuner(proposal(), proposal(), clock=resumed.clock)
    resumed.run(recorded=whole.kept[:1])

    assert resumed.kept[0].cpu_s == whole.kept[1].cpu_s
    assert resumed.kept[0].phases == whole.kept[1].phases


class SlowMeter:
    """Takes three seconds to be read; a joule passes each second."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock

    def read_j(self) -> float:
        self._clock.now += 3.0
        return self._clock.now


@pytest.mark.parametrize("budget", [LOTS, SearchBudget(wall_s=0.5 + 1.25 * 3 + 0.5)])
def test_a_meter_that_is_slow_to_read_costs_no_search_anything(budget: SearchBudget) -> None:
    plain, metered = (Bench(*[[0.1, 0.2, 0.3]] * 3, budget=budget) for _ in range(2))
    usage = Usage(cpu_s=metered.clock, energy=SlowMeter(metered.clock))
    metered.search.usage = usage
    metered.ledger.pause(usage.paused)

    assert plain.run() == metered.run()

    assert charged(metered) == charged(plain)
    assert [len(trial.epochs) for trial in metered.kept] == [len(trial.epochs) for trial in plain.kept]
    assert {trial.phases["meter"] for trial in metered.kept} == {6.0}


def units(*structures: int) -> list[Proposal]:
    return [proposal(hidden_units=each) for each in structures]


def charged(bench: Bench) -> list[tuple[float, float | None]]:
    """What each trial is charged, in wall seconds and in CPU seconds."""
    return [(on_the_clock(dict(trial.phases)), trial.cpu_s) for trial in bench.kept]


def builds(bench: Bench) -> list[float]:
    return [trial.phases.get("build", 0.0) for trial in bench.kept]


@pytest.mark.parametrize(("structures", "built"), [((8, 9, 8, 9), [1, 1, 0, 0]), ((7, 8, 9, 7), [1, 1, 1, 1])])
def test_what_a_trial_costs_does_not_depend_on_which_structures_came_before_it(
    structures: tuple[int, ...], built: list[int]
) -> None:
    curves = [[0.2, 0.2, 0.2]] * 4
    plain, tuned = (Bench(*curves, budget=LOTS) for _ in range(2))
    tuned.tuner = tuned.search.tuner = ScriptedTuner(*units(*structures), clock=tuned.clock)

    assert plain.run() == tuned.run() == "exhausted"

    assert builds(tuned) == [10.0 * each for each in built]
    assert charged(tuned) == charged(plain) == [(0.5 + 3.75, 0.5 + 3.75)] * 4
    assert tuned.search.spent.wall_s == plain.search.spent.wall_s


@pytest.mark.parametrize("budget", [SearchBudget(wall_s=0.5 + 1.25 * 3 + 0.5), SearchBudget(cost_usd=0.001)])
def test_builds_use_up_no_budget_in_seconds_nor_in_dollars(budget: SearchBudget) -> None:
    plain, tuned = (Bench(*[[0.1, 0.2, 0.3]] * 3, budget=budget, usd_per_hour=0.75) for _ in range(2))
    tuned.tuner = tuned.search.tuner = ScriptedTuner(*units(7, 8, 9), clock=tuned.clock)

    assert plain.run() == tuned.run() != "exhausted"

    assert [len(trial.epochs) for trial in tuned.kept] == [len(trial.epochs) for trial in plain.kept]
    assert sum(builds(tuned)) == 10.0 * len(tuned.kept) > 0


def test_a_resumed_search_builds_again_what_its_process_lacks_and_charges_the_same() -> None:
    curves, asked = [[0.2, 0.1, 0.3], [0.4, 0.1, 0.2], [0.1, 0.5, 0.5]], units(8, 9, 8)
    whole = Bench(*curves, budget=LOTS)
    whole.tuner = whole.search.tuner = ScriptedTuner(*asked, clock=whole.clock)
    whole.run()

    resumed = Bench(*curves[2:], budget=LOTS)
    resumed.tuner = resumed.search.tuner = ScriptedTuner(*asked, clock=resumed.clock)
    resumed.run(recorded=whole.kept[:2])

    assert (builds(whole)[2:], builds(resumed)) == ([0.0], [10.0])
    assert charged(resumed) == charged(whole)[2:]
    assert resumed.search.spent.wall_s == whole.search.spent.wall_s


def test_a_build_that_fails_ends_its_trial_and_is_not_charged(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench([0.1], budget=SearchBudget(epochs=1))

    def too_large(_: object) -> None:
        with bench.ledger.phase("build"):
            bench.clock.now += 10.0
            raise OutOfMemory("device full")

    monkeypatch.setattr(bench.objective, "_build", too_large)

    assert bench.run() == "budget: epochs"

    assert (bench.kept[0].outcome, bench.kept[0].charged_epochs) == (Outcome.OUT_OF_MEMORY, 1)
    assert charged(bench) == [(0.5, 0.5)]
