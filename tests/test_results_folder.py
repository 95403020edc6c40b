from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ResultsError
from harness.results_folder import MatrixFolder, Planned

PLANNED = Planned(id="ab12", group="g", dataset="Füchse", backbone="b", hyperparameters="h", tuner="t", seed=1)


@pytest.fixture
def folder(tmp_path: Path) -> MatrixFolder:
    found = MatrixFolder(tmp_path / "größe 1")
    found.write_plan([PLANNED])
    return found


def refused(folder: MatrixFolder) -> str:
    with pytest.raises(ResultsError) as caught:
        folder.plan()
    message = str(caught.value)
    assert message.startswith(f"{folder.path / 'plan.json'}: ")
    assert "\n" not in message
    return message


def test_a_plan_is_read_as_it_was_written(folder: MatrixFolder) -> None:
    assert folder.plan() == [PLANNED]


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "../../../etc"},
        {"id": ""},
        {"id": "ab12\n"},
        {"id": "a/b"},
        {"id": 7},
        {"seed": "1"},
        {"seed": True},
        {"tuner": ["t"]},
        {"reason": 5},
        {"role": "spectator"},
        {"seed": -1},
        {"more": 1},
    ],
)
def test_a_cell_that_no_plan_holds_is_refused(folder: MatrixFolder, changes: dict[str, Any]) -> None:
    path = folder.path / "plan.json"
    plan = json.loads(path.read_bytes())
    plan["cells"][0] |= changes
    # Earlier plans have no checksum.
    del plan["sha256"]
    path.write_text(json.dumps(plan))

    assert f"cells.0.{next(iter(changes))}: " in refused(folder)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "1", '{"cells": {}}'[:-1], '{"cells": [1]}', '{"cells": 5}', "[" * 100_000, "Infinity"]
)
def test_what_is_no_plan_is_refused(folder: MatrixFolder, text: str) -> None:
    (folder.path / "plan.json").write_text(text)

    refused(folder)


@pytest.mark.parametrize("kind", ["link", "loop", "folder", "pipe"])
def test_a_plan_that_is_no_plain_file_is_refused(folder: MatrixFolder, kind: str) -> None:
    path = folder.path / "plan.json"
    path.rename(folder.path / "elsewhere.json")
    if kind in ("link", "loop"):
        path.symlink_to({"link": "elsewhere.json", "loop": "plan.json"}[kind])
    elif kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)

    assert "can't be read" in refused(folder)


def test_a_changed_letter_of_a_plan_is_noticed_or_changes_nothing(folder: MatrixFolder) -> None:
    path = folder.path / "plan.json"
    whole = path.read_bytes()

    read = []
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + b"7" + whole[place + 1 :])
        with contextlib.suppress(ResultsError):
            read.append(folder.plan())

    assert all(plan == [PLANNED] for plan in read)
    assert len(read) < len(whole) // 4


def test_a_plan_from_before_there_were_checksums_is_read(folder: MatrixFolder) -> None:
    path = folder.path / "plan.json"
    plan = json.loads(path.read_bytes())
    del plan["sha256"]
    path.write_text(json.dumps(plan))

    assert folder.plan() == [PLANNED]


def test_a_plan_knows_its_matrix_file_by_where_it_stands_and_names_no_folder(tmp_path: Path) -> None:
    folder, matrix = MatrixFolder(tmp_path / "results" / "m"), tmp_path / "Größe" / "m.toml"

    assert not folder.is_of_another(matrix)
    folder.write_plan([PLANNED])
    assert not folder.is_of_another(matrix)
    folder.write_plan([PLANNED], matrix=matrix)

    assert not folder.is_of_another(matrix)
    assert folder.is_of_another(tmp_path / "m.toml")
    assert "Größe" not in (folder.path / "plan.json").read_text("utf-8")
    # A project that is moved as a whole is the same.
    moved = MatrixFolder(tmp_path / "moved" / "results" / "m")
    moved.write_plan([PLANNED], matrix=tmp_path / "moved" / "Größe" / "m.toml")
    assert (moved.path / "plan.json").read_bytes() == (folder.path / "plan.json").read_bytes()


def test_records_are_looked_for_among_what_is_planned(folder: MatrixFolder) -> None:
    for cell_id in ("ab12", "cd34"):
        folder.cell(cell_id).path.mkdir(parents=True)
    (folder.cell("cd34").path / "record.json").write_text("{}")
    assert not folder.has_records

    (folder.cell("ab12").path / "record.json").write_text("{}")

    assert folder.has_records
