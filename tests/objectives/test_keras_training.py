from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from harness.errors import MachineError
from harness.matrix_schema import Protocol
from harness.objectives import keras_training, scores, tensorflow_errors, tensorflow_settings
from harness.objectives.epoch_graph import EVALUATION_BATCH, Needs
from harness.objectives.keras_training import KerasObjective, Trained, TrainingData
from harness.objectives.trial_checkpoints import Checkpoints
from harness.phase_clock import PHASES, Ledger
from harness.search_types import Diverged, Epoch, OutOfMemory, Proposal, TrialFailed

pytestmark = pytest.mark.train


@pytest.fixture(autouse=True)
def float32_again() -> Iterator[None]:
    yield
    keras.mixed_precision.set_global_policy("float32")


def objective(
    data: TrainingData,
    *,
    checkpoints: Path | None = None,
    seed: int = 0,
    warmed_up: Sequence[int] = (),
    **protocol: Any,
) -> KerasObjective:
    settings = Protocol(epochs_per_trial=3, image_size=32, **protocol)
    tensorflow_settings.configure(settings, seed=1)
    return KerasObjective(
        data=data,
        trained=lambda _: Trained(above=None, width=data.rows.shape[1]),
        scorer=partial(scores.score, metric=settings.metric),
        protocol=settings,
        seed=seed,
        ledger=Ledger(clock=time.monotonic, started=time.monotonic()),
        checkpoints=None if checkpoints is None else Checkpoints(checkpoints),
        needs=Needs(
            schedule="schedule" in protocol or "warmup_epochs" in protocol, class_weights="class_weights" in protocol
        ),
        warmed_up=warmed_up,
    )


def proposal(first: int = 1, last: int = 3, parent: int | None = None, **parameters: Any) -> Proposal:
    values = {"learning_rate": 0.02, "batch_size": 16, "dropout": 0.3, **parameters}
    return Proposal(parameters=values, first_epoch=first, last_epoch=last, parent=parent)


def loss(epoch: Epoch) -> float:
    assert epoch.loss is not None
    return epoch.loss


def curve(epochs: list[Epoch]) -> list[tuple[int, float, float | None]]:
    return [(epoch.epoch, epoch.val_score, epoch.loss) for epoch in epochs]


def test_training_learns(features: TrainingData) -> None:
    epochs = list(objective(features).train(proposal(last=15)))

    assert loss(epochs[-1]) < loss(epochs[0])
    assert max(epoch.val_score for epoch in epochs) > 0.6
    assert all((epoch.train_s or 0) > 0 and (epoch.evaluate_s or 0) > 0 for epoch in epochs)


def test_equal_parameters_give_equal_curves_whatever_was_trained_before(features: TrainingData) -> None:
    subject = objective(features)
    first = curve(list(subject.train(proposal())))
    list(subject.train(proposal(batch_size=7, learning_rate=0.5, dropout=0.9, hidden_units=4)))

    assert curve(list(subject.train(proposal()))) == first
    assert curve(list(objective(features).train(proposal()))) == first


class FakeSteps:
    """Batches as a GPU that has to compile its kernels sees them: how many rows, and in which phase of the ledger."""

    def __init__(self, ledger: Ledger, fails: Exception | None = None) -> None:
        self.seen: list[tuple[str, int, str]] = []
        self._ledger = ledger
        self._fails = fails

    def __call__(self, *_: object, **__: object) -> FakeSteps:
        return self

    def train(self, order: Any, batch_size: int, *_: object) -> float:
        if batch_size > 2 and self._fails is not None:
            raise self._fails
        self._note("train", order, batch_size)
        return 0.0

    def predict(self, index: Any) -> None:
        self._note("predict", index, EVALUATION_BATCH)

    def _note(self, what: str, index: Any, batch_size: int) -> None:
        (phase,) = (name for name in PHASES if name == self._ledger._current)
        self.seen += [(what, len(index[at : at + batch_size]), phase) for at in range(0, len(index), batch_size)]


