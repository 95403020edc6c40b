"""A reused network trains as a freshly built stock Keras model does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from sklearn.metrics import f1_score
from sklearn.utils.class_weight import compute_class_weight

from harness import files
from harness.backbones import frozen_and_trained_parts as backbones
from harness.backbones.weights import RANDOM, Weights
from harness.matrix_schema import Augmentation, Backbone, Protocol
from harness.objectives import scores, tensorflow_settings
from harness.objectives.epoch_graph import Needs
from harness.objectives.keras_training import KerasObjective, Trained, TrainingData, balanced
from harness.objectives.trial_checkpoints import Checkpoints
from harness.phase_clock import Ledger
from harness.search_types import Epoch, Parameters, Proposal
from harness.seeds import derive
from tests.worker.conftest import SMALL

pytestmark = pytest.mark.train

PROTOCOL = Protocol(epochs_per_trial=3, image_size=32)
CLASSES = 3
SEED = 7
BATCH = 8
DRAWS = 30
OTHER: Parameters = {"learning_rate": 0.3, "batch_size": 5, "dropout": 0.5, "optimizer": "adam"}

Batches = Iterator[tuple[NDArray[Any], NDArray[Any]]]


def feature_data(images: int = 90, width: int = 16) -> TrainingData:
    generator = np.random.default_rng(3)
    labels = generator.integers(0, CLASSES, images).astype(np.int32)
    rows = generator.normal(size=(images, width)).astype(np.float32)
    rows[np.arange(images), labels] += 1.5
    return split_in_three(rows, labels)


def image_data(images: int = 30) -> TrainingData:
    generator = np.random.default_rng(4)
    labels = generator.integers(0, CLASSES, images).astype(np.int32)
    rows = generator.integers(0, 120, (images, 32, 32, 3)).astype(np.uint8)
    rows[np.arange(images), :, :, labels] += 100
    return split_in_three(rows, labels)


def split_in_three(rows: NDArray[Any], labels: NDArray[np.int32]) -> TrainingData:
    order = np.random.default_rng(5).permutation(len(rows))
    third = len(rows) // 3
    return TrainingData(
        rows=rows,
        labels=labels,
        classes=CLASSES,
        train=order[third:-5],
        validation=order[:third],
        test=order[-5:],
    )


def objective(
    data: TrainingData,
    trained: Callable[[int | None], Trained],
    *,
    needs: Needs = Needs(),  # noqa: B008 - frozen
    seed: int = SEED,
    protocol: Protocol = PROTOCOL,
    checkpoints: Checkpoints | None = None,
) -> KerasObjective:
    tensorflow_settings.configure(protocol, seed=1)
    return KerasObjective(
        data=data,
        trained=trained,
        scorer=partial(scores.score, metric=protocol.metric),
        protocol=protocol,
        seed=seed,
        ledger=Ledger(clock=time.monotonic, started=time.monotonic()),
        checkpoints=checkpoints,
        needs=needs,
    )


def features_of(width: int) -> Callable[[int | None], Trained]:
    return lambda _: Trained(above=None, width=width)


def proposal(**parameters: Any) -> Proposal:
    return Proposal(parameters={"dropout": 0.0, "batch_size": BATCH, **parameters}, last_epoch=3)


def trained_after_another(subject: KerasObjective, wanted: Proposal) -> list[Epoch]:
    """Train something else first, so that what is compared is a reused network."""
    structure = {name: wanted.parameters[name] for name in ("optimizer", "hidden_units") if name in wanted.parameters}
    list(subject.train(Proposal(parameters={**OTHER, **structure}, last_epoch=2)))
    return list(subject.train(wanted))


def initial_weights(subject: KerasObjective, parameters: Parameters) -> list[NDArray[Any]]:
    subject.prepare(parameters)
    (network, _) = next(iter(subject._built.values()))
    network.reset()
    return network.snapshot()


def batches(data: TrainingData, epoch: int, *, seed: int) -> Batches:
    order = np.random.default_rng(derive(seed, "batches", epoch)).permutation(data.train)
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        yield data.rows[rows].astype(np.float32), np.eye(CLASSES, dtype=np.float32)[data.labels[rows]]


def stock_curve(
    model: Any,
    data: TrainingData,
    *,
    optimizer: Any,
    smoothing: float = 0.0,
    epochs: Sequence[int] = (1, 2, 3),
    weights: dict[int, float] | None = None,
    before: Callable[[int, int], None] = lambda _epoch, _step: None,
) -> list[tuple[float, float]]:
    """Train by Keras' own compiled step; return (loss, macro-F1 by scikit-learn) of every epoch."""
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
    model.compile(optimizer=optimizer, loss=loss)
    curve = []
    for epoch in epochs:
        mean_loss = stock_epoch(model, data, epoch, weights=weights, before=before)
        curve.append((mean_loss, stock_f1(model, data)))
    return curve


