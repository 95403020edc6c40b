"""A cell and its parts, for any test that needs one; and what tests do where no container can be run."""

from __future__ import annotations

import gc
import os
import re
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from harness.cells import Cell, Names, SourceTable, WeightsTable, domains_of
from harness.matrix_schema import Backbone, Budget, Dataset, Protocol, TunerSection
from harness.space import Choice, Fixed, Range, Space

IMAGE = os.environ.get("HARNESS_TEST_IMAGE", "tuner-harness:cpu")

# Importing TensorFlow and every test makes millions of objects that stay. Looking among them for garbage is a third of
# the time that collecting the tests takes, and half a second wherever a test looks.
gc.disable()


def pytest_collection_finish() -> None:
    """Look for garbage among what tests make, and no longer among what was imported for them."""
    gc.freeze()
    gc.enable()


class FileByFile(LoadScopeScheduling):  # type: ignore[misc] # xdist tells no types
    """Keeps a file's tests in one process, and in one all that share a thing.

    A file's tests share what was built and searched for them; an engine and a browser there are once on a machine.
    By their ids: what ``xdist_group`` adds to one, this pytest doesn't take.
    """

    def _split_scope(self, nodeid: str) -> str:
        return _shared(nodeid.partition("::")[0])


@cache
def _shared(path: str) -> str:
    """Return what the tests of a file share, by the marks in it."""
    text = (Path(__file__).parents[1] / path).read_text("utf-8")
    if any(f"mark.{name}" in text for name in ("docker", "browser")):
        return "engine"
    named = re.search(r'mark\.xdist_group\("(\w+)"\)', text)
    return path if named is None else named[1]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FileByFile | None:
    """Share tests out so where ``--dist loadgroup`` asks for groups."""
    return FileByFile(config, log) if config.getvalue("dist") == "loadgroup" else None


@pytest.fixture(scope="session", autouse=True)
def _local_processes() -> Iterator[None]:
    """Let no test run in containers because an engine happens to answer here: those that mean to, say so."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_EXECUTOR", "local")
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_terminal() -> Iterator[None]:
    """Leave out the width of a terminal, which who runs the tests, or what shares them out, may have set."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COLUMNS", raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_wait_for_the_disk() -> Iterator[None]:
    """Leave what this process writes in the system's memory: no test cuts the power, and each write waits for a disk.

    Processes that a test starts, runs and workers that are killed among them, wait as they always do.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture
def cell() -> Cell:
    space = Space(
        {
            "learning_rate": Range(low=1e-4, high=1e-1, log=True, default=1e-3),
            "batch_size": Choice(choices=(16, 32), default=32),
            "dropout": Fixed(value=0.0),
        }
    )
    return Cell(
        names=Names(dataset="digits", backbone="MobileNetV2", tuner="random", hyperparameters="two"),
        dataset=Dataset(source="digits"),
        source=SourceTable(content_hash="a" * 64, paths=["/somewhere"]),
        backbone=Backbone(model="MobileNetV2", weights="none"),
        weights=WeightsTable(sha256=None, path=None),
        tuner=TunerSection(tuner="optuna-random"),
        domains=domains_of(space),
        budget=Budget(epochs=6),
        protocol=Protocol(epochs_per_trial=3, image_size=32),
        seed=0,
        environment="e" * 64,
        code="c" * 64,
    )


@pytest.fixture(scope="session")
def without_engine() -> Callable[[str], NoReturn]:
    """Skips for a reason, or fails where HARNESS_TESTS_NEED_ENGINE says that nothing may be skipped."""

    def leave(reason: str) -> NoReturn:
        # The SDK leaves a socket open where nobody answers, which would be a later test's warning.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
        if os.environ.get("HARNESS_TESTS_NEED_ENGINE"):
            pytest.fail(reason)
        pytest.skip(reason)

    return leave


@pytest.fixture(scope="session")
def current_image(without_engine: Callable[[str], NoReturn]) -> str:
    """The image that real containers run: it is here, and built from these sources."""
    reason = _trouble(IMAGE)
    if reason is not None:
        without_engine(reason)
    return IMAGE


def _trouble(image: str) -> str | None:
    """Return why no container of this harness can be run here, or None."""
    # Late: the engine's SDK takes a fifth of a second to import, in each process that runs tests.
    from harness import environment  # noqa: PLC0415
    from harness.errors import MachineError  # noqa: PLC0415
    from harness.executors import engine_connection  # noqa: PLC0415

    try:
        client = engine_connection.connect()
        engine_connection.current(engine_connection.image(client, image), code=environment.code_hash())
    except MachineError as error:
        # Its text alone: the error, kept, would keep the connection open.
        return str(error)
    client.close()
    return None
