"""The data sets that a matrix may name, and where each comes from. Pure data; nothing is redistributed.

Addresses and SHA-256 are those that keras.datasets and TensorFlow Datasets pin. Keras pins none for Fashion-MNIST;
its SHA-256 are those of the original files, which have the same names and sizes.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from harness import matrix_schema

# Training, validation and test each need an image of every class.
_PARTS = 3
# What says how images that a user brings are read, and the sources that it may be said of.
_SAID_OF: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "columns": ("table", "huggingface", "tfds"),
        "data": ("file",),
        "options": ("file",),
        "folders": ("folder",),
        "group_by": ("folder", "table"),
        "groups": ("folder", "table"),
    }
)

Kind = Literal["animals", "cifar", "digits", "file", "flat", "folder", "idx", "npz", "table"]
"""How a source is read.

``folder``: a folder for each class. ``flat``: one folder of files named ``<class>_<number>``. ``table``: a list of
files. ``npz``: numpy arrays. ``file``: by code of the user's.
``cifar``, ``idx``, ``animals``, ``digits``: as these sets ship.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataDownload:
    """A file at a fixed address with a fixed SHA-256."""

    url: str
    sha256: str

    @property
    def name(self) -> str:
        """The file's own name."""
        return self.url.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """A package whose wheel holds the images."""

    package: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A data set that a matrix may name.

    ``inside`` is the folder of an archive that is read. ``classes`` are the names of the labels 0, 1, … where the
    files hold none. ``needs_path``: the user brings the images.
    """

    kind: Kind
    meaning: str
    downloads: tuple[DataDownload, ...] = ()
    wheel: Wheel | None = None
    inside: str = "."
    classes: tuple[str, ...] = ()
    class_count: int | None = None
    needs_path: bool = False


_KERAS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_CIFAR = "https://www.cs.toronto.edu/~kriz/"
_ANIMALS = ("bear", "bird", "cat", "cow", "dog", "elephant", "giraffe", "horse", "sheep", "zebra")
_CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_CLOTHES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)

DIGITS_SHA256 = "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22"
"""SHA-256 of scikit-learn's ``digits.csv.gz``, the same in every release."""

