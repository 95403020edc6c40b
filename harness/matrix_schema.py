"""What a matrix file may say: one model for each section, and the source of the JSON schema."""

from __future__ import annotations

from typing import Annotated, Final, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError, PydanticKnownError

from harness.search_types import Value

_LARGEST_COUNT = 10**9
_LARGEST_SEED = 2**31 - 1
_LARGEST_INTEGER = 2**63 - 1
# How a metric ends that is a Python file.
_OWN = ".py"

RECORDED: Final = "recorded"
"""The source of data, and the model, that are known only by learning curves which others recorded."""
PACKAGE: Final = "package:"
"""What stands before the name of an installed package's entry point, in place of a file's path."""


def _number_or_text(value: object) -> object:
    # One check before the union: a union alone would report one mistake for each of its members.
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise PydanticCustomError("value", "no number or text")
    return _scalar(value)


def _scalar(value: object) -> object:
    if not isinstance(value, (int, float, str)):
        raise PydanticCustomError("scalar", "no scalar")
    # Written so that NaN, of which every comparison is false, is refused too.
    if not isinstance(value, str) and not abs(value) <= _LARGEST_INTEGER:
        raise PydanticCustomError("too_large", "too large")
    return value


def _listed(value: object) -> object:
    return [value] if isinstance(value, (int, str)) and not isinstance(value, bool) else value


def _domain_or_value(value: object) -> str:
    return "domain" if isinstance(value, (dict, BaseModel)) else "value"


def _is_own(metric: str) -> bool:
    return metric.endswith(_OWN) or metric.startswith(PACKAGE)


def _metric(value: object) -> object:
    known = get_args(Metric)
    if value in known or (isinstance(value, str) and _is_own(value)):
        return value
    raise PydanticKnownError("literal_error", {"expected": ", ".join(map(repr, known))})


Device = Literal["any", "gpu"]
Metric = Literal["macro_f1", "weighted_f1", "micro_f1", "accuracy"]
Scalar = Annotated[int | float | str | bool, BeforeValidator(_scalar)]
Plain = Annotated[Value, BeforeValidator(_number_or_text)]
Bound = Annotated[float, Field(ge=-_LARGEST_INTEGER, le=_LARGEST_INTEGER)]
Count = Annotated[int, Field(ge=1, le=_LARGEST_COUNT)]
Amount = Annotated[float, Field(gt=0, le=_LARGEST_COUNT)]
Seed = Annotated[int, Field(ge=0, le=_LARGEST_SEED)]
Names = Annotated[
    list[str],
    Field(min_length=1),
    BeforeValidator(_listed, json_schema_input_type=str | Annotated[list[str], Field(min_length=1)]),
]
Seeds = Annotated[
    list[Seed],
    Field(min_length=1),
    BeforeValidator(_listed, json_schema_input_type=Seed | Annotated[list[Seed], Field(min_length=1)]),
]


class Section(BaseModel):
    """Base of every section: strict, closed to unknown keys, frozen."""

    # Built at first use, so that commands which read no matrix start sooner.
    model_config = ConfigDict(
        allow_inf_nan=False,
        defer_build=True,
        extra="forbid",
        frozen=True,
        strict=True,
        use_attribute_docstrings=True,
    )


class Columns(Section):
    """What the columns of a data set are called; one that is left out is known by its usual names, or by its kind."""

    image: Annotated[str | None, Field(min_length=1, examples=["file"])] = None
    """Paths of the images, relative to the table's folder or absolute; of `huggingface` and `tfds` the pictures."""
    label: Annotated[str | None, Field(min_length=1, examples=["species"])] = None
    """Classes of the images."""
    part: Annotated[str | None, Field(min_length=1, examples=["split"])] = None
    """Parts that the images are fixed in: train, validation, test."""
    group: Annotated[str | None, Field(min_length=1, examples=["site"])] = None
    """Groups, such as sites, bursts or animals, whose images stay in one part."""