def test_what_a_gpu_compiles_for_each_shape_is_compiled_while_the_network_is_built(
    features: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = objective(features, warmed_up=[16, 200])
    steps = FakeSteps(subject._ledger)
    monkeypatch.setattr(keras_training, "Steps", steps)

    subject.prepare({"learning_rate": 0.02})

    # 53 images to train on: three batches of 16 and one of 5, or one of 53; 22 and 15 to score.
    shapes = [
        ("train", 2),
        ("predict", 1),
        ("train", 16),
        ("train", 5),
        ("train", 53),
        ("predict", 22),
        ("predict", 15),
    ]
    assert steps.seen == [(what, rows, "build") for what, rows in shapes]


def test_on_a_cpu_only_the_graphs_are_traced(features: TrainingData, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = objective(features)
    steps = FakeSteps(subject._ledger)
    monkeypatch.setattr(keras_training, "Steps", steps)

    subject.prepare({"learning_rate": 0.02})

    assert [(what, rows) for what, rows, _ in steps.seen] == [("train", 2), ("predict", 1)]


@pytest.mark.parametrize("kind", [tf.errors.ResourceExhaustedError, tf.errors.InternalError])
def test_a_batch_that_fails_is_left_to_the_trial_that_asks_for_it(
    features: TrainingData,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    kind: type[tf.errors.OpError],
) -> None:
    subject = objective(features, warmed_up=[16])
    fails = kind(None, None, "OOM when allocating\nmore")
    monkeypatch.setattr(keras_training, "Steps", FakeSteps(subject._ledger, fails=fails))

    subject.prepare({"learning_rate": 0.02})

    assert f"can't be warmed up: {kind.__name__}: OOM when allocating" in caplog.text


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_what_was_warmed_up_trains_as_it_would_have(features: TrainingData, precision: Any) -> None:
    cold = curve(list(objective(features, precision=precision).train(proposal())))

    warm = objective(features, precision=precision, warmed_up=[16, 7, 1000])
    warm.prepare({"learning_rate": 0.5})

    assert curve(list(warm.train(proposal()))) == cold


@pytest.mark.parametrize(
    ("rows", "batch_size", "taken"), [(53, 16, 21), (48, 16, 16), (10, 16, 10), (16, 16, 16), (0, 16, 0)]
)
def test_a_whole_batch_and_an_epochs_last_are_taken(rows: int, batch_size: int, taken: int) -> None:
    assert len(keras_training.whole_and_rest(np.arange(rows), batch_size)) == taken


def test_another_seed_gives_another_curve(features: TrainingData) -> None:
    assert curve(list(objective(features, seed=0).train(proposal()))) != curve(
        list(objective(features, seed=1).train(proposal()))
    )


@pytest.mark.parametrize("batch_size", [1, 52, 53, 10_000])
def test_any_batch_size_trains_every_image_once(features: TrainingData, batch_size: int) -> None:
    epochs = list(objective(features).train(proposal(batch_size=batch_size, last=2)))

    assert [epoch.epoch for epoch in epochs] == [1, 2]


def test_the_loss_of_an_epoch_is_the_mean_over_its_images(features: TrainingData) -> None:
    """A learning rate of almost nothing leaves the weights alone: any batch size must then find the same loss."""
    subject = objective(features)

    losses = [
        next(subject.train(proposal(learning_rate=1e-12, dropout=0.0, batch_size=size))).loss for size in (1, 20, 53)
    ]

    assert losses == pytest.approx([losses[0]] * 3, rel=1e-5)


def test_the_rate_at_the_last_step_of_a_trial_is_near_0_with_a_falling_schedule(features: TrainingData) -> None:
    subject = objective(features, schedule="cosine")

    list(subject.train(proposal(batch_size=53, learning_rate=0.02)))

    assert subject._current is not None
    # Three steps in all, of which the last stands a third before the end of the half cosine.
    assert float(subject._current[0].optimizer.learning_rate) == pytest.approx(0.02 * 0.25)


def test_a_short_trial_is_the_beginning_of_a_long_one_under_a_schedule(features: TrainingData) -> None:
    subject = objective(features, schedule="cosine", warmup_epochs=1)

    long = curve(list(subject.train(proposal(last=3))))

    assert curve(list(subject.train(proposal(last=1)))) == long[:1]
    assert curve(list(subject.train(proposal(last=2)))) == long[:2]
    assert curve(list(objective(features).train(proposal(last=3)))) != long


def test_schedules_sizes_of_batches_and_rates_share_one_graph(features: TrainingData) -> None:
    subject = objective(features, schedule="cosine", warmup_epochs=1)
    for parameters in ({}, {"schedule": "constant"}, {"batch_size": 7}, {"learning_rate": 0.5}):
        list(subject.train(proposal(last=2, **parameters)))

    ((_, steps),) = subject._built.values()
    assert steps.train.experimental_get_tracing_count() == 1


def test_a_schedule_named_in_a_set_takes_the_protocols_place(features: TrainingData) -> None:
    subject = objective(features, schedule="cosine")

    kept = curve(list(subject.train(proposal(schedule="constant"))))

    assert kept == curve(list(objective(features).train(proposal())))
    assert kept != curve(list(subject.train(proposal())))


def test_classes_are_weighed_by_the_training_part_alone(features: TrainingData) -> None:
    elsewhere = features.labels.copy()
    elsewhere[features.validation] = 0
    others = replace(features, labels=elsewhere)

    one, other = (objective(data, class_weights="balanced").train(proposal()) for data in (features, others))

    assert [epoch.loss for epoch in one] == [epoch.loss for epoch in other]


def test_class_weights_named_in_a_set_take_the_protocols_place(features: TrainingData) -> None:
    subject = objective(features, class_weights="balanced")

    kept = curve(list(subject.train(proposal(class_weights="none"))))

    assert kept == curve(list(objective(features).train(proposal())))
    assert kept != curve(list(subject.train(proposal())))


def test_divergence_ends_a_trial_and_the_next_is_as_if_nothing_had_been(features: TrainingData) -> None:
    subject = objective(features)
    untouched = curve(list(subject.train(proposal())))

    with pytest.raises(Diverged, match=r"the loss became (nan|inf) in epoch"):
        list(subject.train(proposal(learning_rate=1e38, optimizer="sgd", last=9)))
    with pytest.raises(Diverged):
        list(subject.train(proposal(learning_rate=3e38, last=9)))

    assert curve(list(subject.train(proposal()))) == untouched


def test_a_continued_trial_starts_from_its_parents_best_weights(features: TrainingData, tmp_path: Path) -> None:
    subject = objective(features, checkpoints=tmp_path)
    parent = list(subject.train(proposal(last=2)))
    subject.keep(0)
    list(subject.train(proposal(learning_rate=0.5)))
    subject.keep(1)

    first = next(subject.train(proposal(first=3, last=6, parent=0)))

    assert first.epoch == 3
    assert loss(first) < loss(parent[0])
    again = next(objective(features, checkpoints=tmp_path).train(proposal(first=3, last=6, parent=0)))
    assert (again.loss, again.val_score) == (first.loss, first.val_score)


def test_the_best_epochs_weights_are_kept_not_the_lasts(features: TrainingData, tmp_path: Path) -> None:
    subject = objective(features, checkpoints=tmp_path)
    scores: dict[float, list[Any]] = {}
    for epoch in subject.train(proposal(last=6, learning_rate=0.3)):
        assert subject._current is not None
        scores.setdefault(epoch.val_score, subject._current[0].snapshot())

    subject.keep(4)

    best = scores[max(scores)]
    for kept, expected in zip(Checkpoints(tmp_path).load(4), best, strict=True):
        np.testing.assert_array_equal(kept, expected)


def test_nothing_is_kept_where_no_trial_continues_another(features: TrainingData, tmp_path: Path) -> None:
    subject = objective(features)
    list(subject.train(proposal()))

    subject.keep(0)

    assert list(tmp_path.iterdir()) == []


def test_a_structure_is_built_once_and_booked_as_build(features: TrainingData) -> None:
    subject = objective(features)
    subject.prepare({})
    subject._ledger.take()

    list(subject.train(proposal(hidden_units=8, last=1)))
    first = subject._ledger.take()
    list(subject.train(proposal(hidden_units=8, last=1, learning_rate=0.1)))
    second = subject._ledger.take()

    assert first["build"] > 0
    assert "build" not in second


@pytest.mark.parametrize(("structures", "built"), [((0, 8, 0, 8), 2), ((1, 2, 3, 4, 5, 1), 6)])
def test_each_structure_that_is_not_kept_is_a_build_of_its_own(
    features: TrainingData, structures: tuple[int, ...], built: int
) -> None:
    subject = objective(features)
    booked = []
    for units in structures:
        list(subject.train(proposal(hidden_units=units, last=1)))
        booked.append(subject._ledger.take())

    assert sum("build" in phases for phases in booked) == built


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_trains(features: TrainingData, precision: str) -> None:
    epochs = list(objective(features, precision=precision).train(proposal(last=15)))

    assert loss(epochs[-1]) < loss(epochs[0])


def test_compiled_steps_agree_with_uncompiled_ones(features: TrainingData) -> None:
    plain = list(objective(features).train(proposal(dropout=0.0)))
    compiled = list(objective(features, jit=True, determinism=False).train(proposal(dropout=0.0)))

    assert [epoch.loss for epoch in compiled] == pytest.approx([epoch.loss for epoch in plain], rel=1e-4)


@pytest.mark.parametrize("jit", [False, True])
def test_training_is_compiled_if_asked_and_never_by_the_devices_leave(features: TrainingData, *, jit: bool) -> None:
    subject = objective(features, jit=jit, determinism=False)
    list(subject.train(proposal(last=1)))

    ((_, steps),) = subject._built.values()
    assert steps._step._jit_compile is jit
    assert steps.predict._jit_compile is False


def test_test_images_are_scored_with_the_weights_as_they_stand(features: TrainingData) -> None:
    swapped = replace(features, validation=features.test, test=features.validation)
    subject, mirror = objective(features), objective(swapped)

    for one, other in zip(subject.train(proposal()), mirror.train(proposal()), strict=True):
        assert subject.test_score() == other.val_score
        assert mirror.test_score() == one.val_score


def test_scoring_before_training_is_a_bug_and_says_so(features: TrainingData) -> None:
    with pytest.raises(RuntimeError, match="nothing has been trained"):
        objective(features).test_score()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (tf.errors.ResourceExhaustedError(None, None, "OOM when allocating\nmore"), OutOfMemory),
        (tf.errors.InternalError(None, None, "no kernel\nmore"), TrialFailed),
    ],
)
def test_tensorflows_errors_become_outcomes_in_one_line(
    features: TrainingData, monkeypatch: pytest.MonkeyPatch, error: Exception, expected: type[Exception]
) -> None:
    subject = objective(features)
    subject.prepare({})

    def break_down(*_: object) -> float:
        raise error

    monkeypatch.setattr(subject, "_train_epoch", break_down)

    with pytest.raises(expected) as caught:
        next(subject.train(proposal()))
    assert "\n" not in str(caught.value)


