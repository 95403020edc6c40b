"""What is wrong with a section of a matrix, judged by itself or against its siblings."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Mapping

from harness import matrix_schema
from harness.catalogue import backbones, datasets, tuners
from harness.matrix.mistakes import Key, Mistake, show
from harness.space import Space

_NAMED = ("datasets", "backbones", "tuners", "hyperparameters")
_LONGEST_NAME = 60
_PUNCTUATION = " -_.+"
# Shares are typed by hand with few digits: 0.333 three times is a slip, and 0.1 + 0.2 + 0.7 is not.
_SPLIT_TOLERANCE = 1e-6


def names(document: Mapping[str, object]) -> Iterator[Mistake]:
    """Yield names that can't stand in a table or a file name."""
    for kind in _NAMED:
        sections = document.get(kind)
        for name in sections if isinstance(sections, dict) else ():
            text = _reserved(kind, name) or name_mistake(name)
            if text is not None:
                yield Mistake(key=(kind, name), text=text)


def _reserved(kind: str, name: str) -> str | None:
    is_taken = kind == "tuners" and name == tuners.RETRAINING
    return "tables call the retrainings at other learning rates so; choose another name" if is_taken else None


def name_mistake(name: str) -> str | None:
    """Return what keeps ``name`` out of tables and file names, or None."""
    if not name:
        return "the name is empty; give it one"
    if len(name) > _LONGEST_NAME:
        return f"the name has {len(name)} characters; {_LONGEST_NAME} are allowed"
    if name[0] in " ." or name[-1] == " ":
        return "a name neither starts with a dot or space nor ends with a space; take that away"
    wrong = next((char for char in name if not _allowed(char)), None)
    return None if wrong is None else f"{show(wrong)} can't stand in a name; use letters, digits, space and - _ . +"


def judged(matrix: matrix_schema.Document, spaces: Mapping[str, Space]) -> Iterator[Mistake]:
    """Yield what is wrong with each section, and sections that say the same."""
    yield from _catalogued(matrix)
    yield from _recorded(matrix)
    yield from _budget(matrix)
    yield from _split(matrix.protocol.split)
    yield from _factors(matrix.protocol.learning_rate_factors)
    yield from _warmup(matrix.protocol)
    yield from _patience(matrix.protocol)
    yield from _seeds(matrix.seeds)
    for kind in ("datasets", "backbones", "tuners"):
        yield from _same(kind, getattr(matrix, kind))
    yield from _same("hyperparameters", {name: space.domains for name, space in spaces.items()})


def _allowed(char: str) -> bool:
    # Letters, digits, and the marks that many scripts write letters with.
    return char in _PUNCTUATION or unicodedata.category(char)[0] in "LNM"


def _catalogued(matrix: matrix_schema.Document) -> Iterator[Mistake]:
    for name, dataset in matrix.datasets.items():
        yield from _of_section(("datasets", name), datasets.mistakes(dataset))
    for name, backbone in matrix.backbones.items():
        yield from _of_section(("backbones", name), backbones.mistakes(backbone, matrix.protocol.image_size))
    for name, tuner in matrix.tuners.items():
        lines = tuners.mistakes(tuner, None, epochs_per_trial=matrix.protocol.epochs_per_trial)
        yield from _of_section(("tuners", name), lines)


def _recorded(matrix: matrix_schema.Document) -> Iterator[Mistake]:
    """Yield parts that could be trained beside others that are known by recorded curves alone."""
    named = {("datasets", name, "source"): each.source for name, each in matrix.datasets.items()}
    named |= {("backbones", name, "model"): each.model for name, each in matrix.backbones.items()}
    if matrix_schema.RECORDED not in named.values():
        return
    for key, value in named.items():
        if value != matrix_schema.RECORDED:
            text = f"{value!r} stands beside what is known by recorded curves alone; give them matrices of their own"
            yield Mistake(key=key, text=text)


def _of_section(key: Key, lines: list[str]) -> Iterator[Mistake]:
    for line in lines:
        where, _, text = line.partition(": ")
        yield Mistake(key=(*key, *where.split(".", 1)), text=text)


def _budget(matrix: matrix_schema.Document) -> Iterator[Mistake]:
    budget, needed = matrix.budget, matrix.protocol.epochs_per_trial
    if budget == matrix_schema.Budget():
        yield Mistake(key=("budget",), text=f"has no limit; set one of {', '.join(matrix_schema.Budget.model_fields)}")
    if budget.epochs is not None and budget.epochs < needed:
        text = f"{budget.epochs} epochs can't finish one trial of {needed}; raise it or lower protocol.epochs_per_trial"
        yield Mistake(key=("budget", "epochs"), text=text)


def _split(split: matrix_schema.Split) -> Iterator[Mistake]:
    total = split.train + split.validation + split.test
    if not math.isclose(total, 1, abs_tol=_SPLIT_TOLERANCE):
        text = f"train {split.train:g}, validation {split.validation:g} and test {split.test:g} sum to {total:g}"
        yield Mistake(key=("protocol", "split"), text=f"{text}; make them sum to 1")


def _factors(factors: list[float]) -> Iterator[Mistake]:
    key = ("protocol", "learning_rate_factors")
    yield from _twice(key, factors)
    if factors and 1.0 not in factors:
        yield Mistake(key=key, text="lacks 1.0, which the others are compared with; add it")


def _warmup(protocol: matrix_schema.Protocol) -> Iterator[Mistake]:
    warmup, epochs = protocol.warmup_epochs, protocol.epochs_per_trial
    if warmup >= epochs:
        text = f"{warmup:g} epochs leave none of the {epochs} of a trial; lower it or raise protocol.epochs_per_trial"
        yield Mistake(key=("protocol", "warmup_epochs"), text=text)


def _patience(protocol: matrix_schema.Protocol) -> Iterator[Mistake]:
    patience, epochs = protocol.patience, protocol.epochs_per_trial
    # The first epoch is better than none, so that a trial ends after one epoch more at the earliest.
    if patience > 0 and patience + 1 >= epochs:
        text = f"{patience} ends no trial of {epochs} epochs before its last; lower it or leave it out"
        yield Mistake(key=("protocol", "patience"), text=text)


def _seeds(seeds: list[int]) -> Iterator[Mistake]:
    yield from _twice(("seeds",), seeds)


def _twice(key: Key, numbers: list[int] | list[float]) -> Iterator[Mistake]:
    seen: set[float] = set()
    for place, number in enumerate(numbers):
        if number in seen:
            yield Mistake(key=(*key, place), text=f"{show(number)} is listed twice; keep one")
        seen.add(number)


def _same(kind: str, sections: Mapping[str, object]) -> Iterator[Mistake]:
    seen: list[tuple[str, object]] = []
    for name, section in sections.items():
        earlier = next((other for other, content in seen if content == section), None)
        if earlier is not None:
            text = f"says the same as {show(earlier)}, so every search would run twice; remove one"
            yield Mistake(key=(kind, name), text=text)
        seen.append((name, section))
