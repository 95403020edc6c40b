"""What the command line of Weights & Biases itself reads of an export, without a network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.exports.conftest import Written

pytestmark = pytest.mark.seconds


def wandb(*arguments: str | Path) -> str:
    command = [str(Path(sys.executable).with_name("wandb")), *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return ended.stdout + ended.stderr


def told(folder: Path, search: str) -> dict[str, str]:
    """What the terminal view says of a run: its head, and its summary by name."""
    (run,) = folder.glob(f"wandb/offline-run-*-{search}")
    lines = wandb("leet", "inspect", "--summary", run).splitlines()
    return {name: value.strip() for name, _, value in (line.strip().partition(" ") for line in lines)}


def test_each_search_is_a_run_with_its_scores_costs_and_machine(write: Written) -> None:
    found = told(write("wandb-offline", "runs"), "animals-mobile-lr-tpe-1")

    assert found["run"] == "animals/mobile/lr/tpe/1 (animals-mobile-lr-tpe-1)"
    assert (found["project"], found["state"]) == ("my-matrix", "finished (exit code 0)")
    assert (found["val_score"], found["incumbent_val_score"], found["cpu_model"]) == ("0.75", "0.75", "Fake CPU 3000")
    assert (found["trial/outcome"], found["trial/params_optimizer"]) == ("cut", "adam")
    assert float(found["search_s"]) > 0


def test_failed_and_missing_searches_are_runs_that_say_why(write: Written) -> None:
    folder = write("wandb-offline", "runs")
    failed, missing = (told(folder, f"animals-mobile-lr-random-{seed}") for seed in (2, 3))

    assert (failed["reason"], missing["reason"]) == ("boom", "not run yet")
    assert missing["state"] == "failed (exit code 1)"
    assert "search_s" not in missing


def test_every_run_is_ready_to_be_sent(write: Written) -> None:
    runs = sorted(write("wandb-offline", "runs").glob("wandb/offline-run-*"))

    said = wandb("sync", "--dry-run", *runs)

    assert "Would sync 4 run(s)" in said
