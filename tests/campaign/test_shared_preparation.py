from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.cache_inventory import key_of
from harness.campaign.events import State
from harness.cells import Cell, OwnFile
from harness.errors import UserError
from harness.executors import Cause
from harness.matrix_schema import Split
from harness.record_schema import DataTable
from harness.results_folder import MatrixFolder
from harness.search_types import Trial

if TYPE_CHECKING:
    from tests.campaign.conftest import Bench, Script

Trained = Callable[..., Trial]


def test_a_preparation_that_its_limit_ended_is_told(bench: Bench, cell: Cell, does: type[Script]) -> None:
    bench.executor.will("prepare", does.be_ended(Cause.OUT_OF_MEMORY))

    assert bench.run([cell]) == {State.MISSING: 1}

    last = bench.folder_of(cell).attempts()[-1]
    assert last.reason == "preparing digits for MobileNetV2: out of memory: seen from outside"


def test_a_preparation_is_run_once_for_all_cells_that_share_it(bench: Bench, cells: list[Cell]) -> None:
    other = cells[0].model_copy(update={"source": cells[0].source.changed(content_hash="b" * 64)})

    bench.run([*cells, other])

    assert [program for program, _ in bench.executor.started].count("prepare") == 2
    assert [program for program, _ in bench.executor.started][:2] == ["prepare", "prepare"]


def test_what_is_prepared_is_not_prepared_again(bench: Bench, cells: list[Cell], tmp_path: Path) -> None:
    bench.run(cells[:1])
    bench.folder = MatrixFolder(tmp_path / "other results")
    bench.executor.started.clear()

    bench.run(cells)

    assert [program for program, _ in bench.executor.started] == ["search"] * 3


def test_what_the_data_came_to_is_told_once_before_the_first_search_and_again_in_a_later_run(
    bench: Bench, cells: list[Cell], tmp_path: Path, does: type[Script]
) -> None:
    facts = DataTable(images=30, per_class=[10, 20])
    known = ("data", "digits", facts)
    outcome = {"status": "completed", "phases": {}, "data": facts.told}
    bench.executor.will("prepare", does(outcome=outcome), does(outcome=outcome))
    other = cells[0].model_copy(update={"source": cells[0].source.changed(content_hash="b" * 64)})

    bench.run([*cells, other])

    assert [told for told in bench.watcher.told if told[0] == "data"] == [known]
    assert bench.watcher.told.index(known) < [told[0] for told in bench.watcher.told].index("cell_begins")

    bench.folder = MatrixFolder(tmp_path / "other results")
    bench.watcher.told.clear()
    bench.run(cells)
    assert [told for told in bench.watcher.told if told[0] == "data"] == [known]


def test_data_that_can_not_be_split_are_told_with_what_is_left_of_them(
    bench: Bench, cell: Cell, does: type[Script]
) -> None:
    facts = {"images": 6, "per_class": [2, 4], "duplicates": 1, "first_duplicates": ["cat/1.png"]}
    bench.executor.will("prepare", does(outcome={"status": "failed", "reason": "too few cats", "data": facts}))

    with pytest.raises(UserError) as caught:
        bench.run([cell])

    assert str(caught.value) == (
        "digits, MobileNetV2: too few cats; of the data set are left: 6 images, 2 classes (2 to 4); "
        "left out 1: 1 duplicate (cat/1.png)"
    )


