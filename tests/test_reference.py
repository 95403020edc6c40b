"""The results that stand in the repository: real records, and what is made from them."""

from __future__ import annotations

import re
import shutil
from importlib import metadata
from pathlib import Path

import pytest

from harness.cli import exit_codes
from harness.cli.commands import harness
from harness.records import Record
from harness.results_folder import MatrixFolder

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "results" / "reference" / "demo"
_MADE = ("tables", "plots", "report.html")


def test_every_planned_cell_has_its_record() -> None:
    folder = MatrixFolder(REFERENCE)

    planned = {cell.id for cell in folder.plan()}

    assert planned == set(folder.cell_ids())
    assert all(record is not None and record.status == "completed" for record in map(_record, planned))


def test_the_demo_s_page_shows_the_tables_that_stand_there() -> None:
    page = (ROOT / "docs/demo.md").read_text("utf-8").splitlines()
    shown = [line for line in page if line.startswith("|") and "±" in line]
    table = (REFERENCE / "tables" / "efficiency.md").read_text("utf-8").splitlines()

    assert len(shown) == 12
    assert [line for line in shown if line not in table] == []


@pytest.mark.seconds
def test_tables_and_page_are_made_again_from_the_records_to_the_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where what is made was changed on purpose: harness tables benchmarks/demo.toml --results results/reference."""
    made = _made_again(tmp_path, monkeypatch, "tables", "page")

    assert set(made) == set(_kept("tables", "report.html"))
    assert _unlike(made) == []


@pytest.mark.seconds
def test_pictures_are_drawn_again_from_the_records_to_the_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where pictures or the lock's matplotlib were changed on purpose, the same command draws those to be kept."""
    _need_the_locked("matplotlib", "pillow")

    made = _made_again(tmp_path, monkeypatch, "plots")

    assert len(made) > 0
    assert set(made) == set(_kept("plots"))
    assert _unlike(made) == []


def _made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *parts: str) -> dict[str, bytes]:
    """Return these parts as the command makes them from a copy of the records, by their paths."""
    monkeypatch.chdir(ROOT)
    copy = tmp_path / REFERENCE.name
    shutil.copytree(REFERENCE, copy, ignore=shutil.ignore_patterns(*_MADE, ".*"))
    command = ["tables", "benchmarks/demo.toml", "--results", str(tmp_path), *(f"--only={part}" for part in parts)]
    assert exit_codes.code_of(lambda: harness(command, standalone_mode=False)) == exit_codes.OK
    return {path.relative_to(copy).as_posix(): path.read_bytes() for path in _files(copy, *_MADE)}


def _unlike(made: dict[str, bytes]) -> list[str]:
    return [name for name, content in made.items() if content != (REFERENCE / name).read_bytes()]


def _kept(*parts: str) -> list[str]:
    return [path.relative_to(REFERENCE).as_posix() for path in _files(REFERENCE, *parts)]


def _files(folder: Path, *parts: str) -> list[Path]:
    found = [path for part in parts for path in (folder / part, *(folder / part).rglob("*"))]
    return sorted(path for path in found if path.is_file())


def _need_the_locked(*packages: str) -> None:
    """Skip where other versions are installed than the lock's, which the kept pictures were drawn with.

    A picture is the same to the byte for one version of what draws it: another one's lines and letters may differ.
    """
    for package in packages:
        locked, installed = _locked(package), metadata.version(package)
        if installed != locked:
            pytest.skip(f"the kept pictures are of {package} {locked}, as locked; {installed} is installed: make setup")


def _locked(package: str) -> str:
    found = re.search(rf"^{package}==(\S+)", (ROOT / "requirements" / "cpu.txt").read_text("utf-8"), re.MULTILINE)
    assert found is not None, f"{package} is not locked"
    return found.group(1)


def _record(cell_id: str) -> Record | None:
    return MatrixFolder(REFERENCE).cell(cell_id).record()