def lost_device(*_: object, **__: object) -> Any:
    """Stands for any call on a device that is gone."""
    raise tf.errors.InternalError(None, None, "CUDA_ERROR_LAUNCH_FAILED")


@pytest.mark.parametrize("call", ["_network_for", "_begin", "_train_epoch", "_score", "_remember"])
def test_a_device_that_is_gone_is_the_machines_trouble_wherever_it_shows(
    features: TrainingData, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    subject = objective(features)
    subject.prepare({})
    monkeypatch.setattr(tensorflow_errors, "compute_a_little", lost_device)
    monkeypatch.setattr(subject, call, lost_device)

    with pytest.raises(MachineError, match="the device no longer computes: InternalError: CUDA_ERROR_LAUNCH_FAILED"):
        next(subject.train(proposal()))


def test_a_device_that_is_gone_while_test_images_are_scored_is_the_machines_trouble(
    features: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = objective(features)
    next(subject.train(proposal()))
    monkeypatch.setattr(tensorflow_errors, "compute_a_little", lost_device)
    monkeypatch.setattr(subject, "_score", lost_device)

    with pytest.raises(MachineError):
        subject.test_score()


def test_a_bug_in_training_is_no_outcome(features: TrainingData, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = objective(features)
    subject.prepare({})

    def stumble(*_: object) -> float:
        raise ZeroDivisionError

    monkeypatch.setattr(subject, "_train_epoch", stumble)

    with pytest.raises(ZeroDivisionError):
        next(subject.train(proposal()))


def test_builds_that_have_not_been_used_for_longest_are_let_go(features: TrainingData) -> None:
    subject = objective(features)
    for units in (0, 1, 2, 3, 0, 4):
        subject.prepare({"hidden_units": units})

    assert [structure.hidden_units for structure in subject._built] == [2, 3, 0, 4]


def test_what_is_known_of_the_model_counts_its_trained_weights(features: TrainingData) -> None:
    assert objective(features).prepare({"hidden_units": 5})["trained_weights"] == 16 * 5 + 5 + 5 * 3 + 3


def test_memory_of_a_gpu_that_is_not_there_is_unknown_with_its_reason() -> None:
    reading = tensorflow_settings.device_peak_memory()

    assert reading.value is None
    assert reading.reason == "no GPU: the device's memory is the machine's"
