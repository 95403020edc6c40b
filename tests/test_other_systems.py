"""What reads results and plans runs where Linux's modules and functions are missing, as on Windows."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LIMITED = ROOT / "tests" / "other_systems"

pytestmark = pytest.mark.seconds


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    shutil.copytree(ROOT / "results" / "reference", folder, dirs_exist_ok=True)
    return folder


def python(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(LIMITED)},
        capture_output=True,
        text=True,
        check=False,
    )


def harness(*words: str) -> subprocess.CompletedProcess[str]:
    return python("-m", "harness", *words)


def test_what_is_faked_is_missing() -> None:
    code = "import fcntl, os; os.fork; exec('import fcntl', {'__name__': 'harness.x'})"

    assert "No module named 'fcntl'" in python("-c", code).stderr


@pytest.mark.parametrize("command", ["plan", "best"])
def test_a_command_that_takes_a_matrix_runs(results: Path, command: str) -> None:
    answer = harness(command, "benchmarks/demo.toml", "--results", str(results))

    assert (answer.returncode, "Traceback" in answer.stderr) == (0, False), answer.stderr


def test_tables_pictures_and_page_are_those_of_linux(results: Path) -> None:
    assert harness("tables", "benchmarks/demo.toml", "--results", str(results)).returncode == 0

    made = {path.relative_to(results): path.read_bytes() for path in results.rglob("demo/tables/*.csv")}
    assert made == {path: (ROOT / "results/reference" / path).read_bytes() for path in made}
    assert (results / "demo/report.html").read_bytes() == (ROOT / "results/reference/demo/report.html").read_bytes()


def test_runs_are_compared_and_kept_as_a_history(results: Path, tmp_path: Path) -> None:
    run, history = str(results / "demo"), str(tmp_path / "history.jsonl")

    answer = harness("compare", run, run, "--history", history)

    # Three seeds are too few for a verdict: exit code 2.
    assert (answer.returncode, "36 pairs of 3 seeds" in answer.stdout) == (2, True), answer.stderr
    assert harness("drift", history).returncode == 0


def test_results_are_read_from_python(results: Path) -> None:
    answer = python("-c", f"import harness; print(len(harness.load({str(results / 'demo')!r}).searches()))")

    assert answer.stdout == "36\n", answer.stderr


@pytest.mark.parametrize("words", [["schema"], ["--help"]])
def test_a_command_that_takes_nothing_runs(words: list[str]) -> None:
    answer = harness(*words)

    assert (answer.returncode, "Traceback" in answer.stderr) == (0, False), answer.stderr


def test_a_run_is_refused_with_the_way_out(tmp_path: Path) -> None:
    answer = harness("run", "benchmarks/smoke.toml", "--results", str(tmp_path))

    assert answer.returncode == 4
    assert answer.stderr == "searches don't run on Windows; run them on Linux (WSL 2 will do), and read results here\n"
