"""What the figures share: the images, folders on a disk, and the summary at the end."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.perf.figures import FIGURES, Figure
from benchmarks.perf.searches import DATASET
from harness.datasets import resolving
from harness.datasets.verified_sources import Source

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def animals(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """The images, kept in HARNESS_CACHE where that is set, so that they are fetched once."""
    kept = os.environ.get("HARNESS_CACHE")
    cache = tmp_path_factory.mktemp("downloads") if kept is None else Path(kept)
    return resolving.resolve(DATASET, base=ROOT, cache=cache)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A fresh folder where results stand too: on a real disk, while a temporary folder may be memory."""
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=ROOT / "results") as path:
        yield Path(path)


@pytest.fixture
def measured(benchmark: Any, pytestconfig: pytest.Config) -> Callable[[Callable[[], Figure]], Figure]:
    """Measure a figure once (it takes its own rounds), tell it, and keep both sides for the summary and the JSON."""
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")

    def measure(take: Callable[[], Figure]) -> Figure:
        figure: Figure = benchmark.pedantic(take, rounds=1, iterations=1)
        benchmark.extra_info.update(figure.to_json())
        pytestconfig.stash.setdefault(FIGURES, []).append(figure)
        # At once: whatever ends a run of half an hour takes the summary with it.
        with capture.global_and_fixture_disabled():
            pytestconfig.get_terminal_writer().line(f"\n{figure.line}", flush=True)
        return figure

    return measure


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    figures = config.stash.get(FIGURES, [])
    if not figures:
        return
    terminalreporter.section("the harness's own speed: ratio <= limit, harness / yardstick")
    for figure in figures:
        terminalreporter.line(figure.line)
        for name, fact in figure.facts.items():
            terminalreporter.line(f"    {name}: {fact}")
