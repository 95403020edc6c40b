from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.campaign.events import State
from harness.cells import Cell, SourceTable, WeightsTable
from harness.executors import Cause, Devices
from harness.matrix_schema import Backbone, Dataset

if TYPE_CHECKING:
    from tests.campaign.conftest import Bench, Script


@pytest.fixture
def own(cell: Cell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cell:
    """A cell of somebody's own images and weights, in their home."""
    home = tmp_path.parent / "jane"
    monkeypatch.setenv("HOME", str(home))
    return cell.model_copy(
        update={
            "dataset": Dataset(source="folder", path=f"{home}/birds"),
            "source": SourceTable(name=f"{home}/birds", content_hash="a" * 64, paths=[f"{home}/birds"]),
            "backbone": Backbone(model="MobileNetV2", weights="~/mine.h5"),
            "weights": WeightsTable(kind="file", path=f"{home}/mine.h5", sha256="b" * 64),
        }
    )


def homes(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and b"jane" in path.read_bytes()]


def test_a_record_and_all_beside_it_name_nobodys_home(bench: Bench, own: Cell, does: type[Script]) -> None:
    place = str(Path("~").expanduser())
    log = f"read {place}/birds/1.png\n"
    bench.executor.will("search", does.fail(f"{place}/birds: unusable", log=log))

    assert bench.run([own]) == {State.FAILED: 1}

    folder = bench.folder_of(own)
    record = folder.record()
    assert record is not None
    assert homes(bench.folder.path) == []
    assert record.reason == "~/birds: unusable"
    assert folder.log.read_text("utf-8") == "read ~/birds/1.png\n"
    assert record.evidence.told["log"] == ["read ~/birds/1.png"]
    assert record.cell.told["source"] == {"name": "birds", "content_hash": "a" * 64, "paths": []}
    assert (record.cell.told["dataset"]["path"], record.cell.told["backbone"]["weights"]) == ("birds", "mine.h5")
    assert folder.sealed() is not None
    # Where things lie is no part of what a cell is.
    assert Cell.model_validate(record.cell.told).id == own.id


def test_what_passed_before_a_worker_counted_is_its_start_up_and_the_rest_its_end(
    bench: Bench, cell: Cell, does: type[Script]
) -> None:
    bench.executor.will("search", does.succeed(launch_s=4.0))

    assert bench.run([cell]) == {State.OK: 1}

    record = bench.folder_of(cell).record()
    assert record is not None
    # The script's own seconds are 3 until its start-up is over, and half a one after it has left its outcome.
    assert (record.setup_phases["startup"], record.closing_phases["shutdown"]) == (7.0, 0.5)
    spent = sum(sum(trial.phases.values()) for trial in bench.folder_of(cell).trials())
    assert sum({**record.setup_phases}.values()) + spent + sum(record.closing_phases.values()) == record.wall_s


def test_a_search_that_said_nothing_on_another_machine_has_no_facts_of_this_one(
    bench: Bench, cell: Cell, does: type[Script]
) -> None:
    bench.executor.devices = Devices.ELSEWHERE
    bench.executor.will("search", does.be_ended(Cause.OUT_OF_MEMORY))

    assert bench.run([cell]) == {State.FAILED: 1}

    record = bench.folder_of(cell).record()
    assert record is not None
    assert record.environment.told == {}


def test_the_machines_trouble_names_nobodys_home_either(bench: Bench, own: Cell, does: type[Script]) -> None:
    place = str(Path("~").expanduser())
    trouble = does.have_trouble(f"{place}/cache: No space left on device")
    bench.executor.will("search", trouble, trouble)

    assert bench.run([own]) == {State.MISSING: 1}
    assert homes(bench.folder.path) == []
    bench.executor.will("prepare", does.have_trouble(), does.have_trouble())
    other = own.model_copy(update={"protocol": own.protocol.model_copy(update={"image_size": 64})})
    assert bench.run([other]) == {State.MISSING: 1}
    assert homes(bench.folder.path) == []


def test_a_relative_path_of_the_matrix_stays(cell: Cell) -> None:
    own = cell.model_copy(update={"dataset": Dataset(source="folder", path="../data/birds")})

    assert json.loads(own.published.model_dump_json())["dataset"]["path"] == "../data/birds"
