from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.search_types import Outcome, Trial

if TYPE_CHECKING:
    from tests.campaign.conftest import Script
    from tests.cli.conftest import CommandLine

Trained = Callable[..., Trial]


@pytest.fixture
def ran(line: CommandLine, does: type[Script], trained: Trained) -> CommandLine:
    """A run with one search of each kind: completed, failed, missing."""
    broken = trained(1, outcome=Outcome.DIVERGED, reason="the loss became nan in epoch 1", charged_epochs=1)
    line.executor.will("default", does.succeed(trained(0, 0.25, 0.125), broken))
    line.executor.will("optuna-tpe", does.fail("no such kernel"))
    line.executor.will("kt-random", does.be_killed(trained(0, 0.5)), does.be_killed())
    line.run()
    return line


def ids(line: CommandLine) -> list[str]:
    return [cell.id for cell in line.cells]


def test_a_completed_search_is_shown_with_its_trials(ran: CommandLine) -> None:
    answer = ran.show(ids(ran)[0])

    assert answer.code == 0
    assert f"{ids(ran)[0]}: digits · EfficientNetLite0 · lr only · default" in answer.out
    assert "completed, ended by budget: epochs" in answer.out
    assert "learning_rate: kind range, low 0.0001, high 0.1" in answer.out
    assert "2 trials" in answer.out
    assert "diverged" in answer.out
    assert "worker.log" in answer.out


def test_a_failed_search_is_shown_with_its_reason(ran: CommandLine) -> None:
    assert "failed, ended by no such kernel" in ran.show(ids(ran)[1]).out


def test_an_unfinished_search_is_shown_with_what_it_has(ran: CommandLine) -> None:
    answer = ran.show(ids(ran)[2])

    assert answer.code == 0
    assert "not finished: killed by SIGKILL" in answer.out
    assert "1 trial\n" in answer.out


@pytest.mark.parametrize("place", [0, 1, 2])
def test_json_holds_the_record_and_every_trial(ran: CommandLine, place: int) -> None:
    answer = ran.show(ids(ran)[place], "--json")

    document = json.loads(answer.out)
    assert answer.code == 0
    assert (document["record"] or {}).get("status") == ["completed", "failed", None][place]
    assert len(document["trials"]) == [2, 0, 1][place]


def test_the_beginning_of_an_id_is_enough(ran: CommandLine) -> None:
    whole = ids(ran)[0]
    least = next(n for n in range(1, 17) if sum(each.startswith(whole[:n]) for each in ids(ran)) == 1)

    assert ran.show(whole[:least]).out == ran.show(whole).out


def test_an_unknown_id_is_told(ran: CommandLine) -> None:
    answer = ran.show("zzz")

    assert answer.code == 2
    assert answer.err == f"{ran.results}: no cell begins with 'zzz'; harness plan MATRIX lists the ids\n"


def test_an_id_in_a_folder_without_results_is_unknown(line: CommandLine) -> None:
    assert line.show("a").code == 2


def test_a_folder_of_cells_that_may_not_be_read_is_the_machines_trouble(
    ran: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell, refused, listed = ids(ran)[0], ran.matrix_folder.path / "cells", Path.iterdir

    def refuse(path: Path) -> Iterator[Path]:
        if path == refused:
            raise PermissionError(errno.EACCES, "Forbidden", str(path))
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", refuse)

    answer = ran.show(cell)

    assert (answer.code, answer.out) == (4, "")
    assert answer.err == f"{refused}: Forbidden; allow it, or choose another folder, then run again\n"


def test_an_ambiguous_id_lists_what_it_may_be(ran: CommandLine) -> None:
    answer = ran.show("")

    assert answer.code == 2
    assert all(f"größe 1/{each}" in answer.err for each in ids(ran))
    assert "…" not in answer.err
    assert answer.err.count("\n") == 1


def test_a_cell_that_two_matrices_share_is_found_by_matrix_and_id(ran: CommandLine) -> None:
    shutil.copytree(ran.matrix_folder.path, ran.results / "copy")
    cell = ids(ran)[0]

    assert ran.show(cell).code == 2
    assert ran.show(f"copy/{cell[:6]}").code == 0


def test_a_cell_with_a_copy_beside_it_is_found_by_its_whole_id(ran: CommandLine) -> None:
    cell = ids(ran)[0]
    folder = ran.matrix_folder.cell(cell).path
    shutil.copytree(folder, folder.with_name(f"{cell} (copy)"))

    assert ran.show(cell[:6]).code == 2
    assert ran.show(cell).code == 0
    assert ran.show(f"{ran.matrix_folder.path.name}/{cell}").code == 0


def test_a_folder_that_a_kill_left_empty_is_told(ran: CommandLine) -> None:
    empty = ran.matrix_folder.cell("f" * 16)
    empty.path.mkdir()

    answer = ran.show("f" * 16)

    assert answer.code == 2
    assert "cell.json: no such file; run the matrix again" in answer.err
    assert answer.err.count("\n") == 1


def test_a_damaged_record_is_told(ran: CommandLine) -> None:
    (ran.matrix_folder.cell(ids(ran)[0]).path / "record.json").write_text("{")

    answer = ran.show(ids(ran)[0])

    assert answer.code == 2
    assert answer.err.count("\n") == 1


def test_a_narrow_terminal_leaves_out_seconds_and_says_so(ran: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = ran.show(ids(ran)[0]).out
    monkeypatch.setenv("COLUMNS", "80")
    narrow = ran.show(ids(ran)[0]).out

    said = "a wider terminal shows all seconds, and --json everything\n"
    assert ("ask s" in wide, said in wide) == (True, False)
    assert ("ask s" in narrow, said in narrow) == (False, True)
    assert "diverged" in narrow
