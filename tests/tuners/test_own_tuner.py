"""Tuners of users' own; the one of the documentation among them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness import matrix_schema, testing, tuners
from harness.errors import MachineError, UserError
from harness.search_types import Tuner
from harness.space import Choice, Fixed, Range, Space

PAGE = Path(__file__).parents[2] / "docs" / "add-a-tuner.md"
DOCUMENTED = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[0]
SPACE = Space({"learning_rate": Range(low=1e-4, high=1e-1, log=True, default=1e-3), "dropout": Fixed(value=0.5)})
ASKING = """
from harness.search_types import Proposal
class Mine:
    def ask(self): return {}
    def report(self, proposal, epoch, score): return False
    def tell(self, trial): pass
def create(space, *, seed, epochs_per_trial): return Mine()
"""

Own = Callable[..., Tuner]


@pytest.fixture
def own(tmp_path: Path) -> Own:
    """Make the tuner that a file of this text defines."""

    def make(text: str, *, space: Space = SPACE, options: dict[str, Any] | None = None) -> Tuner:
        path = tmp_path / "my tuner.py"
        path.write_text(text, "utf-8")
        file = {"path": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        section = matrix_schema.TunerSection(tuner="file", path="my tuner.py", options=options or {})
        return tuners.create(
            section, space, seed=7, epochs_per_trial=9, expected_trials=None, folder=tmp_path, file=file
        )

    return make


class TestTheDocumentedTuner(testing.TunerContract):
    @pytest.fixture(autouse=True)
    def _file(self, own: Own) -> None:
        self.own = own

    def create(self, space: Space, *, seed: int, epochs_per_trial: int) -> Tuner:
        assert (seed, epochs_per_trial) == (1, testing.EPOCHS)
        return self.own(DOCUMENTED, space=space)


def test_options_reach_it_and_fixed_hyperparameters_are_added(own: Own) -> None:
    always_anew = list(testing.searched(own(DOCUMENTED, options={"share": 0.0}), trials=6))
    never_anew = list(testing.searched(own(DOCUMENTED, options={"share": 1.0}), trials=6))

    assert len({trial.parameters["learning_rate"] for trial in always_anew}) == 6
    assert len({trial.parameters["learning_rate"] for trial in never_anew}) == 1
    assert all(trial.parameters["dropout"] == 0.5 for trial in always_anew)


@pytest.mark.parametrize(
    ("proposed", "said"),
    [
        ("{}", "ask returned dict, no Proposal and not None"),
        ("Proposal(parameters={'learning_rate': 1.0}, last_epoch=9)", "doesn't have: learning_rate = 1.0"),
        ("Proposal(parameters={'learning_rate': 0.01, 'size': 3}, last_epoch=9)", "doesn't have: size = 3"),
        ("Proposal(parameters=[1], last_epoch=9)", "are list, no mapping"),
        ("Proposal(parameters={'learning_rate': 0.01}, last_epoch=10)", "proposed 10 epochs, and a trial has 1 to 9"),
        ("Proposal(parameters={'learning_rate': 0.01}, last_epoch=0)", "proposed 0 epochs"),
        ("Proposal(parameters={'learning_rate': 0.01}, last_epoch=9, parent=0)", "continues an earlier trial"),
    ],
)
def test_what_can_not_be_trained_is_an_error_that_names_file_and_value(own: Own, proposed: str, said: str) -> None:
    tuner = own(ASKING.replace("return {}", f"return {proposed}"))

    with pytest.raises(UserError, match=re.escape(said)) as raised:
        tuner.ask()

    assert str(raised.value).startswith("my tuner.py: ")


def test_one_that_has_nothing_left_ends_the_search(own: Own) -> None:
    assert own(ASKING.replace("return {}", "return None")).ask() is None


def test_what_is_no_tuner_is_an_error(own: Own) -> None:
    with pytest.raises(UserError, match="what create returns has no ask, report, tell"):
        own("def create(space, **_): return object()")


def test_a_file_that_changed_since_the_plan_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("raise SystemExit('run')", "utf-8")

    with pytest.raises(MachineError, match="changed since the run began"):
        tuners.load_library(matrix_schema.TunerSection(tuner="file"), {"path": str(path), "sha256": "0" * 64})


def test_choices_keep_their_types(own: Own) -> None:
    space = Space({**SPACE.domains, "batch_size": Choice(choices=(16, 32), default=16)})

    trials = list(testing.searched(own(DOCUMENTED, space=space), trials=4))

    assert {type(trial.parameters["batch_size"]) for trial in trials} == {int}