def stock_f1(model: Any, data: TrainingData) -> float:
    predicted = model(data.rows[data.validation].astype(np.float32), training=False).numpy().argmax(axis=1)
    return float(f1_score(data.labels[data.validation], predicted, average="macro"))


def stock_epoch(
    model: Any,
    data: TrainingData,
    epoch: int,
    *,
    seed: int = SEED,
    weights: dict[int, float] | None = None,
    before: Callable[[int, int], None] = lambda _epoch, _step: None,
) -> float:
    total = 0.0
    for step, (rows, targets) in enumerate(batches(data, epoch, seed=seed)):
        before(epoch, step)
        model.reset_metrics()
        total += float(model.train_on_batch(rows, targets, class_weight=weights)) * len(rows)
    return total / len(data.train)


def stock_head(width: int, weights: list[NDArray[Any]], *, dropout: float = 0.0, hidden: int = 0) -> Any:
    layers = [keras.Input((width,))]
    layers += [keras.layers.Dense(hidden, activation="relu")] if hidden else []
    layers += [keras.layers.Dropout(dropout), keras.layers.Dense(CLASSES)]
    model = keras.Sequential(layers)
    model.set_weights(weights)
    return model


def assert_same(found: list[Epoch], expected: list[tuple[float, float]], *, rtol: float) -> None:
    assert len(found) == len(expected)
    np.testing.assert_allclose([epoch.loss or 0.0 for epoch in found], [loss for loss, _ in expected], rtol=rtol)
    np.testing.assert_allclose([epoch.val_score for epoch in found], [f1 for _, f1 in expected], rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("adam", lambda: keras.optimizers.Adam(0.01)),
        ("sgd", lambda: keras.optimizers.SGD(0.01, momentum=0.9)),
        ("rmsprop", lambda: keras.optimizers.RMSprop(0.01)),
    ],
)
def test_a_reused_head_equals_a_fresh_stock_model_for_each_optimizer(name: str, make: Callable[[], Any]) -> None:
    data = feature_data()
    subject = objective(data, features_of(16))
    wanted = proposal(learning_rate=0.01, optimizer=name)
    weights = initial_weights(subject, wanted.parameters)

    found = trained_after_another(subject, wanted)

    assert_same(found, stock_curve(stock_head(16, weights), data, optimizer=make()), rtol=1e-5)


def test_a_hidden_layer_and_label_smoothing_equal_stock_keras() -> None:
    data = feature_data()
    subject = objective(data, features_of(16))
    wanted = proposal(learning_rate=0.02, hidden_units=6, label_smoothing=0.2)
    weights = initial_weights(subject, wanted.parameters)

    found = trained_after_another(subject, wanted)

    stock = stock_head(16, weights, hidden=6)
    assert_same(found, stock_curve(stock, data, optimizer=keras.optimizers.Adam(0.02), smoothing=0.2), rtol=1e-5)


