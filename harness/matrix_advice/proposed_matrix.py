"""The matrix that is proposed: as sections to be judged and calibrated, and as a file whose lines say what they do."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tomli_w

from harness.matrix import Matrix
from harness.matrix.section_checks import name_mistake
from harness.matrix_advice.budget_fit import EPOCHS_PER_TRIAL, Fit
from harness.matrix_advice.reachable_weights import Reached

TUNERS = {
    "default": "no tuning: what the default values below give. Is tuning worth its cost at all?",
    "kt-random": "random search, which every tuner has to beat",
    "kt-hyperband": "many short trials, of which the better ones go on",
    "optuna-tpe": "learns from earlier trials where good values lie",
}
"""Random search, no tuning, and two tuners of different kinds, each with what it does."""

_LONGEST_NAME = 60
_FEW_IMAGES = 500
_RANGES = {
    "learning_rate": {"low": 1e-5, "high": 1e-1, "log": True, "default": 1e-3},
    "dropout": {"low": 0.0, "high": 0.6, "default": 0.2},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixProposal:
    """What goes into a matrix for one data set.

    ``dataset`` is its section, with an absolute path; ``images`` how many there are, None where that isn't known.
    """

    name: str
    dataset: dict[str, Any]
    images: int | None
    image_size: int
    backbones: Sequence[Reached]
    epochs: int = EPOCHS_PER_TRIAL
    seeds: int = 1

    def fitted(self, fit: Fit) -> MatrixProposal:
        """Return it as large as the budget allows."""
        return replace(self, backbones=self.backbones[: fit.backbones], epochs=fit.epochs, seeds=fit.seeds)

    @property
    def sections(self) -> dict[str, Any]:
        """The sections of the matrix."""
        return {
            "seeds": list(range(1, self.seeds + 1)),
            "budget": {"epochs": self.epochs},
            "protocol": {"epochs_per_trial": EPOCHS_PER_TRIAL, "image_size": self.image_size},
            "datasets": {self.name: self.dataset},
            "backbones": {each.model: {"weights": each.weights, "train": "head"} for each in self.backbones},
            "tuners": {name: {} for name in TUNERS},
            "hyperparameters": {"full": {**_RANGES, "batch_size": self._batch_sizes}},
        }

    def matrix(self, *, base: Path) -> Matrix:
        """Return the matrix, judged as one that is read from a file."""
        return Matrix(name=self.name, base=base, **self.sections)

    def text(self, *, base: Path, head: Sequence[str]) -> str:
        """Return the file, commented; ``head`` stands above it, and paths below ``base`` are relative to it."""
        return "\n".join([*(f"# {line}" for line in head), *self._lines(base)]) + "\n"

    @property
    def _batch_sizes(self) -> dict[str, Any]:
        is_small = self.images is not None and self.images < _FEW_IMAGES
        return {"choices": [8, 16, 32], "default": 16} if is_small else {"choices": [16, 32, 64], "default": 32}

    def _lines(self, base: Path) -> list[str]:
        asked = self.sections
        return [
            "",
            "# Each tuner searches once for each seed, with another split of the images. More seeds tell smaller",
            "# differences from chance; three are few.",
            f"seeds = {asked['seeds']}",
            "",
            "# What each search may spend: training epochs over all of its trials, the same for every tuner.",
            "[budget]",
            f"epochs = {self.epochs}",
            "",
            "[protocol]",
            f"epochs_per_trial = {EPOCHS_PER_TRIAL}  # a trial tries one set of values",
            f"image_size = {self.image_size}  # pixels; larger ones may score higher, and take longer to prepare",
            "",
            f"[datasets.{_key(self.name)}]",
            *_section(_moved(self.dataset, base)),
            "",
            "# train: head trains a new classifier on the frozen backbone, which takes seconds. last:20 trains its",
            "# last 20 layers too: often better, and many times as long.",
            *self._backbone_lines(),
            *(line for name, does in TUNERS.items() for line in (f"# {does}", f"[tuners.{name}]", "")),
            "# What is searched. default is what the tuner called default takes.",
            "[hyperparameters.full]",
            *(f"{name} = {_inline(domain)}" for name, domain in asked["hyperparameters"]["full"].items()),
        ]

    def _backbone_lines(self) -> list[str]:
        found = []
        for each in self.backbones:
            found += [f"# weights trained on {each.trained_on}", f"[backbones.{each.model}]"]
            found += [f"weights = {_value(each.weights)}", 'train = "head"', ""]
        return found


def name_from(path: Path) -> str:
    """Return a name for a matrix and its data set that can stand in tables and file names."""
    name = "".join(char if name_mistake(f"a{char}a") is None else "-" for char in path.absolute().stem)
    readable = re.sub(r"[ -]*-[ -]*", "-", name)
    return readable[:_LONGEST_NAME].strip(" .-") or "images"


def _moved(dataset: dict[str, Any], base: Path) -> dict[str, Any]:
    """Return the section with a path that is relative where the data lie below the matrix file's folder."""
    path = Path(dataset["path"])
    inside = path.is_relative_to(base.absolute())
    return {**dataset, "path": os.path.relpath(path, base.absolute()) if inside else str(path)}


def _section(values: dict[str, Any]) -> list[str]:
    return [f"{name} = {_inline(each) if isinstance(each, dict) else _value(each)}" for name, each in values.items()]


def _inline(values: dict[str, Any]) -> str:
    return f"{{ {', '.join(f'{name} = {_value(each)}' for name, each in values.items())} }}"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)


def _value(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return tomli_w.dumps({"it": value}).removeprefix("it = ").strip()
