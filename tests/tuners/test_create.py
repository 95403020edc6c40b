"""Creating tuners: mistakes are one line, and no cell imports the other cell's library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness import matrix_schema, tuners
from harness.catalogue.tuners import KNOWN
from harness.errors import MachineError, UserError
from harness.placement import required_libraries
from harness.space import Space

if TYPE_CHECKING:
    from tests.tuners.conftest import FakeSearch, Make

# make setup installs what they need.
EXTRAS = [
    name
    for name, known in KNOWN.items()
    if known.library not in ("harness", "keras-tuner", "optuna")
    and not required_libraries.lacking(required_libraries.needed(name))
]


def test_a_mistake_is_one_line(space: Space, make: Make) -> None:
    with pytest.raises(UserError, match=r"^tuner: unknown tuner 'baysian'; did you mean 'kt-bayesian'\?$"):
        make("baysian", space)


def test_a_pruner_that_starts_after_a_trials_end_is_a_mistake(space: Space, make: Make) -> None:
    section = matrix_schema.TunerSection(tuner="optuna-tpe", pruner="hyperband", pruner_options={"min_resource": 10})

    with pytest.raises(UserError, match=r"^pruner_options\.min_resource: 10 is more than the 9 epochs of a trial"):
        make(section, space)


def test_a_missing_library_is_no_fault_of_the_tuner_and_told_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)

    with pytest.raises(
        MachineError, match=r"^tuner: optuna-tpe can't import optuna \(.*\); harness doctor says"
    ) as caught:
        tuners.load_library(matrix_schema.TunerSection(tuner="optuna-tpe"))

    assert "\n" not in str(caught.value)


@pytest.mark.seconds
@pytest.mark.parametrize(
    ("name", "absent"),
    [
        ("optuna-tpe", ["keras_tuner", "keras", "tensorflow", "cmaes", "torch"]),
        *((name, ["optuna", "keras_tuner", "keras", "tensorflow", "torch"]) for name in EXTRAS),
        ("default", ["optuna", "keras_tuner", "keras", "tensorflow", "numpy"]),
    ],
)
def test_a_cell_imports_no_other_cells_library(name: str, absent: list[str]) -> None:
    script = (
        "import sys; from harness import matrix_schema, tuners; "
        f"tuners.load_library(matrix_schema.TunerSection(tuner={name!r})); "
        f"print([module for module in {absent!r} if module in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout.strip() == "[]"


ASK_AND_TELL = """
import sys
from pathlib import Path
from harness import matrix_schema, tuners
from harness.search_types import Outcome, Trial
from harness.space import Range, Space

space = Space({"learning_rate": Range(low=1e-5, high=1e-1, log=True, default=1e-3)})
section = matrix_schema.TunerSection(tuner=sys.argv[1])
tuners.load_library(section)
tuner = tuners.create(section, space, seed=1, epochs_per_trial=3, expected_trials=9, folder=Path(sys.argv[2]))
before = set(sys.modules)
for number in range(5):
    asked = tuner.ask()
    tuner.tell(Trial(number=number, parameters=asked.parameters, first_epoch=1, last_epoch=3, parent=None,
        outcome=Outcome.COMPLETED, epochs=()))
print(sorted(set(sys.modules) - before))
"""


@pytest.mark.seconds
@pytest.mark.parametrize("name", ["optuna-tpe", "optuna-cmaes", *EXTRAS])
def test_a_loaded_tuner_imports_nothing_more_on_the_clock(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", ASK_AND_TELL, name, str(tmp_path)]

    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout.strip() == "[]"


def test_the_default_is_proposed_once(space: Space, make: Make, search: FakeSearch) -> None:
    tuner = make("default", space)

    history = search.run(tuner, 10)

    assert [trial.parameters for trial in history] == [space.defaults]
    assert history[0].last_epoch == 9
    assert tuner.ask() is None


@pytest.mark.parametrize(
    "name",
    ["kt-random", "kt-bayesian", "kt-hyperband", "optuna-random", "optuna-tpe", "optuna-cmaes", "optuna-qmc", *EXTRAS],
)
def test_no_tuner_is_given_the_defaults_to_start_with(name: str, space: Space, make: Make) -> None:
    proposal = make(name, space).ask()

    assert proposal is not None
    assert proposal.parameters != space.defaults