class Dataset(Section):
    """Labelled images."""

    source: Annotated[str, Field(examples=["animals"])]
    """A built-in name (`animals`, `digits`, `cifar10`, `tf_flowers`, …), or `folder`, `table`, `huggingface`, `tfds`,
    `npz` or `file` with a path; or `recorded`, known only by learning curves of others that are replayed.

    May be left out where the section is named after it."""
    path: Annotated[str | None, Field(examples=["data/birds"])] = None
    """Folder or file of a source that needs one, relative to the matrix file; for `file` the Python
    file that reads your data, or `package:NAME`, a package's."""
    columns: Annotated[Columns | None, Field(examples=[{"image": "file", "label": "species"}])] = None
    """What its columns are called, see below. Only for `table`, `huggingface` and `tfds` sources."""
    data: Annotated[str | None, Field(examples=["data/birds"])] = None
    """Folder or file that your own code reads; relative paths start at the matrix file.

    Only for a `file` source, and needed there."""
    options: Annotated[dict[str, Scalar], Field(examples=[{"channels": 3}])] = {}
    """Options of that code, passed through."""
    folders: Annotated[Literal["classes", "parts"] | None, Field(examples=["classes"])] = None
    """What the folders in `path` are: `classes`, or `parts` (train, validation, test) that hold the classes' folders.

    Only for a `folder` source, and needed only where their names leave it open."""
    group_by: Annotated[str | None, Field(min_length=1, examples=["site_[0-9]+"])] = None
    """What keeps the images of a site, a burst or an animal in one part: a regular expression, of which the first
    group, or else the whole match, in an image's path below `path` is its group's name; with `groups`, a column of
    that file.

    Only for `folder` and `table` sources."""
    groups: Annotated[str | None, Field(min_length=1, examples=["data/sites.csv"])] = None
    """A CSV file that says which group each image is of: its rows hold images' paths below `path`, or their file names,
    and the column `group_by`. Relative paths start at the matrix file."""
    per_class: Annotated[Count | None, Field(examples=[100])] = None
    """At most so many images of each class, drawn by `sample_seed`."""
    max_images: Annotated[Count | None, Field(examples=[1000])] = None
    """At most so many images in all, drawn by `sample_seed` with the classes' shares kept."""
    sample_seed: Annotated[Seed, Field(examples=[7])] = 0
    """Seed of the limits' draw. The same for every search, so that the data set is one thing."""


class Backbone(Section):
    """A pretrained image model and how much of it is trained."""

    model: Annotated[str, Field(examples=["MobileNetV2"])]
    """A classification model of keras.applications by its own name, `EfficientNetLite0`, or `file` with a path; or
    `recorded`, known only by learning curves of others.

    May be left out where the section is named after it."""
    path: Annotated[str | None, Field(examples=["my_model.py"])] = None
    """Python file with a model of your own, for `file`, relative to the matrix file; or `package:NAME`, a package's."""
    options: Annotated[dict[str, Scalar], Field(examples=[{"blocks": 4}])] = {}
    """What the model of your own is made with, passed through."""
    weights: Annotated[str, Field(examples=["packaged"])] = "imagenet"
    """`imagenet`, `packaged`, `none`, or a weights file; relative paths start at the matrix file."""
    weights_sha256: Annotated[str | None, Field(pattern="^[0-9a-f]{64}$", examples=["0" * 64])] = None
    """SHA-256 of the weights file in 64 lower-case hexadecimal digits; other weights are refused."""
    train: Annotated[str, Field(pattern="^(head|all|last:[1-9][0-9]*)$", examples=["last:20"])] = "head"
    """`head` (backbone frozen), `last:N` (its last N layers too) or `all`."""
    alpha: Annotated[float | None, Field(gt=0, le=10, examples=[0.35])] = None
    """Width multiplier of MobileNet, MobileNetV2."""


