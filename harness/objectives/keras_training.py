"""Keras training as an objective: built once for a search, set back between trials."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from harness.hyperparameters import KNOWN
from harness.matrix_schema import Protocol
from harness.objectives import scores, tensorflow_errors
from harness.objectives.augmentation import Augmenter
from harness.objectives.epoch_graph import EVALUATION_BATCH, Augmented, Needs, Steps
from harness.objectives.schedules import Schedule
from harness.objectives.scores import Scorer
from harness.objectives.trained_part import Network, Structure
from harness.objectives.training_inputs import Rows
from harness.objectives.trial_checkpoints import Checkpoints
from harness.phase_clock import Ledger
from harness.search_types import Diverged, Epoch, Parameters, Proposal, is_better
from harness.seeds import derive

log = logging.getLogger(__name__)

# Builds are kept for when their structure comes again; each holds a model, its optimizer and its graphs in memory.
MOST_BUILDS = 4

Index = npt.NDArray[np.integer]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingData:
    """Rows to train on, ``labels`` (N,) and the row numbers of each part of the split.

    ``images``, uint8 (N, H, W, 3), are what the rows are activations of; None where they are images or not needed.
    """

    rows: npt.NDArray[Any]
    labels: Index
    classes: int
    train: Index
    validation: Index
    test: Index
    images: npt.NDArray[np.uint8] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What a structure's backbone part is: a Keras model (None: the rows are features) of ``width`` outputs.

    ``below`` is the frozen model that makes rows of images; None where there is none or it isn't needed. ``facts`` is
    what a record says of the backbone.
    """

    above: Any | None
    width: int
    below: Any | None = None
    facts: Mapping[str, int] = field(default_factory=dict)


