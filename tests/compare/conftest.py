"""Two small runs of one matrix, and values drawn as `benchmarks/verdict` draws them."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.analysis import MatrixResults
from harness.compare.paired_cells import Pair
from harness.results_folder import SearchName
from harness.search_types import Trial


def _loaded(name: str, path: Path) -> ModuleType:
    # Folders of tests and benchmarks are no packages, so that what they hold is loaded by path.
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


_ROOT = Path(__file__).parents[2]
_MADE = _loaded("made_runs", _ROOT / "tests" / "analysis" / "conftest.py")
_JUDGING = _loaded("verdict_judging", _ROOT / "benchmarks" / "verdict" / "judging.py")

SEEDS = range(1, 9)


@pytest.fixture(scope="session")
def judging() -> ModuleType:
    return _JUDGING


class Run:
    """A run of two tuners over eight seeds under construction; ``results`` reads it back."""

    def __init__(self, path: Path) -> None:
        self.made = _MADE.Made(path)

    def trial(self, *scores: float, **changes: Any) -> Trial:
        trial: Trial = self.made.trial(0, *scores, **changes)
        return trial

    def search(self, tuner: str = "random", seed: int = 1, *scores: float, **changes: Any) -> None:
        # Costs differ a little from seed to seed, as they do.
        train_s = changes.pop("train_s", 2.0) * (1 + 0.01 * seed)
        phases = {"ask": 1.0, "train": train_s * len(scores or (1,)), "evaluate": 1.0, "tell": 0.5}
        trials = [self.trial(*(scores or (0.5, 0.6)), phases=phases)]
        self.made.search(trials, tuner, seed, kind="kt-random" if tuner == "random" else "optuna-tpe", **changes)

    def all(self, **changes: Any) -> Run:
        for seed in SEEDS:
            for tuner in ("random", "tpe [µ]"):
                self.search(tuner, seed, **changes)
        return self

    def results(self) -> MatrixResults:
        results: MatrixResults = self.made.results()
        return results

    @property
    def path(self) -> Path:
        self.results()
        path: Path = self.made.folder.path
        return path


@pytest.fixture
def run(tmp_path: Path) -> Callable[[str], Run]:
    return lambda name: Run(tmp_path / name / "größe 1")


@pytest.fixture
def pair() -> Callable[..., Pair]:
    def make(seed: int, tuner: str = "a", backbone: str = "b", **values: tuple[float, float]) -> Pair:
        return Pair(name=SearchName("animals", backbone, "full", tuner, seed), seed=seed, values=values)

    return make
