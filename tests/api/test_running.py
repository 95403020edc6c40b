"""Matrices run from Python; the workers are fakes."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import harness
from harness import events
from harness.executors import Devices
from harness.placement import executor_choice

MATRIX: dict[str, Any] = {
    "seeds": [1],
    "budget": {"epochs": 6},
    "protocol": {"epochs_per_trial": 3, "image_size": 32},
    "datasets": {"digits": {"max_images": 120}},
    "backbones": {"EfficientNetLite0": {"weights": "none"}},
    "tuners": {"kt-random": {}, "optuna-tpe": {}},
    "hyperparameters": {"lr": {"learning_rate": {"low": 1e-4, "high": 1e-1, "log": True}}},
}

Run = Callable[..., harness.Run]


@pytest.fixture
def run(tmp_path: Path, fake_executor: Any, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a matrix with fake workers, into a folder of the test's own."""
    monkeypatch.setattr(executor_choice, "LOCAL", lambda: fake_executor)
    places = {"results": tmp_path / "rés ults", "cache": tmp_path / "cache"}
    return lambda matrix, **options: harness.run(matrix, executor="local", **{**places, **options})


@pytest.mark.seconds
def test_a_matrix_built_in_code_is_run_and_nothing_is_printed(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    ended = run(harness.Matrix(name="mine", **MATRIX))

    assert dict(ended.states) == {events.State.OK: 2}
    assert (ended.path.name, ended.left, ended.unreachable) == ("mine", None, ())
    assert capsys.readouterr() == ("", "")


def test_whoever_watches_is_told_of_each_event_in_its_order(run: Run) -> None:
    heard: list[events.Event] = []

    run(harness.Matrix(name="mine", **MATRIX), watch=heard.append)

    kinds = [type(event).__name__ for event in heard]
    assert kinds[:2] == ["WaveBegins", "PreparationBegins"]
    cells = [type(event).__name__ for event in heard if isinstance(event, events.CellBegins | events.CellEnds)]
    assert cells == ["CellBegins", "CellEnds"] * 2


def test_a_second_run_keeps_what_is_finished(run: Run, fake_executor: Any) -> None:
    matrix = harness.Matrix(name="mine", **MATRIX)
    run(matrix)
    fake_executor.started.clear()

    assert dict(run(matrix).states) == {events.State.OK: 2}
    assert fake_executor.started == []


def test_an_interrupt_leaves_what_is_finished_and_the_same_call_goes_on(run: Run) -> None:
    matrix = harness.Matrix(name="mine", **MATRIX)

    def after_the_first(event: events.Event) -> None:
        if isinstance(event, events.CellEnds):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(matrix, watch=after_the_first)

    heard: list[events.Event] = []
    assert dict(run(matrix, watch=heard.append).states) == {events.State.OK: 2}
    assert next(event.finished for event in heard if isinstance(event, events.WaveBegins)) == 1


def test_a_limit_leaves_the_rest_for_a_later_call(run: Run) -> None:
    ended = run(harness.Matrix(name="mine", **MATRIX), max_hours=1e-6)

    assert ended.left is not None
    assert (len(ended.left.cells), ended.left.wanted) == (2, 2)


def test_a_file_is_run_by_its_path_too(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "ä b.toml"
    path.write_text(harness.Matrix(name="x", **MATRIX).text, "utf-8")

    assert run(path).path.name == "ä b"
    assert run(str(path)).matrix == harness.load_matrix(path)


@pytest.mark.parametrize("name", ["a/b", "..", ""])
def test_a_name_that_results_cant_have_is_told_as_it_was_given(name: str) -> None:
    with pytest.raises(harness.MatrixError, match=re.escape(f"name = {name!r}: ")):
        harness.Matrix(name=name, **MATRIX)


def test_a_matrix_takes_what_numpy_and_iterators_hold() -> None:
    rates = {"low": np.float32(0.5), "high": 1.0, "log": np.array([1.0])[0] > 0}
    written = {"learning_rate": {"low": 0.5, "high": 1.0, "log": True}}
    asked = {**MATRIX, "hyperparameters": {"full": {"learning_rate": rates}}}

    for seeds in (iter([1, 2]), np.array([1, 2]), [np.int64(1), 2]):
        made = harness.Matrix(name="mine", **{**asked, "seeds": seeds})
        plain = harness.Matrix(name="mine", **{**asked, "seeds": [1, 2], "hyperparameters": {"full": written}})
        assert made == plain


def test_what_is_no_matrix_is_told_in_a_line() -> None:
    endless: list[Any] = []
    endless.append(endless)

    for change, said in (
        ({"name": 3}, "name = 3: give a text"),
        ({"base": 3}, "base = 3: give a folder, as text or a path"),
        ({"base": "~nobody at all"}, "base = '~nobody at all': nobody's home is known by that name"),
        ({"seeds": endless}, "mine: a list or table in it holds itself"),
        ({"seeds": {1, 2}}, "mine.toml: seeds: must be a list in"),
    ):
        with pytest.raises(harness.MatrixError, match=re.escape(said)):
            harness.Matrix(**{"name": "mine", **MATRIX, **change})


def test_mistakes_are_raised_one_line_each() -> None:
    with pytest.raises(harness.MatrixError) as raised:
        harness.Matrix(name="mine", **{**MATRIX, "seeds": [], "budget": {"epoch": 6}})

    assert len(raised.value.mistakes) == 2
    assert all(line.startswith("mine.toml: ") for line in raised.value.mistakes)


@pytest.mark.parametrize(
    ("option", "said"),
    [({"image": "mine:1"}, "--image: a local process has none"), ({"prices": "no such.toml"}, "no such.toml")],
)
def test_what_can_not_be_followed_is_an_error_of_the_user(run: Run, option: dict[str, Any], said: str) -> None:
    with pytest.raises(harness.UserError, match=said):
        run(harness.Matrix(name="mine", **MATRIX), **option)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"start": "hot"}, "start = 'hot': give one of warm, fresh"),
        ({"max_hours": 0}, "max_hours = 0: give a finite number above 0, or leave it out"),
        ({"max_hours": float("nan")}, "max_hours = nan: give a finite number above 0"),
        ({"max_cost": -1.0}, "max_cost = -1.0: give a finite number above 0"),
        ({"max_hours": "1"}, "max_hours = '1': give a finite number above 0"),
        ({"retry_failed": "no"}, "retry_failed = 'no': give True or False"),
        ({"executor": 3}, "executor = 3: give a word or a path as text"),
        ({"at_once": "2"}, "at_once = '2': give a whole number"),
        ({"watch": 3}, "watch = 3: give a function that takes an event"),
        ({"results": ""}, "results = '': an empty path; give another, or leave it out"),
        ({"cache": "a\0b"}, r"cache = 'a\\x00b': holds a null byte; give another"),
        ({"cache": "~nobody at all/b"}, "cache = '~nobody at all/b': nobody's home is known by that name"),
        ({"prices": 3}, "prices = 3: no path; give one as text, or as pathlib has it"),
    ],
)
def test_options_that_mean_nothing_are_not_taken_for_others(tmp_path: Path, option: dict[str, Any], said: str) -> None:
    with pytest.raises(harness.UserError, match=said):
        harness.run(harness.Matrix(name="mine", **MATRIX), **{"executor": "local", "results": tmp_path, **option})


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = (
        "import sys, harness; print([name for name in ('pydantic', 'polars', 'numpy', 'rich') if name in sys.modules])"
    )

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert said.stdout.strip() == "[]"


def test_every_public_name_is_there_and_no_other() -> None:
    assert [name for name in harness.__all__ if not hasattr(harness, name)] == []
    assert set(dir(harness)) == {*harness.__all__, "__version__"}
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = harness.no_such_name


def test_dollars_are_no_limit_where_nobody_knows_what_the_machines_cost(run: Run, fake_executor: Any) -> None:
    fake_executor.devices = Devices.ELSEWHERE
    with pytest.raises(harness.UserError, match=r"--max-cost: .* say how long \(--max-hours\)"):
        run(harness.Matrix(name="mine", **MATRIX), max_cost=1.0)
    assert dict(run(harness.Matrix(name="mine", **MATRIX), max_hours=1.0).states) == {events.State.OK: 2}
