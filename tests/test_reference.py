"""The results that stand in the repository: real records, and what is made from them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.cli import exits
from harness.cli.commands import harness
from harness.plans import MatrixFolder
from harness.records import Record

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "results" / "reference" / "demo"


def test_every_planned_cell_has_its_record() -> None:
    folder = MatrixFolder(REFERENCE)

    planned = {cell.id for cell in folder.plan()}

    assert planned == set(folder.cell_ids())
    assert all(record is not None and record.status == "completed" for record in map(_record, planned))


def test_tables_and_page_are_made_again_from_the_records_to_the_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where what is made was changed on purpose: harness tables benchmarks/demo.toml --results results/reference."""
    monkeypatch.chdir(ROOT)
    shutil.copytree(REFERENCE, tmp_path / "demo", ignore=shutil.ignore_patterns("tables", "plots", "report.html", ".*"))
    command = ["tables", "benchmarks/demo.toml", "--results", str(tmp_path), "--only", "tables", "--only", "page"]

    assert exits.code_of(lambda: harness(command, standalone_mode=False)) == exits.OK

    made = sorted(path for path in (tmp_path / "demo").rglob("*") if _is_made(path))
    assert {path.name for path in made} == {path.name for path in REFERENCE.rglob("*") if _is_made(path)}
    for path in made:
        assert path.read_bytes() == (REFERENCE / path.relative_to(tmp_path / "demo")).read_bytes(), path.name


def _record(cell_id: str) -> Record | None:
    return MatrixFolder(REFERENCE).cell(cell_id).record()


def _is_made(path: Path) -> bool:
    return path.parent.name == "tables" or path.name == "report.html"