KNOWN: Mapping[str, Entry] = MappingProxyType(
    {
        "folder": Entry(
            kind="folder",
            meaning="your own folder: one folder for each class, or train, validation and test folders of them",
            needs_path=True,
        ),
        "table": Entry(
            kind="table",
            meaning="your own table, CSV, TSV or Parquet: a row for each image with its path and label",
            needs_path=True,
        ),
        "huggingface": Entry(
            kind="table",
            meaning="your own data set of Hugging Face's datasets: a folder that save_to_disk wrote, or Parquet files",
            needs_path=True,
        ),
        "tfds": Entry(
            kind="table",
            meaning="your own data set of TensorFlow Datasets: the folder of a version that it has prepared",
            needs_path=True,
        ),
        "file": Entry(
            kind="file",
            meaning="your own data, read by a Python file or a package of yours",
            needs_path=True,
        ),
        "npz": Entry(
            kind="npz",
            meaning="your own .npz: x_train, y_train, x_test, y_test; or x, y; or images, labels",
            needs_path=True,
        ),
        "animals": Entry(
            kind="animals",
            meaning="10,000 grey silhouettes of animals, 28×28",
            wheel=Wheel(
                package="animal-mnist",
                version="0.4",
                sha256="aeebf3d9de4552d6fd2d5701424e1a5b9020f8e5115d68df9db252f2f53ce2ce",
            ),
            classes=_ANIMALS,
            class_count=10,
        ),
        "digits": Entry(
            kind="digits",
            meaning="1,797 grey handwritten digits, 8×8, shipped by scikit-learn",
            classes=tuple("0123456789"),
            class_count=10,
        ),
        "mnist": Entry(
            kind="npz",
            meaning="70,000 grey handwritten digits, 28×28, fixed test set",
            downloads=(
                DataDownload(
                    url=f"{_KERAS}mnist.npz", sha256="731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
                ),
            ),
            classes=tuple("0123456789"),
            class_count=10,
        ),
        "fashion_mnist": Entry(
            kind="idx",
            meaning="70,000 grey pieces of clothing, 28×28, fixed test set",
            downloads=(
                DataDownload(
                    url=f"{_KERAS}train-images-idx3-ubyte.gz",
                    sha256="3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                ),
                DataDownload(
                    url=f"{_KERAS}train-labels-idx1-ubyte.gz",
                    sha256="a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                ),
                DataDownload(
                    url=f"{_KERAS}t10k-images-idx3-ubyte.gz",
                    sha256="346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                ),
                DataDownload(
                    url=f"{_KERAS}t10k-labels-idx1-ubyte.gz",
                    sha256="67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                ),
            ),
            classes=_CLOTHES,
            class_count=10,
        ),
        "cifar10": Entry(
            kind="cifar",
            meaning="60,000 photographs of 10 classes, 32×32, fixed test set",
            downloads=(
                DataDownload(
                    url=f"{_CIFAR}cifar-10-python.tar.gz",
                    sha256="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
                ),
            ),
            classes=_CIFAR10,
            class_count=10,
        ),
        "cifar100": Entry(
            kind="cifar",
            meaning="60,000 photographs of 100 classes, 32×32, fixed test set",
            downloads=(
                DataDownload(
                    url=f"{_CIFAR}cifar-100-python.tar.gz",
                    sha256="85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
                ),
            ),
            class_count=100,
        ),
        "tf_flowers": Entry(
            kind="folder",
            meaning="3,670 photographs of 5 kinds of flowers",
            downloads=(
                DataDownload(
                    url="http://download.tensorflow.org/example_images/flower_photos.tgz",
                    sha256="4c54ace7911aaffe13a365c34f650e71dd5bf1be0a58b464e5a7183e3e595d9c",
                ),
            ),
            inside="flower_photos",
            class_count=5,
        ),
        "oxford_iiit_pet": Entry(
            kind="flat",
            meaning="photographs of 37 breeds of cats and dogs",
            downloads=(
                DataDownload(
                    url="https://thor.robots.ox.ac.uk/~vgg/data/pets/images.tar.gz",
                    sha256="67195c5e1c01f1ab5f9b6a5d22b8c27a580d896ece458917e61d459337fa318d",
                ),
            ),
            inside="images",
            class_count=37,
        ),
        "imagenette2-160": Entry(
            kind="folder",
            meaning="10 easy classes of ImageNet, 160 pixels, fixed validation set",
            downloads=(
                DataDownload(
                    url="https://s3.amazonaws.com/fast-ai-imageclas/imagenette2-160.tgz",
                    sha256="64d0c4859f35a461889e0147755a999a48b49bf38a7e0f9bd27003f10db02fe5",
                ),
            ),
            inside="imagenette2-160",
            class_count=10,
        ),
        "beans": Entry(
            kind="folder",
            meaning="photographs of bean leaves, healthy and with two diseases",
            downloads=(
                DataDownload(
                    url="https://storage.googleapis.com/ibeans/train.zip",
                    sha256="284fe8456ce20687f4367ae7ad94a64577e7f9fde2c2c6b1c74340ab5dc82715",
                ),
            ),
            inside="train",
            class_count=3,
        ),
        "eurosat": Entry(
            kind="folder",
            meaning="27,000 satellite images of 10 kinds of land use, 64×64",
            downloads=(
                DataDownload(
                    url="http://madm.dfki.de/files/sentinel/EuroSAT.zip",
                    sha256="8ebea626349354c5328b142b96d0430e647051f26efc2dc974c843f25ecf70bd",
                ),
            ),
            inside="2750",
            class_count=10,
        ),
    }
)
"""Every data set by its name in a matrix."""


def mistakes(dataset: matrix_schema.Dataset) -> list[str]:
    """Return what is wrong with a ``[datasets.…]`` section, one line each, keys relative to the section."""
    if dataset.source == matrix_schema.RECORDED:
        others = sorted(dataset.model_fields_set - {"source"})
        return [f"{key}: not used by source {dataset.source!r}; leave it out" for key in others]
    entry = KNOWN.get(dataset.source)
    if entry is None:
        return [f"source: unknown data set {dataset.source!r}; {_known_ones(dataset.source)}"]
    return [
        *_path_mistakes(dataset, entry),
        *_use_mistakes(dataset),
        *_column_mistakes(dataset),
        *_group_mistakes(dataset),
        *_limit_mistakes(dataset, entry),
    ]


def _known_ones(source: str) -> str:
    near = difflib.get_close_matches(source.lower(), KNOWN, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(KNOWN)}"


def _path_mistakes(dataset: matrix_schema.Dataset, entry: Entry) -> list[str]:
    if entry.needs_path and not dataset.path:
        return [f"path: missing; source {dataset.source!r} needs the path of your data"]
    if not entry.needs_path and dataset.path is not None:
        return [f"path: not used by source {dataset.source!r}; leave it out, or say source = 'folder'"]
    return []


def _use_mistakes(dataset: matrix_schema.Dataset) -> list[str]:
    given = [key for key in _SAID_OF if getattr(dataset, key) not in (None, {})]
    missing = ["data: missing; source 'file' needs the folder or file that is read"]
    return [
        *(missing if dataset.source == "file" and not dataset.data else []),
        *(
            f"{key}: not used by source {dataset.source!r}; leave it out"
            for key in given
            if dataset.source not in _SAID_OF[key]
        ),
    ]


def _column_mistakes(dataset: matrix_schema.Dataset) -> list[str]:
    if dataset.columns is None:
        return []
    named = dataset.columns.model_dump(exclude_none=True)
    first: dict[str, str] = {}
    found = [
        f"columns.{what}: {name!r} is columns.{first[name]} too; give each its own column"
        for what, name in named.items()
        if first.setdefault(name, what) != what
    ]
    if dataset.columns.part is not None and dataset.source != "table":
        found.append(f"columns.part: not used by source {dataset.source!r}, whose splits are parts; leave it out")
    if dataset.columns.group is not None and dataset.group_by is not None:
        found.append("group_by: columns.group names groups too; leave one of them out")
    return found


def _group_mistakes(dataset: matrix_schema.Dataset) -> list[str]:
    if dataset.group_by is None:
        needs = "groups: needs group_by, the column that names each image's group; add it"
        return [] if dataset.groups is None else [needs]
    if dataset.groups is not None:
        return []
    try:
        re.compile(dataset.group_by)
    except (re.error, OverflowError, RecursionError) as error:
        way_out = "correct it, or name the CSV file of which it is a column in groups"
        return [f"group_by: {dataset.group_by!r} is no regular expression ({error}); {way_out}"]
    return []


def _limit_mistakes(dataset: matrix_schema.Dataset, entry: Entry) -> list[str]:
    found = []
    classes = entry.class_count or 2
    if dataset.per_class is not None and dataset.per_class < _PARTS:
        found.append(
            f"per_class: {dataset.per_class} is too few; training, validation and test each need an image of every "
            f"class: at least {_PARTS}"
        )
    if dataset.max_images is not None and dataset.max_images < _PARTS * classes:
        found.append(
            f"max_images: {dataset.max_images} is too few for {_class_count(entry)}; training, validation and test "
            f"each need an image of every class: at least {_PARTS * classes}"
        )
    return found


def _class_count(entry: Entry) -> str:
    return "two classes or more" if entry.class_count is None else f"{entry.class_count} classes"