def test_weight_decay_equals_stock_adamw() -> None:
    data = feature_data()
    subject = objective(data, features_of(16), needs=Needs(decay=True))
    wanted = proposal(learning_rate=0.01, weight_decay=0.5)
    weights = initial_weights(subject, wanted.parameters)

    found = trained_after_another(subject, wanted)

    stock = stock_curve(stock_head(16, weights), data, optimizer=keras.optimizers.AdamW(0.01, weight_decay=0.5))
    assert_same(found, stock, rtol=1e-5)


def uneven(data: TrainingData) -> TrainingData:
    """Seven in ten images of the first class, one of the last."""
    labels = np.random.default_rng(6).choice(CLASSES, len(data.rows), p=(0.7, 0.2, 0.1)).astype(np.int32)
    return replace(data, labels=labels)


def test_class_weights_equal_those_of_stock_fit() -> None:
    data = uneven(feature_data())
    protocol = PROTOCOL.model_copy(update={"class_weights": "balanced"})
    subject = objective(data, features_of(16), protocol=protocol, needs=Needs(class_weights=True))
    wanted = proposal(learning_rate=0.02, label_smoothing=0.1)
    initial = initial_weights(subject, wanted.parameters)
    trained_on = data.labels[data.train]
    by_scikit = compute_class_weight("balanced", classes=np.arange(CLASSES), y=trained_on)

    found = trained_after_another(subject, wanted)

    optimizer, weights = keras.optimizers.Adam(0.02), dict(enumerate(by_scikit.tolist()))
    stock = stock_curve(stock_head(16, initial), data, optimizer=optimizer, smoothing=0.1, weights=weights)
    assert_same(found, stock, rtol=1e-5)
    assert max(by_scikit) > 2


@pytest.mark.parametrize(
    ("labels", "classes", "weights"),
    [([0, 1, 1, 1], 2, [2, 2 / 3]), ([0, 0, 2], 3, [0.75, 0, 1.5]), ([1], 2, [0, 1]), ([0, 1], 2, [1, 1])],
)
def test_balanced_classes_count_alike_and_an_empty_one_not_at_all(
    labels: list[int], classes: int, weights: list[float]
) -> None:
    assert balanced(np.array(labels), classes).tolist() == pytest.approx(weights)


COSINE = keras.optimizers.schedules.CosineDecay
PER_EPOCH = 7
"""Batches of eight in the 55 images that are trained on."""
SCHEDULES: dict[str, tuple[dict[str, Any], Any]] = {
    "cosine": ({"schedule": "cosine"}, COSINE(0.02, 3 * PER_EPOCH)),
    "after a warm-up": (
        {"schedule": "cosine", "warmup_epochs": 1},
        COSINE(0.0, 2 * PER_EPOCH, warmup_target=0.02, warmup_steps=PER_EPOCH),
    ),
    "after a part of an epoch": (
        {"schedule": "cosine", "warmup_epochs": 0.4},
        COSINE(0.0, 3 * PER_EPOCH - 3, warmup_target=0.02, warmup_steps=3),
    ),
    "a warm-up alone": (
        {"warmup_epochs": 2},
        COSINE(0.0, PER_EPOCH, alpha=1.0, warmup_target=0.02, warmup_steps=2 * PER_EPOCH),
    ),
}


def scheduled(data: TrainingData, *, checkpoints: Checkpoints | None = None, **asked: Any) -> KerasObjective:
    protocol = PROTOCOL.model_copy(update=asked)
    needs = Needs(schedule=True, decay=True)
    return objective(data, features_of(16), protocol=protocol, needs=needs, checkpoints=checkpoints)


@pytest.mark.parametrize(("asked", "stock"), SCHEDULES.values(), ids=SCHEDULES)
def test_a_learning_rate_schedule_equals_stock_keras(asked: dict[str, Any], stock: Any) -> None:
    data = feature_data()
    subject = scheduled(data, **asked)
    wanted = proposal(learning_rate=0.02)
    weights = initial_weights(subject, wanted.parameters)

    found = trained_after_another(subject, wanted)

    optimizer = keras.optimizers.Adam(stock)
    assert_same(found, stock_curve(stock_head(16, weights), data, optimizer=optimizer), rtol=1e-5)


