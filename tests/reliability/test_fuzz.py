"""The short form of `make bench-reliability`: malformed matrices and damaged results, drawn by chance."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from benchmarks.reliability import damage, fuzz
from benchmarks.reliability.results import Folder
from harness import stored_file_validation
from harness.cli import exit_codes

SEED = 20260101


@pytest.mark.seconds
def test_malformed_matrices_are_refused_in_words(tmp_path: Path) -> None:
    found = fuzz.matrices(SEED, 100, tmp_path)

    assert found.told == []
    assert found.refused > found.tried // 2


@pytest.mark.seconds
def test_damaged_results_are_read_in_part_or_refused_in_words(tmp_path: Path) -> None:
    found = fuzz.results(SEED, 20, tmp_path)

    assert found.told == []
    assert (found.tried, 0 < found.refused < found.tried) == (20, True)


@pytest.fixture
def made(tmp_path: Path) -> Folder:
    return Folder.made(tmp_path)


def test_a_folder_is_as_it_was_once_its_damage_is_undone(made: Folder) -> None:
    for number in range(30):
        made.damage(random.Random(number))  # noqa: S311 - it draws damage, not secrets
        made.restore()

    held = {path.relative_to(made.pristine): path.read_bytes() for path in made.pristine.rglob("*") if path.is_file()}
    assert {name: (made.path / name).read_bytes() for name in held} == held
    assert list(made.mistakes()) == []


def test_a_file_that_is_drawn_twice_is_damaged_once(made: Folder) -> None:
    """What its first damage left may be no JSON any more, in which nothing can be exchanged."""
    told = made.damage(random.Random("results 12 1404"))  # noqa: S311 - it draws damage, not secrets

    assert told.endswith("is damaged already")


def test_a_change_that_nothing_notices_is_counted(made: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its checksums the harness would take these."""
    path = made.path / "cells" / made.ids[0] / "record.json"
    fields = json.loads(path.read_bytes())
    path.write_text(json.dumps({**fields, "wall_s": fields["wall_s"] + 1}))
    assert list(made.mistakes()) == []

    monkeypatch.setattr(stored_file_validation, "unsealed", _unchecked)

    assert list(made.mistakes()) == [("silent", made.ids[0])]


def _unchecked(text: bytes, **_: object) -> dict[str, Any]:
    return {key: value for key, value in json.loads(text).items() if key != "sha256"}


def test_a_traceback_is_counted_with_where_it_came_from() -> None:
    counts = fuzz.Counts()
    said = 'Traceback\n  File "/a/harness/cli/exit_codes.py", line 7, in f\nZeroDivisionError: x\na bug\n'

    fuzz.judge(fuzz.Answer(exit_codes.BUG, "", said), "first", counts)
    fuzz.judge(fuzz.Answer(exit_codes.USERS_MISTAKE, "", ""), "second", counts)
    fuzz.judge(fuzz.Answer(exit_codes.OK, "all well\n", ""), "third", counts)

    assert counts.unlike == Counter({"traceback": 1, "speechless": 1})
    assert "cli/exit_codes.py:7" in counts.told[0]


def test_what_only_python_takes_for_json_is_counted() -> None:
    counts = fuzz.Counts()

    for number, said in enumerate(('{"wall_s": 1.5}', '{"wall_s": NaN}', '{"wall_s": -Infinity}', "wall_s: 1.5")):
        fuzz.judge(fuzz.Answer(exit_codes.OK, said, "", is_json=True), f"answer {number}", counts)
        fuzz.judge(fuzz.Answer(exit_codes.OK, said, ""), "not asked for", counts)

    assert counts.unlike == Counter({"no JSON": 3})


def test_the_same_seed_draws_the_same_damage() -> None:
    value = {"a": [1, 2.0, {"b": "c"}], "d": None}
    drawn = [[damage.as_json(damage.tree(value, random.Random(seed))) for seed in range(50)] for _ in range(2)]  # noqa: S311 - see above

    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) > 20
    assert value == {"a": [1, 2.0, {"b": "c"}], "d": None}