class KerasObjective:
    """Trains proposals; equal parameters give equal curves, whatever was trained before."""

    def __init__(
        self,
        *,
        data: TrainingData,
        trained: Callable[[int | None], Trained],
        scorer: Scorer,
        protocol: Protocol,
        seed: int,
        ledger: Ledger,
        checkpoints: Checkpoints | None,
        needs: Needs,
        warmed_up: Sequence[int] = (),
    ) -> None:
        """Hold the data on the device; nothing is built yet.

        ``trained`` makes the backbone's trained part for a fine-tune depth (None: as the matrix says); ``scorer`` makes
        the score that tuners maximise. ``checkpoints`` is where trials leave their best weights, or None where no trial
        continues another. ``needs`` is what trials may ask for that costs time in every step. ``warmed_up`` are the
        batch sizes whose first step belongs to the build.
        """
        self._data = data
        self._rows = Rows(data.rows)
        self._images = self._rows if data.images is None else Rows(data.images)
        self._trained = trained
        self._scorer = scorer
        self._protocol = protocol
        self._seed = seed
        self._ledger = ledger
        self._checkpoints = checkpoints
        self._needs = needs
        self._warmed_up = warmed_up
        self._built: dict[Structure, tuple[Network, Steps]] = {}
        self._facts: Mapping[str, int] = {}
        self._current: tuple[Network, Steps] | None = None
        self._best_weights: list[npt.NDArray[Any]] | None = None

    @property
    def images_per_epoch(self) -> int:
        """How many training images an epoch sees."""
        return len(self._data.train)

    @property
    def network(self) -> Network:
        """What is trained, with its weights as they stand."""
        if self._current is None:
            raise RuntimeError("nothing has been trained yet")
        return self._current[0]

    def prepare(self, parameters: Parameters) -> dict[str, Any]:
        """Build and trace the network that ``parameters`` need, ahead of the search; return what is known of it."""
        with tensorflow_errors.as_outcomes():
            network, _ = self._network_for(self.completed(parameters))
        trained_weights = sum(math.prod(variable.shape) for variable in network.trainable)
        return {**self._facts, "trained_weights": trained_weights}

    def completed(self, parameters: Parameters) -> Parameters:
        """Add what a hyperparameter set leaves out: what the protocol says, else the defaults.

        The depth stays out unless it is tuned.
        """
        defaults = {name: known.default for name, known in KNOWN.items() if known.otherwise is None}
        said = {"schedule": self._protocol.schedule, "class_weights": self._protocol.class_weights}
        return {**defaults, **said, **parameters}

    def initial_classifier(self, parameters: Parameters) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Return the weights that the classifier begins with, (width, classes) and (classes,)."""
        return self._network_for(self.completed(parameters))[0].initial_classifier

    def train(self, proposal: Proposal) -> Generator[Epoch]:
        """Train epoch by epoch, from the initial weights or from the parent's best ones."""
        parameters = self.completed(proposal.parameters)
        with tensorflow_errors.as_outcomes():
            network, steps = self._current = self._network_for(parameters)
            self._begin(network, steps, parameters, proposal.parent)
        best: float | None = None
        for number in range(proposal.first_epoch, proposal.last_epoch + 1):
            with tensorflow_errors.as_outcomes():
                epoch = self._epoch(steps, int(parameters["batch_size"]), number)
                if is_better(epoch.val_score, best):
                    best = epoch.val_score
                    self._remember(network)
            yield epoch

    def test_score(self) -> float:
        """Score the weights as they stand on the test images."""
        with tensorflow_errors.as_outcomes():
            return self._score(self._data.test)

    def keep(self, number: int) -> None:
        """Store the best weights of the trial just ended; nothing where no trial continues another."""
        if self._checkpoints is not None and self._best_weights is not None:
            self._checkpoints.save(number, self._best_weights)
        self._best_weights = None

    def _network_for(self, parameters: Parameters) -> tuple[Network, Steps]:
        structure = Structure(
            optimizer=str(parameters["optimizer"]),
            hidden_units=int(parameters["hidden_units"]),
            fine_tune_depth=int(parameters["fine_tune_depth"]) if "fine_tune_depth" in parameters else None,
        )
        built = self._built.pop(structure, None)
        if built is None:
            with self._ledger.phase("build"):
                built = self._build(structure)
        # The latest stands last; the one that was not used for longest goes.
        self._built[structure] = built
        if len(self._built) > MOST_BUILDS:
            del self._built[next(iter(self._built))]
        return built

    def _build(self, structure: Structure) -> tuple[Network, Steps]:
        data = self._data
        part = self._trained(structure.fine_tune_depth)
        self._facts = part.facts
        network = Network(
            above=part.above,
            width=part.width,
            classes=data.classes,
            structure=structure,
            seed=derive(self._seed, "weights"),
        )
        steps = Steps(
            network,
            self._rows,
            data.labels,
            classes=data.classes,
            jit=self._protocol.jit,
            needs=self._needs,
            schedule=Schedule(epochs=self._protocol.epochs_per_trial, warmup_epochs=self._protocol.warmup_epochs),
            balance=balanced(data.labels[data.train], data.classes),
            augmented=self._augmented(part),
        )
        # One step and one prediction trace the graphs, so that the first trial doesn't pay for all.
        steps.train(data.train[:2].astype(np.int32), 2, 1, np.zeros(2, np.int32))
        steps.predict(data.validation[:1].astype(np.int32))
        self._warm_up(steps)
        return network, steps

    def _warm_up(self, steps: Steps) -> None:
        """Run the batches that trials will ask for once: a GPU's kernels are compiled and chosen by their shapes.

        What fails here, for want of memory say, is left to the trial that asks for it and judged there; each trial
        begins by a reset.
        """
        try:
            for batch_size in self._warmed_up:
                index = whole_and_rest(self._data.train, batch_size)
                steps.train(index.astype(np.int32), batch_size, 1, np.zeros(2, np.int32))
            for part in (self._data.validation, self._data.test) if self._warmed_up else ():
                steps.predict(whole_and_rest(part, EVALUATION_BATCH).astype(np.int32))
        except tf.errors.OpError as error:
            log.warning("can't be warmed up: %s: %s", type(error).__name__, str(error).partition("\n")[0])

    def _augmented(self, part: Trained) -> Augmented | None:
        if not self._protocol.augments:
            return None
        return Augmented(images=self._images, augmentation=Augmenter(self._protocol.augmentation), frozen=part.below)

    def _begin(self, network: Network, steps: Steps, parameters: Parameters, parent: int | None) -> None:
        with self._ledger.phase("train"):
            network.reset()
            if parent is not None and self._checkpoints is not None:
                network.restore(self._checkpoints.load(parent))
            steps.begin(parameters)

    def _epoch(self, steps: Steps, batch_size: int, number: int) -> Epoch:
        before = self._ledger.booked("train"), self._ledger.booked("evaluate")
        with self._ledger.phase("train"):
            loss = self._train_epoch(steps, batch_size, number)
        if not math.isfinite(loss):
            raise Diverged(f"the loss became {loss} in epoch {number}")
        with self._ledger.phase("evaluate"):
            val_score = self._score(self._data.validation)
        return Epoch(
            epoch=number,
            val_score=val_score,
            loss=loss,
            train_s=self._ledger.booked("train") - before[0],
            evaluate_s=self._ledger.booked("evaluate") - before[1],
        )

    def _train_epoch(self, steps: Steps, batch_size: int, number: int) -> float:
        order = epoch_order(self._seed, number, self._data.train)
        return float(steps.train(order, batch_size, number, epoch_seeds(self._seed, number)))

    def _score(self, index: Index) -> float:
        if self._current is None:
            raise RuntimeError("nothing has been trained yet")
        _, steps = self._current
        predicted = steps.predict(index.astype(np.int32)).numpy()
        counts = scores.confusion(self._data.labels[index], predicted, self._data.classes)
        return self._scorer(counts)

    def _remember(self, network: Network) -> None:
        if self._checkpoints is not None:
            with self._ledger.phase("checkpoint"):
                self._best_weights = network.snapshot()


def epoch_order(seed: int, number: int, train: Index) -> npt.NDArray[np.int32]:
    """Return the rows of ``train`` in the order in which the ``number``-th epoch of any trial sees them."""
    return np.random.default_rng(derive(seed, "batches", number)).permutation(train).astype(np.int32)


def epoch_seeds(seed: int, number: int) -> npt.NDArray[np.int32]:
    """Return the seeds of dropout and of augmentation in that epoch, (2,)."""
    return np.array([derive(seed, role, number) for role in ("dropout", "augmentation")], np.int32)


def whole_and_rest(index: Index, batch_size: int) -> Index:
    """Return rows that make one batch of ``batch_size``, where there are as many, and then what an epoch's last has."""
    return index[: min(batch_size, len(index)) + (len(index) % batch_size if len(index) > batch_size else 0)]


def balanced(labels: Index, classes: int) -> npt.NDArray[np.float32]:
    """Return how much an image of each class counts so that the classes that are there count alike, (classes,).

    It is images over classes times images of the class, as scikit-learn's "balanced"; 0 for a class without images.
    """
    counts = np.bincount(labels, minlength=classes)
    shares = len(labels) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    return np.where(counts > 0, shares, 0.0).astype(np.float32)