class TunerSection(Section):
    """What proposes configurations."""

    tuner: Annotated[str, Field(examples=["optuna-tpe"])]
    """One of the tuners that `harness doctor` lists, or `file` with a path. May be left out where the section is named
    after it."""
    path: Annotated[str | None, Field(examples=["my_tuner.py"])] = None
    """Python file with a tuner of your own, for `file`, relative to the matrix file; or `package:NAME`, a package's."""
    pruner: Annotated[
        Literal["none", "median", "percentile", "asha", "hyperband", "patient"], Field(examples=["hyperband"])
    ] = "none"
    """Optuna's pruner, for `optuna-…` tuners."""
    reports: Annotated[Literal["best", "last"], Field(examples=["last"])] = "best"
    """What a pruner is told after each epoch: the trial's best score so far, or that epoch's own."""
    startup: Annotated[Literal["third", "library"], Field(examples=["library"])] = "third"
    """Random trials before a model: a third of the expected ones, 3 to the library's own number, or that number."""
    numeric_choices: Annotated[Literal["ordered", "categories"], Field(examples=["categories"])] = "ordered"
    """How Optuna's models are shown choices of numbers: by their place in the list, or as Optuna's own categories."""
    options: Annotated[dict[str, Scalar], Field(examples=[{"n_startup_trials": 5}])] = {}
    """Options of the tuner itself, passed through."""
    pruner_options: Annotated[dict[str, Scalar], Field(examples=[{"reduction_factor": 3}])] = {}
    """Options of the pruner, passed through."""


class Domain(Section):
    """The values that a hyperparameter may take: a range, or choices."""

    low: Annotated[Bound | None, Field(examples=[1e-4])] = None
    """Smallest value, included."""
    high: Annotated[Bound | None, Field(examples=[1e-1])] = None
    """Largest value, included."""
    log: Annotated[bool, Field(examples=[True])] = False
    """Spread evenly in the logarithm."""
    step: Annotated[float | None, Field(examples=[0.1])] = None
    """Distance between neighbouring values of a linear range."""
    points: Annotated[int | None, Field(ge=2, examples=[41])] = None
    """So many values from `low` to `high`, both included, evenly spread (in the logarithm, for a log range): the same
    as listing them as choices."""
    choices: Annotated[list[Plain] | None, Field(examples=[[16, 32, 64]])] = None
    """The values, where they are listed."""
    default: Annotated[Plain | None, Field(examples=[1e-3])] = None
    """The untuned value, and the first that some tuners try."""


class Budget(Section):
    """What each search may spend; the first limit reached ends it."""

    epochs: Annotated[Count | None, Field(examples=[60])] = None
    """Training epochs over all trials."""
    trials: Annotated[Count | None, Field(examples=[20])] = None
    """Trials."""
    wall_s: Annotated[Amount | None, Field(examples=[1800])] = None
    """Seconds from the first ask, the tuner's thinking included; builds, the audit on test images and the reading of
    meters don't count."""
    device_s: Annotated[Amount | None, Field(examples=[900])] = None
    """Seconds in which the device trained and evaluated."""
    cost_usd: Annotated[Amount | None, Field(examples=[0.5])] = None
    """Dollars, from the price file."""


class Split(Section):
    """Shares of the images; they sum to 1. Ignored where a data set brings its own folders."""

    train: Annotated[float, Field(gt=0, lt=1, examples=[0.6])] = 0.6
    """Share that is trained on."""
    validation: Annotated[float, Field(gt=0, lt=1, examples=[0.2])] = 0.2
    """Share that tuners are scored on."""
    test: Annotated[float, Field(gt=0, lt=1, examples=[0.2])] = 0.2
    """Share that no tuner sees."""


class Augmentation(Section):
    """Random changes of training images by Keras' layers, in this order; what is left out isn't done."""

    flip: Annotated[
        Literal["horizontal", "vertical", "horizontal_and_vertical"] | None, Field(examples=["horizontal"])
    ] = None
    """`RandomFlip`: mirrored so, or not, with equal chances."""
    rotation: Annotated[float | None, Field(gt=0, le=0.5, examples=[0.05])] = None
    """`RandomRotation`: by at most this share of a whole turn, either way."""
    translation: Annotated[float | None, Field(gt=0, lt=1, examples=[0.1])] = None
    """`RandomTranslation`: by at most this share of height and of width, either way."""
    zoom: Annotated[float | None, Field(gt=0, lt=1, examples=[0.1])] = None
    """`RandomZoom`: in or out by at most this share, height and width alike."""
    contrast: Annotated[float | None, Field(gt=0, lt=1, examples=[0.2])] = None
    """`RandomContrast`: less or more by at most this share."""


