"""The command line called in this process, with fake workers behind it."""

from __future__ import annotations

import importlib.util
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from harness import matrix, plots
from harness.campaign import matrix_resolution
from harness.cells import Cell
from harness.cli import exit_codes
from harness.cli.commands import harness
from harness.executors import LocalExecutor
from harness.placement import executor_choice
from harness.results_folder import MatrixFolder

if TYPE_CHECKING:
    from tests.campaign.conftest import FakeExecutor, Script


def _loaded(name: str, *parts: str) -> ModuleType:
    # Test folders are no packages, so that what a sibling folder has is loaded by path.
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[1].joinpath(*parts))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


_CAMPAIGN = _loaded("campaign_fakes", "campaign", "conftest.py")
write = _loaded("matrix_files", "matrix", "conftest.py").write
# test_malformed.py imports it by this name.
_loaded("malformed_matrices", "matrix", "test_malformed.py")

MATRIX = """\
seeds = [1]
[budget]
epochs = 6
[protocol]
epochs_per_trial = 3
image_size = 32
[datasets.digits]
max_images = 100
[backbones.EfficientNetLite0]
weights = "none"
[tuners]
default = {}
optuna-tpe = {}
kt-random = {}
[hyperparameters."lr only"]
learning_rate = { low = 1e-4, high = 1e-1, log = true }
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a call of the command line ended, and what it said."""

    code: int
    out: str
    err: str


@dataclass
class CommandLine:
    """Calls ``harness`` on one matrix, one results folder and one cache."""

    folder: Path
    cache: Path
    executor: FakeExecutor
    capsys: pytest.CaptureFixture[str]

    @property
    def matrix(self) -> Path:
        return self.folder / "größe 1.toml"

    @property
    def results(self) -> Path:
        return self.folder / "my résultats"

    @property
    def places(self) -> list[str]:
        return ["--results", str(self.results), "--cache", str(self.cache)]

    def call(self, *arguments: str) -> Answer:
        """Call with just these arguments."""
        self.capsys.readouterr()
        code = exit_codes.code_of(lambda: harness(list(arguments), prog_name="harness", standalone_mode=False))
        said = self.capsys.readouterr()
        return Answer(code, said.out, said.err)

    def run(self, *options: str) -> Answer:
        return self.call("run", str(self.matrix), *self.places, *options)

    def plan(self, *options: str) -> Answer:
        return self.call("plan", str(self.matrix), *self.places, *options)

    def show(self, cell: str, *options: str) -> Answer:
        return self.call("show", cell, "--results", str(self.results), *options)

    def tables(self, *options: str) -> Answer:
        return self.call("tables", str(self.matrix), "--results", str(self.results), *options)

    @property
    def cells(self) -> list[Cell]:
        return list(matrix_resolution.resolve(matrix.load(self.matrix), cache=self.cache).cells)

    @property
    def matrix_folder(self) -> MatrixFolder:
        return MatrixFolder(self.results / self.matrix.stem)


@pytest.fixture(autouse=True)
def _restore_signals() -> Iterator[None]:
    """The command line takes SIGTERM; give it back."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def _fake_begin(*_: object, **__: object) -> Callable[[], list[Path]]:
    return list


@pytest.fixture
def real_pictures() -> None:
    """Ask for real pictures beneath a run."""


@pytest.fixture(autouse=True)
def _fake_pictures(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw nothing unless ``real_pictures`` are asked for: that takes most of the time of a run with fake workers."""
    if "real_pictures" not in request.fixturenames:
        monkeypatch.setattr(plots, "begin", _fake_begin)


@pytest.fixture
def line(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    executor = _CAMPAIGN.FakeExecutor()
    monkeypatch.setattr(executor_choice, "LOCAL", lambda: executor)
    made = CommandLine(tmp_path, tmp_path / "ä cache", executor, capsys)
    made.matrix.write_text(MATRIX, "utf-8")
    return made


@pytest.fixture
def does() -> type[Script]:
    return _CAMPAIGN.Script  # type: ignore[no-any-return] # loaded by path


@pytest.fixture
def trained() -> Callable[..., Any]:
    return _CAMPAIGN.trial  # type: ignore[no-any-return] # loaded by path


@pytest.fixture
def without_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send whatever is downloaded to a proxy that isn't there."""
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)


@pytest.fixture
def real(line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let real workers search."""
    assert not line.results.exists()
    monkeypatch.setattr(executor_choice, "LOCAL", LocalExecutor)
