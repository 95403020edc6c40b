"""Finished searches that needn't be read again, as long as nothing of them has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.campaign.events import State
from harness.campaign.whole_cells import WholeCells
from harness.cells import Cell

if TYPE_CHECKING:
    from tests.campaign.conftest import Bench, Script


def test_a_search_that_was_found_whole_is_known_until_a_file_of_it_or_its_name_changes(
    bench: Bench, cell: Cell, does: type[Script]
) -> None:
    bench.executor.will("search", does.succeed())
    bench.run([cell])
    assert WholeCells.of(bench.folder).state(cell) is None

    bench.run([cell])
    assert WholeCells.of(bench.folder).state(cell) is State.OK
    renamed = cell.model_copy(update={"names": cell.names.model_copy(update={"tuner": "mine"})})
    assert WholeCells.of(bench.folder).state(renamed) is None

    trials = bench.folder_of(cell).path / "trials.jsonl"
    trials.write_bytes(trials.read_bytes().replace(b"0.5", b"0.6"))
    assert WholeCells.of(bench.folder).state(cell) is None
    assert bench.run([cell]) == {State.MISSING: 1}


def test_a_failed_search_is_repeated_on_request_though_it_is_known(
    bench: Bench, cell: Cell, does: type[Script]
) -> None:
    bench.executor.will("search", does.fail("no"), does.succeed())
    assert bench.run([cell]) == bench.run([cell]) == {State.FAILED: 1}
    assert WholeCells.of(bench.folder).state(cell) is State.FAILED

    assert bench.run([cell], retry_failed=True) == {State.OK: 1}


def test_what_can_not_be_read_is_as_nothing(bench: Bench, cell: Cell) -> None:
    bench.folder.derived_whole.parent.mkdir(parents=True)
    bench.folder.derived_whole.write_text("[1]", "utf-8")

    assert WholeCells.of(bench.folder).state(cell) is None