class Protocol(Section):
    """How every trial of the matrix is trained and scored."""

    metric: Annotated[
        str,
        BeforeValidator(_metric, json_schema_input_type=Metric | Annotated[str, Field(pattern=rf"\.py$|^{PACKAGE}")]),
        Field(examples=["macro_f1"]),
    ] = "macro_f1"
    """What tuners maximise on the validation images: `macro_f1`, `weighted_f1`, `micro_f1`, `accuracy`, or a
    metric of your own: a Python file, which ends in `.py`, relative to the matrix file, or `package:NAME`."""
    epochs_per_trial: Annotated[Count, Field(examples=[10])] = 10
    """Epochs of a trial at full fidelity."""
    image_size: Annotated[int, Field(ge=32, le=1024, examples=[96])] = 224
    """Height and width in pixels that images are resized to."""
    schedule: Annotated[Literal["constant", "cosine"], Field(examples=["cosine"])] = "constant"
    """How the learning rate goes over a trial's steps: it stays, or falls along half a cosine to 0 at the end of
    `epochs_per_trial`. A hyperparameter of that name decides in its place."""
    warmup_epochs: Annotated[float, Field(ge=0, le=_LARGEST_COUNT, examples=[1])] = 0.0
    """Epochs over which the learning rate first rises evenly from 0; fewer than `epochs_per_trial`."""
    class_weights: Annotated[Literal["none", "balanced"], Field(examples=["balanced"])] = "none"
    """How much an image of each class counts in the training loss: all alike, or `balanced`, images over classes times
    images of its class, counted in the training part. A hyperparameter of that name decides in its place."""
    patience: Annotated[int, Field(ge=0, le=_LARGEST_COUNT, examples=[3])] = 0
    """End a trial after so many epochs without a better score, at most two fewer than `epochs_per_trial`; 0: train to
    its last epoch."""
    augmentation: Augmentation = Field(
        default_factory=Augmentation, examples=[{"flip": "horizontal", "rotation": 0.05}]
    )
    """How training images are changed at random, anew in every epoch, see below."""
    split: Split = Field(default_factory=Split, examples=[{"train": 0.6, "validation": 0.2, "test": 0.2}])
    """Shares for training, validation and test, see below."""
    determinism: Annotated[bool, Field(examples=[True])] = True
    """Make every operation repeat exactly (slower on a GPU)."""
    precision: Annotated[Literal["float32", "mixed_float16", "mixed_bfloat16"], Field(examples=["float32"])] = "float32"
    """Number format of the computation."""
    jit: Annotated[bool, Field(examples=[False])] = False
    """Compile training steps with XLA."""
    tuner_threads: Annotated[Count, Field(examples=[1])] = 1
    """Threads that numerical libraries (OpenBLAS, OpenMP, MKL) may use while a tuner thinks; else they use one."""
    meter: Annotated[str | None, Field(examples=["plug.py"])] = None
    """What counts the joules of trials in place of the harness's own counters: a Python file with a meter of your own,
    relative to the matrix file, or `package:NAME`, a package's."""
    learning_rate_factors: Annotated[list[Annotated[float, Field(gt=0)]], Field(examples=[[0.1, 1.0, 10.0]])] = []
    """After the searches, retrain the best configuration at these multiples of its learning rate, 1.0 among them."""

    @property
    def own_metric(self) -> str | None:
        """The file or entry point of a metric of the user's own; None where it is one of the harness's."""
        return self.metric if _is_own(self.metric) else None

    @property
    def augments(self) -> bool:
        """Whether training images change from epoch to epoch."""
        return self.augmentation != Augmentation()


