"""Which searches a matrix asks for, and in which order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from harness import matrix_schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """One search, by the names of its parts in the matrix."""

    seed: int
    dataset: str
    backbone: str
    hyperparameters: str
    tuner: str


def combinations(matrix: matrix_schema.Document) -> list[Combination]:
    """Return the searches that ``include`` and ``exclude`` leave, in the order in which they run.

    Seeds vary slowest, then data sets, backbones, hyperparameter sets and tuners, each as the matrix lists them: a run
    that is interrupted after the first seed already has a complete table, and within a seed the tuners of a
    comparison run next to each other.
    """
    return [each for each in included(matrix) if not any(matches(rule, each) for rule in matrix.exclude)]


def included(matrix: matrix_schema.Document) -> list[Combination]:
    """Return the searches that ``include`` leaves, before any is excluded."""
    rules = matrix.include
    return [each for each in _every(matrix) if not rules or any(matches(rule, each) for rule in rules)]


def matches(rule: matrix_schema.Rule, search: Combination) -> bool:
    """Whether each part that ``rule`` names is the search's."""
    parts = (
        (rule.dataset, search.dataset),
        (rule.backbone, search.backbone),
        (rule.tuner, search.tuner),
        (rule.hyperparameters, search.hyperparameters),
    )
    return all(names is None or name in names for names, name in parts) and (
        rule.seed is None or search.seed in rule.seed
    )


def _every(matrix: matrix_schema.Document) -> Iterator[Combination]:
    parts = product(matrix.seeds, matrix.datasets, matrix.backbones, matrix.hyperparameters, matrix.tuners)
    for seed, dataset, backbone, hyperparameters, tuner in parts:
        yield Combination(seed=seed, dataset=dataset, backbone=backbone, hyperparameters=hyperparameters, tuner=tuner)
