"""What searches import is looked for before anything runs; the Pythons that lack something are fakes."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import harness
from harness import container_images, matrix
from harness.catalogue.tuners import KNOWN
from harness.cli.doctor import machine
from harness.environment import Identity
from harness.errors import MatrixError
from harness.placement import required_libraries
from harness.placement.container_choice import DECLARED, Intent
from harness.placement.slot_choice import ChosenSlots

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

Lack = Callable[..., None]


@pytest.fixture
def lack(monkeypatch: pytest.MonkeyPatch) -> Lack:
    """Let this Python have all but the given modules."""

    def leave_out(*modules: str) -> None:
        def found(name: str) -> ModuleSpec | None:
            return None if name in modules else find_spec("sys")

        monkeypatch.setattr(required_libraries, "find_spec", found)

    return leave_out


def tune_with(line: CommandLine, *tuners: str) -> None:
    text = line.matrix.read_text("utf-8")
    line.matrix.write_text(text.replace("kt-random = {}", "\n".join(f"{name} = {{}}" for name in tuners)), "utf-8")


@pytest.mark.parametrize("command", ["run", "plan"])
def test_a_python_without_what_trains_is_told_in_one_line_before_anything_runs(
    line: CommandLine, lack: Lack, command: str
) -> None:
    lack("tensorflow", "keras")

    answer = line.call(command, str(line.matrix), *line.places)

    assert (answer.code, answer.out) == (2, "")
    assert answer.err == (
        "training needs tensorflow, keras, which this Python lacks; make setup, or pip install 'tuner-harness[cpu]'\n"
    )
    assert line.executor.started == []


@pytest.mark.parametrize("command", ["run", "plan", "tables"])
def test_a_python_that_can_not_report_is_told_before_anything_runs(line: CommandLine, lack: Lack, command: str) -> None:
    lack("matplotlib", "polars")

    answer = line.call(command, str(line.matrix), "--results", str(line.results))

    assert (answer.code, answer.out) == (2, "")
    assert answer.err == (
        "reports need matplotlib, polars, which this Python lacks; make setup, or pip install 'tuner-harness[report]'\n"
    )
    assert line.executor.started == []


def test_what_reports_and_training_lack_is_told_at_once(line: CommandLine, lack: Lack) -> None:
    lack("matplotlib", "keras")

    reports, training = line.run().err.splitlines()

    assert reports.startswith("reports need matplotlib, ")
    assert training.startswith("training needs keras, ")


def test_all_that_a_search_imports_whichever_its_tuner_is_looked_for() -> None:
    own = [
        path for part in ("worker", "objectives", "datasets", "backbones") for path in (SOURCES / part).rglob("*.py")
    ]

    imported = {module for path in own for module in imported_by(path)} - sys.stdlib_module_names - {"harness"}

    # What the harness itself can't do without is there wherever it is.
    assert imported - {"pydantic", "tabulate"} <= set(required_libraries.TRAINING)


def imported_by(path: Path) -> Iterator[str]:
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module).partition(".")[0]


@pytest.mark.parametrize("command", ["run", "plan"])
def test_a_tuner_without_its_library_is_named_with_a_remedy_that_brings_nothing_for_gpus(
    line: CommandLine, lack: Lack, command: str
) -> None:
    lack("torch", "cmaes")
    tune_with(line, "optuna-gp", "optuna-cmaes")

    answer = line.call(command, str(line.matrix), *line.places)

    gp, cmaes = answer.err.splitlines()
    assert (answer.code, answer.out) == (2, "")
    assert gp.startswith(f"{line.matrix}: tuners.optuna-gp: optuna-gp needs torch, which this Python lacks; ")
    assert "--index-url https://download.pytorch.org/whl/cpu" in gp
    assert cmaes.startswith(f"{line.matrix}: tuners.optuna-cmaes: optuna-cmaes needs cmaes, which this Python lacks; ")
    assert gp.endswith(", or leave the tuner out")
    assert line.executor.started == []


def test_what_no_tuner_of_the_matrix_imports_is_not_missed(line: CommandLine, lack: Lack) -> None:
    lack("torch", "cmaes", "sklearn")

    assert line.run().code == 0


def test_a_calibration_is_not_begun_either(line: CommandLine, lack: Lack) -> None:
    lack("keras")

    assert line.plan("--calibrate").code == 2
    assert line.executor.started == []


def intent(packages: Sequence[str] | None) -> Intent:
    return Intent(
        reference="tuner-harness:cpu",
        engine="fake",
        chosen=ChosenSlots(),
        build=None,
        identity=Identity(environment="e", code="c"),
        packages=None if packages is None else frozenset(packages),
    )


TRAINING = ["tensorflow-cpu", "keras", "h5py", "numpy", "pillow", "imagehash", "threadpoolctl"]
SOURCES = Path(harness.__file__).parent


def test_an_image_without_a_tuners_library_is_told_by_its_lock_whatever_this_python_has(line: CommandLine) -> None:
    tune_with(line, "optuna-gp")
    loaded = matrix.load(line.matrix)

    with pytest.raises(MatrixError) as caught:
        required_libraries.check(loaded, intent([*TRAINING, "optuna", "scipy"]))

    (said,) = caught.value.mistakes
    assert said.startswith(
        f"{line.matrix}: tuners.optuna-gp: optuna-gp needs torch, which image tuner-harness:cpu lacks; "
    )
    assert said.endswith("run the matrix as local processes (--executor local), or leave the tuner out")
    required_libraries.check(loaded, intent([*TRAINING, "optuna", "scipy", "torch"]))
    # Of an image whose lock is not here nothing is known.
    required_libraries.check(loaded, intent(None))


@pytest.mark.parametrize("tuner", [name for name, known in KNOWN.items() if known.extra is None])
def test_the_declared_images_have_what_every_tuner_without_an_extra_imports(tuner: str) -> None:
    for image in container_images.load(DECLARED):
        locked = container_images.packages_of(image)
        for module in (*required_libraries.TRAINING, *required_libraries.needed(tuner)):
            assert not locked.isdisjoint(required_libraries.packages_of(module)), (image.name, module)


def test_doctor_calls_no_tuner_good_that_lacks_a_library(lack: Lack) -> None:
    lack("six", "sklearn", "torch")

    found: dict[str, Any] = {each.what: each for each in machine._tuners()}

    assert [name for name in KNOWN if f"tuner {name}" in found] == [
        *(name for name in KNOWN if name.startswith("kt-")),
        "optuna-gp",
    ]
    assert found["tuner kt-bayesian"].found == "needs six, scikit-learn"
    assert "kt-" not in found["tuners"].found
    assert found["tuner optuna-gp"].remedy == required_libraries.remedy("optuna-gp")


def test_doctor_calls_no_tuner_good_where_training_lacks_a_library(lack: Lack) -> None:
    lack("keras", "imagehash")

    training, reports = machine._imports()
    (tuners,) = machine._tuners()

    assert (training.state, training.found) == ("missing", "lacks keras, imagehash")
    assert reports.state == "good"
    assert (tuners.state, tuners.remedy) == ("missing", training.remedy)


def test_doctor_says_what_reports_lack(lack: Lack) -> None:
    lack("polars")

    training, reports = machine._imports()

    assert training.state == "good"
    assert (reports.state, reports.found) == ("missing", "lacks polars")
    assert reports.remedy == "make setup, or pip install 'tuner-harness[report]'"