class Container(Section):
    """What each worker may use at most, where it runs in a container; the folder's limit holds for others as well.

    No part of a cell's identity: a limit changes no score, it ends a search, and the record says so.
    """

    cpus: Annotated[float | None, Field(ge=0.01, le=4096, examples=[4])] = None
    """Processors; all that the engine has, where left out, or the cell's share of them."""
    memory_gib: Annotated[float | None, Field(ge=0.03125, le=65536, examples=[8])] = None
    """Memory, swap included; nine tenths of what the engine has, where left out, or the cell's share of it."""
    pids: Annotated[Count, Field(examples=[4096])] = 4096
    """Processes and threads."""
    shm_mib: Annotated[Count, Field(examples=[64])] = 64
    """Shared memory."""
    deadline_s: Annotated[Amount | None, Field(examples=[7200])] = None
    """Seconds from its start after which a worker is ended, and its search counts as failed."""
    folder_gib: Annotated[float, Field(gt=0, le=1048576, examples=[20])] = 100
    """What a cell's folder (checkpoints, scratch, log) may hold before its worker is ended, and its search counts as
    failed; local processes too."""
    image: Annotated[
        str | None,
        Field(pattern=r"^[^\s@]+@sha256:[0-9a-f]{64}$", examples=[f"registry.lab/harness@sha256:{64 * '0'}"]),
    ] = None
    """The one image that cells run in, by digest, as `harness images push` prints it; pulled where it isn't here."""


class Rule(Section):
    """Cells by the names of their parts; a part left out matches every name."""

    dataset: Annotated[Names | None, Field(examples=["animals"])] = None
    """Data sets, by name."""
    backbone: Annotated[Names | None, Field(examples=["MobileNetV2"])] = None
    """Backbones, by name."""
    tuner: Annotated[Names | None, Field(examples=[["default", "kt-random"]])] = None
    """Tuners, by name."""
    hyperparameters: Annotated[Names | None, Field(examples=["full"])] = None
    """Hyperparameter sets, by name."""
    seed: Annotated[Seeds | None, Field(examples=[1])] = None
    """Seeds."""


# The tags tell a domain's mistakes from a value's, so that one mistake is reported once.
HyperparameterSet = Annotated[
    dict[
        str,
        Annotated[Annotated[Domain, Tag("domain")] | Annotated[Plain, Tag("value")], Discriminator(_domain_or_value)],
    ],
    Field(min_length=1),
]


EQUIVALENCE = 0.01
"""The difference in score that makes no practical one, unless a matrix says otherwise."""


class Document(Section):
    """Data sets × backbones × tuners × hyperparameter sets × seeds: one search for each combination."""

    datasets: Annotated[dict[str, Dataset], Field(min_length=1)]
    """Named data sets."""
    backbones: Annotated[dict[str, Backbone], Field(min_length=1)]
    """Named backbones."""
    tuners: Annotated[dict[str, TunerSection], Field(min_length=1)]
    """Named tuners."""
    hyperparameters: Annotated[dict[str, HyperparameterSet], Field(min_length=1)]
    """Named sets: hyperparameter to domain or fixed value."""
    seeds: Annotated[list[Seed], Field(min_length=1, examples=[[1, 2, 3]])]
    """One search for each; at least ten before a difference should be believed."""
    budget: Budget
    """What each search may spend."""
    protocol: Protocol = Field(default_factory=Protocol)
    """How every trial is trained and scored."""
    device: Annotated[Device, Field(examples=["gpu"])] = "any"
    """What trains: with `gpu`, a worker that sees none ends before its search begins. No part of a cell's identity."""
    container: Container = Field(default_factory=Container)
    """What each worker may use at most, where it runs in a container."""
    equivalence: Annotated[float, Field(gt=0, lt=1, examples=[0.01])] = EQUIVALENCE
    """Difference in score that makes no practical one; tuners within it are called equivalent. No part of a cell."""
    include: list[Rule] = []
    """If given, only cells that match one of these are run."""
    exclude: list[Rule] = []
    """Cells that match one of these are not run."""
