"""Meters of users' own; the one of the documentation among them."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import MachineError, UserError
from harness.meters import Usage, own_meter
from harness.meters.own_meter import OwnEnergy
from harness.testing import MeterContract

PAGE = Path(__file__).parents[2] / "docs" / "add-a-meter.md"
DOCUMENTED = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[0]
SCRIPTED = """
class Scripted:
    covers = "the whole  machine,\\nat the wall"
    readings = [{readings}]

    def read_j(self):
        found = self.readings.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

create = Scripted
"""

Found = dict[str, str]
Own = Callable[[str], Found]


@pytest.fixture
def own(tmp_path: Path) -> Own:
    """Write a file of this text, and return what the host knows of it."""

    def write(text: str) -> Found:
        path = tmp_path / "my plug.py"
        path.write_text(text, "utf-8")
        return {"path": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}

    return write


@pytest.fixture
def reads(own: Own) -> Callable[[str], OwnEnergy]:
    """Make the energy of a meter that gives these readings."""
    return lambda readings: own_meter.of_own(own(SCRIPTED.format(readings=readings)))


@pytest.fixture
def plug(tmp_path: Path) -> Callable[[float], str]:
    """Let the documented plug have counted so many watt-hours; return the meter's file for it."""
    answer = tmp_path / "answer.json"

    def counted(watt_hours: float) -> str:
        answer.write_text(json.dumps({"aenergy": {"total": watt_hours}}))
        return re.sub(r'PLUG = ".*"', f'PLUG = "{answer.as_uri()}"', DOCUMENTED)

    return counted


class TestTheDocumentedMeter(MeterContract):
    @pytest.fixture(autouse=True)
    def _file(self, plug: Callable[[float], str]) -> None:
        self.text = plug(12.5)

    def create(self) -> object:
        made: dict[str, Any] = {}
        exec(self.text, made)  # noqa: S102 - the documentation's own code
        return made["create"]()


def test_the_documented_meter_counts_what_its_plug_does(own: Own, plug: Callable[[float], str]) -> None:
    energy = own_meter.of_own(own(plug(2.0)))
    usage = Usage(cpu_s=lambda: 0.0, energy=energy.counter)

    plug(2.5)

    assert usage.take().energy_j == 0.5 * 3600
    covers = "the whole machine at the wall, what it uses when idle included"
    assert energy.facts == {"value": 0.0, "reason": None, "covers": covers, "meter": "my plug.py"}


def test_words_for_what_it_covers_are_one_line(reads: Callable[[str], OwnEnergy]) -> None:
    assert reads("1").facts["covers"] == "the whole machine, at the wall"


@pytest.mark.parametrize("text", ["0", "7", "True", "0.5", "__import__('numpy').float32(0.5)", "1e15"])
def test_numbers_of_any_type_become_floats(reads: Callable[[str], OwnEnergy], text: str) -> None:
    counter = reads(f"0, {text}").counter
    assert counter is not None

    assert type(counter.read_j()) is float
    assert counter.reason is None


BAD = [
    ("None", "my plug.py: read_j returned None"),
    ("'much'", "my plug.py: read_j returned str, no number"),
    ("[]", "my plug.py: read_j returned list, no number"),
    ("10**999", "my plug.py: read_j returned int, no number"),
    ("float('nan')", "my plug.py: read_j returned nan, and joules are from 0 to 1e+15"),
    ("float('inf')", "my plug.py: read_j returned inf, and joules are from 0 to 1e+15"),
    ("-0.25", "my plug.py: read_j returned -0.25, and joules are from 0 to 1e+15"),
    ("1.1e15", "my plug.py: read_j returned 1.1e+15, and joules are from 0 to 1e+15"),
    ("OSError(5, 'I/O')", "my plug.py: read_j raised OSError: [Errno 5] I/O"),
    ("ZeroDivisionError()", "my plug.py: read_j raised ZeroDivisionError: ZeroDivisionError"),
    ("3.0", "my plug.py: read_j fell from 5 to 3, and joules only grow"),
]


@pytest.mark.parametrize(("text", "said"), BAD)
def test_what_is_no_joules_leaves_one_trial_unknown_with_its_reason_and_the_next_is_known(
    reads: Callable[[str], OwnEnergy], text: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    energy = reads(f"1, 1, 5, 5, {text}, 10, 12, 12")
    usage = Usage(cpu_s=lambda: 0.0, energy=energy.counter)

    taken = [usage.take().energy_j for _ in range(3)]

    assert taken == [4.0, None, 2.0]
    assert (energy.facts["value"], energy.facts["reason"]) == (0.0, said)
    assert [record.getMessage() for record in caplog.records] == [f"{said}: the joules of a trial stay unknown"]


@pytest.mark.parametrize(("text", "said"), BAD[1:-1])
def test_a_meter_that_reads_no_joules_at_once_is_the_users_mistake(own: Own, text: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        own_meter.create(own(SCRIPTED.format(readings=text)))

    assert str(caught.value) == said


def test_a_meter_that_can_not_be_read_yet_is_none(own: Own) -> None:
    counter = own_meter.create(own(SCRIPTED.format(readings="None, 3")))

    assert counter.read_j() == 3.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "def create(): raise OSError(2, 'No such plug')",
            "making the meter raised FileNotFoundError: [Errno 2] No such plug",
        ),
        (
            "import no_such_library\ncreate = 1",
            "making the meter raised ModuleNotFoundError: No module named 'no_such_library'",
        ),
        ("def create(host): ...", "making the meter raised TypeError: create() missing 1 required"),
        ("def create(): ...", "what create returns has no read_j; docs/add-a-meter.md shows one"),
        ("class create: read_j = 5.0", "what create returns has no read_j"),
        (
            "class create:\n    def read_j(self): return 1.0",
            "what create returns has no covers, words for what its joules are of",
        ),
        ("class create:\n    covers = ' '\n    def read_j(self): return 1.0", "what create returns has no covers"),
    ],
)
def test_what_is_no_meter_is_told_in_one_line_and_leaves_a_search_without_joules(
    own: Own, text: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    found = own(text)

    with pytest.raises(UserError) as caught:
        own_meter.create(found)
    energy = own_meter.of_own(found)

    assert str(caught.value).startswith(f"my plug.py: {said}")
    assert "\n" not in str(caught.value)
    assert energy.counter is None
    assert energy.facts == {"value": None, "reason": str(caught.value), "covers": None, "meter": "my plug.py"}
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_cells_at_once_have_no_joules_of_their_own(own: Own) -> None:
    energy = own_meter.of_own(own("def create(): raise SystemExit('made')"), at_once=2)

    assert energy.counter is None
    assert energy.facts["reason"] == "2 cells at once share what my plug.py reads"


def test_a_file_that_changed_since_the_plan_is_not_run(own: Own) -> None:
    found = own("raise SystemExit('run')") | {"sha256": "0" * 64}

    with pytest.raises(MachineError, match="changed since the run began"):
        own_meter.of_own(found)
