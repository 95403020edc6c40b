"""Workers that are forked find what fresh processes find."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.executors import LocalExecutor, forked
from harness.placement import executor_choice
from harness.results_folder import MatrixFolder
from harness.search_types import Trial

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

pytestmark = pytest.mark.skipif(not forked.can_fork(), reason="this system forks no workers")


@pytest.mark.train
@pytest.mark.slow
def test_forked_workers_find_to_the_last_bit_what_fresh_ones_find_and_say_how_they_began(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor_choice, "LOCAL", LocalExecutor)
    # One search of each library: a fresh one imports the trainer for itself.
    line.matrix.write_text(line.matrix.read_text("utf-8").replace("default = {}\n", ""), "utf-8")
    found = {}
    for start in ("fresh", "warm"):
        results = line.folder / start
        places = ["--results", str(results), "--cache", str(line.cache)]
        answer = line.call("run", str(line.matrix), *places, "--executor", "local", "--start", start)
        assert answer.code == 0, answer.err
        found[start] = MatrixFolder(results / line.matrix.stem)

    fresh, warm = found["fresh"], found["warm"]
    assert len(fresh.cell_ids()) == 2
    for cell_id in fresh.cell_ids():
        old, new = fresh.cell(cell_id).record(), warm.cell(cell_id).record()
        assert old is not None
        assert new is not None
        assert (old.environment.told["start"], new.environment.told["start"]) == ("fresh", "warm")
        assert seen(warm.cell(cell_id).trials()) == seen(fresh.cell(cell_id).trials())


def seen(trials: list[Trial]) -> list[object]:
    return [
        (trial.parameters, trial.outcome, trial.test_score, [(epoch.val_score, epoch.loss) for epoch in trial.epochs])
        for trial in trials
    ]


def test_the_way_to_go_on_has_the_way_to_start() -> None:
    assert executor_choice.Where(executor="local", start="fresh").options[-2:] == ["--start", "fresh"]
    assert "--start" not in executor_choice.Where(executor="local").options
