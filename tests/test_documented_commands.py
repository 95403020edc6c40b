"""The commands that the documentation shows and that take no training are run, on results that are here."""

from __future__ import annotations

import datetime as dt
import json
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.cli.commands import harness

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```\w*\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
CHEAP = ("best", "compare", "drift", "schema", "show")
# What trains, and what lies in a store or on another machine.
NEEDS_MORE = re.compile(r"--save|://")

pytestmark = pytest.mark.seconds


def shown() -> Iterator[str]:
    for page in PAGES:
        for block in BLOCK.findall(page.read_text("utf-8")):
            for line in block.replace("\\\n", " ").splitlines():
                words = shlex.split(line, comments=True) if re.match(r"(\.venv/bin/)?harness ", line) else []
                if len(words) > 1 and words[1] in CHEAP and not NEEDS_MORE.search(line):
                    yield shlex.join(words[1:])


def night(number: int) -> str:
    date = dt.date(2026, 11, 1) + dt.timedelta(days=number)
    values = {"epoch": {"all searches": 1.0 + 0.001 * (number % 3)}}
    line = {"night": f"{date}T01:17:00+00:00", "like": "l", "searches": 1, "planned": 1, "values": values}
    return json.dumps({"schema_version": 3, **line}) + "\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reference results, under each name that the documentation has for results."""
    folder = tmp_path_factory.mktemp("world")
    reference = ROOT / "results/reference/demo"
    (folder / "benchmarks").mkdir()
    for name in ("benchmarks/demo.toml", "birds.toml"):
        shutil.copy(ROOT / "benchmarks/demo.toml", folder / name)
    for name in ("results/reference/demo", "results/birds", "results/baseline", "results/tonight", "A", "B"):
        shutil.copytree(reference, folder / name, ignore=shutil.ignore_patterns("plots", "tables", "report.html"))
    (folder / "history.jsonl").write_text("".join(map(night, range(40))))
    return folder


@pytest.mark.parametrize("line", sorted(set(shown())))
def test_a_command_that_is_shown_runs(world: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    monkeypatch.chdir(world)

    code = harness.main(args=shlex.split(line), standalone_mode=False)

    # Three seeds are too few to compare runs.
    assert code == (2 if line.startswith("compare") else 0 if line.startswith("drift") else None)


def test_enough_is_run() -> None:
    assert {line.split()[0] for line in shown()} >= {"best", "compare", "drift"}
