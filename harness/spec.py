"""What a matrix file may say: one model for each section, and the source of the JSON schema."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Scalar = int | float | str | bool


class Section(BaseModel):
    """Base of every section: strict, closed to unknown keys, frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)


class Dataset(Section):
    """Labelled images."""

    source: str
    """A built-in name (`animals`, `digits`, `cifar10`, `tf_flowers`, …), or `folder` or `npz` with a path."""
    path: str | None = None
    """Folder or file of a `folder` or `npz` source; relative paths start at the matrix file."""
    per_class: Annotated[int, Field(ge=1)] | None = None
    """At most so many images of each class, drawn by `sample_seed`."""
    max_images: Annotated[int, Field(ge=1)] | None = None
    """At most so many images in all, drawn by `sample_seed` with the classes' shares kept."""
    sample_seed: int = 0
    """Seed of the limits' draw. The same for every search, so that the data set is one thing."""


class Backbone(Section):
    """A pretrained image model and how much of it is trained."""

    model: str
    """A classification model of keras.applications by its own name, or `EfficientNetLite0`."""
    weights: str = "imagenet"
    """`imagenet`, `packaged`, `none`, or a weights file."""
    weights_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    """Refuse weights with another SHA-256."""
    train: Annotated[str, Field(pattern="^(head|all|last:[1-9][0-9]*)$")] = "head"
    """`head` (backbone frozen), `last:N` (its last N layers too) or `all`."""
    alpha: Annotated[float, Field(gt=0)] | None = None
    """Width multiplier of MobileNet, MobileNetV2."""


class Tuner(Section):
    """What proposes configurations."""

    tuner: str
    """One of the tuners that `harness doctor` lists."""
    pruner: Literal["none", "median", "percentile", "asha", "hyperband", "patient"] = "none"
    """Optuna's pruner, for `optuna-…` tuners."""
    options: dict[str, Scalar] = {}
    """Options of the tuner itself, passed through."""
    pruner_options: dict[str, Scalar] = {}
    """Options of the pruner, passed through."""


class Domain(Section):
    """The values that a hyperparameter may take: a range, or choices."""

    low: float | None = None
    """Smallest value, included."""
    high: float | None = None
    """Largest value, included."""
    log: bool = False
    """Spread evenly in the logarithm."""
    step: float | None = None
    """Distance between neighbouring values of a linear range."""
    choices: list[Scalar] | None = None
    """The values, where they are listed."""
    default: Scalar | None = None
    """The untuned value, and the first that some tuners try."""


class Budget(Section):
    """What each search may spend; the first limit reached ends it."""

    epochs: Annotated[int, Field(ge=1)] | None = None
    """Training epochs over all trials."""
    trials: Annotated[int, Field(ge=1)] | None = None
    """Trials."""
    wall_s: Annotated[float, Field(gt=0)] | None = None
    """Seconds from the first ask, the tuner's thinking included."""
    device_s: Annotated[float, Field(gt=0)] | None = None
    """Seconds in which the device trained and evaluated."""
    cost_usd: Annotated[float, Field(gt=0)] | None = None
    """Dollars, from the price file."""


class Split(Section):
    """Shares of the images; they sum to 1. Ignored where a data set brings its own folders."""

    train: Annotated[float, Field(gt=0, lt=1)] = 0.6
    """Share that is trained on."""
    validation: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Share that tuners are scored on."""
    test: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Share that no tuner sees."""


class Protocol(Section):
    """How every trial of the matrix is trained and scored."""

    metric: Literal["macro_f1", "weighted_f1", "micro_f1", "accuracy"] = "macro_f1"
    """What tuners maximise on the validation images."""
    epochs_per_trial: Annotated[int, Field(ge=1)] = 10
    """Epochs of a trial at full fidelity."""
    image_size: Annotated[int, Field(ge=32, le=1024)] = 224
    """Height and width in pixels that images are resized to."""
    split: Split = Split()
    """Shares for training, validation and test."""
    determinism: bool = True
    """Make every operation repeat exactly (slower on a GPU)."""
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = "float32"
    """Number format of the computation."""
    jit: bool = False
    """Compile training steps with XLA."""
    learning_rate_factors: list[Annotated[float, Field(gt=0)]] = []
    """After the searches, retrain the best configuration at these multiples of its learning rate (0.1, 1, 10)."""


class Rule(Section):
    """Cells by the names of their parts; a part left out matches every name."""

    dataset: str | list[str] | None = None
    """Data sets, by name."""
    backbone: str | list[str] | None = None
    """Backbones, by name."""
    tuner: str | list[str] | None = None
    """Tuners, by name."""
    hyperparameters: str | list[str] | None = None
    """Hyperparameter sets, by name."""
    seed: int | list[int] | None = None
    """Seeds."""


class Matrix(Section):
    """Data sets × backbones × tuners × hyperparameter sets × seeds: one search for each combination."""

    datasets: dict[str, Dataset]
    """Named data sets."""
    backbones: dict[str, Backbone]
    """Named backbones."""
    tuners: dict[str, Tuner]
    """Named tuners."""
    hyperparameters: dict[str, dict[str, Domain | Scalar]]
    """Named sets: hyperparameter to domain or fixed value."""
    seeds: list[int]
    """One search for each; at least ten before a difference should be believed."""
    budget: Budget
    """What each search may spend."""
    protocol: Protocol = Protocol()
    """How every trial is trained and scored."""
    include: list[Rule] = []
    """If given, only cells that match one of these are run."""
    exclude: list[Rule] = []
    """Cells that match one of these are not run."""