def test_weight_decay_follows_the_schedule_as_stock_adamw_does() -> None:
    data = feature_data()
    asked, schedule = SCHEDULES["after a warm-up"]
    subject = scheduled(data, **asked)
    wanted = proposal(learning_rate=0.02, weight_decay=0.5)
    weights = initial_weights(subject, wanted.parameters)

    found = trained_after_another(subject, wanted)

    optimizer = keras.optimizers.AdamW(schedule, weight_decay=0.5)
    assert_same(found, stock_curve(stock_head(16, weights), data, optimizer=optimizer), rtol=1e-5)


class From(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]  # Keras ships no types
    """Another schedule, from one of its steps on."""

    def __init__(self, schedule: Any, first: int) -> None:
        self.schedule = schedule
        self.first = first

    def __call__(self, step: Any) -> Any:
        return self.schedule(step + self.first)


def test_a_continued_trial_goes_on_in_the_schedule_where_its_parent_ended(tmp_path: Path) -> None:
    data = feature_data()
    asked, schedule = SCHEDULES["after a warm-up"]
    subject = scheduled(data, checkpoints=Checkpoints(tmp_path), **asked)
    parameters = proposal(learning_rate=0.02).parameters
    list(subject.train(Proposal(parameters=parameters, last_epoch=2)))
    subject.keep(0)
    weights = Checkpoints(tmp_path).load(0)

    found = list(subject.train(Proposal(parameters=parameters, first_epoch=3, last_epoch=3, parent=0)))

    optimizer = keras.optimizers.Adam(From(schedule, 2 * PER_EPOCH))
    assert_same(found, stock_curve(stock_head(16, weights), data, optimizer=optimizer, epochs=(3,)), rtol=1e-5)