def test_what_a_preparation_depends_on_is_what_its_key_holds(cell: Cell) -> None:
    key = key_of(cell)
    smaller = cell.protocol.model_copy(update={"image_size": 64})
    halved = cell.protocol.model_copy(update={"split": Split(train=0.5, validation=0.25, test=0.25)})
    trained = cell.backbone.model_copy(update={"weights": "imagenet"})

    assert key_of(cell.model_copy(update={"tuner": cell.tuner.model_copy(update={"tuner": "x"})})) == key
    assert key_of(cell.model_copy(update={"protocol": smaller})) != key
    assert key_of(cell.model_copy(update={"protocol": halved})) != key
    # A tuner's adapter prepares nothing.
    assert key_of(cell.model_copy(update={"code": "d" * 64})) == key
    assert key_of(cell.model_copy(update={"training_code": "d" * 64})) != key
    # A meter is tried there.
    metered = [cell.model_copy(update={"meter_file": OwnFile(path="/x/plug.py", sha256=each * 64)}) for each in "ab"]
    assert len({key, *map(key_of, metered)}) == 3
    left_over = [cell.model_copy(update={"source": cell.source.changed(skipped=[name])}) for name in ("lock", "a.txt")]
    assert len({key, *map(key_of, left_over)}) == 3
    # Untrained weights are drawn by the seed; trained ones are the same for all.
    assert key_of(cell.model_copy(update={"seed": 9})) != key
    seeds = [cell.model_copy(update={"backbone": trained, "seed": seed}) for seed in (1, 2)]
    assert key_of(seeds[0]) == key_of(seeds[1])


def test_a_failed_preparation_is_the_users_mistake_before_any_search(
    bench: Bench, cells: list[Cell], does: type[Script]
) -> None:
    bench.executor.will("prepare", does.fail("data/mine: holds one class only; two or more are needed"))

    with pytest.raises(UserError, match=r"^digits, MobileNetV2: data/mine: holds one class only") as caught:
        bench.run(cells)

    assert "\n" not in str(caught.value)
    assert bench.searches == []
    bench.run(cells)
    assert bench.searches == [cell.names.tuner for cell in cells]


def test_a_preparation_that_only_meets_trouble_is_the_machines(bench: Bench, cell: Cell, does: type[Script]) -> None:
    bench.executor.will("prepare", does.be_killed(), does.have_trouble())

    assert bench.run([cell]) == {State.MISSING: 1}

    assert bench.searches == []
    last = bench.folder_of(cell).attempts()[-1]
    assert str(last.reason).startswith("preparing digits for MobileNetV2: exit code 75: the disk is away")
    assert bench.run([cell]) == {State.OK: 1}


def test_a_preparation_that_crashes_takes_only_its_own_cells_along_and_names_its_log(
    bench: Bench, cell: Cell, does: type[Script]
) -> None:
    small = cell.model_copy(update={"protocol": cell.protocol.model_copy(update={"image_size": 64})})
    bench.executor.will("prepare", does.crash("InternalError: the device is lost (ops.py:1)"))

    assert bench.run([cell, small]) == {State.MISSING: 1, State.OK: 1}

    log = f"preparations/{key_of(cell)}/worker.log"
    reason = f"preparing digits for MobileNetV2: crash: InternalError: the device is lost (ops.py:1); traceback: {log}"
    assert bench.folder_of(cell).attempts()[-1].reason == reason
    assert (bench.folder.path / log).is_file()
    assert bench.run([cell, small]) == {State.OK: 2}


def test_a_lost_preparation_takes_only_its_own_cells_along(bench: Bench, cell: Cell, does: type[Script]) -> None:
    small = cell.model_copy(update={"protocol": cell.protocol.model_copy(update={"image_size": 64})})
    bench.executor.will("prepare", does.be_killed(), does.have_trouble())

    assert bench.run([cell, small]) == {State.MISSING: 1, State.OK: 1}


def test_a_preparation_killed_once_is_tried_again(bench: Bench, cell: Cell, does: type[Script]) -> None:
    bench.executor.will("prepare", does.be_killed())

    assert bench.run([cell]) == {State.OK: 1}


def test_a_cache_that_can_not_be_written_is_told_before_any_worker_is_started(
    bench: Bench, cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.cache.mkdir()
    monkeypatch.setattr(os, "access", lambda *_: False)

    with pytest.raises(PermissionError) as caught:
        bench.run([cell])

    assert caught.value.filename == str(bench.cache)
    assert bench.executor.started == []
    monkeypatch.undo()
    bench.run([cell])
    monkeypatch.setattr(os, "access", lambda *_: False)
    # What is prepared can be read all the same.
    assert bench.run([cell]) == {State.OK: 1}