class Inference(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """What Keras' guide to transfer learning means by ``base(x, training=False)``, also where a caller says True."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def call(self, inputs: Any) -> Any:
        return self.model(inputs, training=False)


def pretrained(images: TrainingData, path: Path) -> Path:
    """Write weights whose batch statistics fit the images, as those of a pretrained model do."""
    tensorflow_settings.configure(PROTOCOL, seed=2)
    model = stock_mobilenet()
    for layer in model.layers:
        layer.momentum = 0.0
    model(images.rows.astype(np.float32) / 127.5 - 1, training=True)
    model.save_weights(path)
    return path


def stock_mobilenet() -> Any:
    return keras.applications.MobileNet(
        input_shape=(32, 32, 3), alpha=0.25, include_top=False, weights=None, pooling="avg"
    )


def stock_fine_tuned(path: Path, train: str, classifier_weights: list[NDArray[Any]], *first: Any) -> Any:
    """A model of keras.applications with its last layers free, after some layers of its own."""
    base = stock_mobilenet()
    base.load_weights(path)
    weighted = [layer for layer in base.layers if layer.trainable_weights]
    free = {"head": 0, "last:4": 4, "all": len(weighted)}[train]
    for layer in weighted[: len(weighted) - free]:
        layer.trainable = False
    classifier = keras.layers.Dense(CLASSES)
    stock = keras.Sequential(
        [keras.Input((32, 32, 3)), *first, keras.layers.Rescaling(1 / 127.5, -1), Inference(base), classifier]
    )
    classifier.set_weights(classifier_weights)
    return stock


@pytest.mark.parametrize("train", ["head", "last:4", "all"])
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning")
def test_a_pretrained_backbone_equals_keras_applications_own(train: str, tmp_path: Path) -> None:
    """The stock side is built from keras.applications alone and sees images; the harness starts from its cut."""
    images = image_data()
    path = pretrained(images, tmp_path / "given.weights.h5")
    weights = Weights(kind="file", path=str(path), sha256=files.sha256_of(path), source="a file", trained_on="nothing")
    spec = Backbone(model="MobileNet", weights=str(path), alpha=0.25, train=train)
    parts = backbones.build(spec, weights, image_size=32, seed=11)
    rows = images.rows if parts.below is None else parts.below(images.rows.astype(np.float32)).numpy()
    subject = objective(replace(images, rows=rows), lambda _: Trained(above=parts.above, width=parts.width))
    # Adam divides by the gradient's size and so blows up rounding where gradients vanish; plain descent does not.
    wanted = proposal(learning_rate=1e-4, optimizer="sgd")
    kernel, bias = initial_weights(subject, wanted.parameters)[-2:]

    found = trained_after_another(subject, wanted)

    stock = stock_fine_tuned(path, train, [kernel, bias])
    assert_same(found, stock_curve(stock, images, optimizer=keras.optimizers.SGD(1e-4, momentum=0.9)), rtol=2e-4)
    # Weights that moved: two curves that stand still would be equal too.
    assert len({round(epoch.loss or 0.0, 3) for epoch in found}) == 3


@pytest.mark.parametrize("train", ["head", "last:4", "all"])
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning")
def test_augmentation_equals_keras_own_layers_before_the_backbone(train: str, tmp_path: Path) -> None:
    """Whatever of the backbone is frozen: its kept activations serve for scoring, and new ones are trained on."""
    images = image_data()
    path = pretrained(images, tmp_path / "given.weights.h5")
    weights = Weights(kind="file", path=str(path), sha256=files.sha256_of(path), source="a file", trained_on="nothing")
    spec = Backbone(model="MobileNet", weights=str(path), alpha=0.25, train=train)
    parts = backbones.build(spec, weights, image_size=32, seed=11)
    rows = images.rows if parts.below is None else parts.below(images.rows.astype(np.float32)).numpy()
    asked = Augmentation(flip="horizontal", rotation=0.1, translation=0.2, zoom=0.3, contrast=0.4)
    subject = objective(
        replace(images, rows=rows, images=None if parts.below is None else images.rows),
        lambda _: Trained(above=parts.above, width=parts.width, below=parts.below),
        protocol=PROTOCOL.model_copy(update={"augmentation": asked}),
    )
    wanted = proposal(learning_rate=1e-4, optimizer="sgd")
    classifier = initial_weights(subject, wanted.parameters)[-2:]

    found = trained_after_another(subject, wanted)

    layers = [
        keras.layers.RandomFlip("horizontal"),
        keras.layers.RandomRotation(0.1),
        keras.layers.RandomTranslation(0.2, 0.2),
        keras.layers.RandomZoom(0.3),
        keras.layers.RandomContrast((0.4, 0.4)),
    ]

    def seeded(epoch: int, step: int) -> None:
        for place, layer in enumerate(layers):
            layer.generator.state.assign([derive(SEED, "augmentation", epoch) + place, step * 16])

    stock = stock_fine_tuned(path, train, classifier, *layers)
    optimizer = keras.optimizers.SGD(1e-4, momentum=0.9)
    assert_same(found, stock_curve(stock, images, optimizer=optimizer, before=seeded), rtol=2e-4)
    assert len({round(epoch.loss or 0.0, 3) for epoch in found}) == 3


def test_a_reused_random_backbone_that_trains_its_batch_statistics_equals_a_fresh_one(tmp_path: Path) -> None:
    path = tmp_path / "small.py"
    path.write_text(SMALL, "utf-8")
    spec = Backbone(model="file", path=str(path), weights="none", train="all")
    file = {"path": str(path), "sha256": files.sha256_of(path)}
    images = image_data()

    def parts() -> backbones.Parts:
        return backbones.build(spec, RANDOM, image_size=32, seed=11, file=file)

    subject = objective(images, lambda _: Trained(above=parts().above, width=parts().width))
    wanted = proposal(learning_rate=1e-3)
    weights = initial_weights(subject, wanted.parameters)

    found = trained_after_another(subject, wanted)

    fresh = parts().above
    assert fresh is not None
    stock = keras.Sequential([fresh, keras.layers.Dropout(0.0), keras.layers.Dense(CLASSES)])
    stock.build((None, 32, 32, 3))
    for variable, value in zip(stock.variables, weights, strict=False):
        variable.assign(value)
    assert_same(found, stock_curve(stock, images, optimizer=keras.optimizers.Adam(1e-3)), rtol=2e-4)


def test_dropout_equals_stock_dropout_in_distribution_on_frozen_features() -> None:
    data = feature_data()
    subject = objective(data, features_of(16))
    weights = initial_weights(subject, {})

    found = harness_draws(subject, proposal(learning_rate=0.05, dropout=0.6))

    stock = stock_head(16, weights, dropout=0.6)
    assert_alike(found, stock_draws(stock, data, weights, optimizer=keras.optimizers.Adam(0.05)))


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning")
def test_dropout_equals_stock_dropout_in_distribution_on_a_fine_tuned_backbone(tmp_path: Path) -> None:
    images = image_data()
    path = pretrained(images, tmp_path / "given.weights.h5")
    given = Weights(kind="file", path=str(path), sha256=files.sha256_of(path), source="a file", trained_on="nothing")
    spec = Backbone(model="MobileNet", weights=str(path), alpha=0.25, train="last:4")
    parts, fresh = (backbones.build(spec, given, image_size=32, seed=11) for _ in range(2))
    assert parts.below is not None
    rows = parts.below(images.rows.astype(np.float32)).numpy()
    data = replace(images, rows=rows)
    subject = objective(data, lambda _: Trained(above=parts.above, width=parts.width))
    wanted = proposal(learning_rate=1e-3, dropout=0.6, optimizer="sgd")
    weights = initial_weights(subject, wanted.parameters)

    found = harness_draws(subject, wanted)

    stock = keras.Sequential([fresh.above, keras.layers.Dropout(0.6), keras.layers.Dense(CLASSES)])
    stock.build((None, *rows.shape[1:]))
    optimizer = keras.optimizers.SGD(1e-3, momentum=0.9)
    assert_alike(found, stock_draws(stock, data, weights, optimizer=optimizer))


def harness_draws(subject: KerasObjective, wanted: Proposal) -> list[tuple[float, float]]:
    """Train with thirty seeds from the same weights; return loss and F1 of the last epoch of each."""
    found = []
    for draw in range(DRAWS):
        subject._seed = SEED + 1000 * draw
        last = list(subject.train(wanted))[-1]
        found.append((last.loss or 0.0, last.val_score))
    return found


def stock_draws(
    model: Any, data: TrainingData, weights: list[NDArray[Any]], *, optimizer: Any
) -> list[tuple[float, float]]:
    """Do the same with a stock model, which draws its own dropout over the same batches."""
    model.compile(optimizer=optimizer, loss=keras.losses.CategoricalCrossentropy(from_logits=True))
    optimizer.build(model.trainable_variables)
    learned = [variable for variable in model.variables if "seed_generator" not in variable.path]
    found = []
    for draw in range(DRAWS):
        for variable, value in zip(learned, weights, strict=True):
            variable.assign(value)
        for variable in optimizer.variables:
            if variable is not optimizer.learning_rate:
                variable.assign(np.zeros(variable.shape))
        losses = [stock_epoch(model, data, epoch, seed=SEED + 1000 * draw) for epoch in (1, 2, 3)]
        found.append((losses[-1], stock_f1(model, data)))
    return found


def assert_alike(found: list[tuple[float, float]], expected: list[tuple[float, float]]) -> None:
    """Two-sample Kolmogorov-Smirnov on the losses and on the scores."""
    for ours, theirs in zip(zip(*found, strict=True), zip(*expected, strict=True), strict=True):
        assert len(set(ours)) > 1
        assert stats.ks_2samp(ours, theirs).pvalue > 0.01
