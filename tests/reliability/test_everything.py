from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.reliability import everything
from harness import matrix
from harness.campaign import matrix_resolution


def test_the_matrix_has_every_key_there_is(tmp_path: Path) -> None:
    document = tomllib.loads(everything.made(tmp_path).decode())
    asked = matrix.json_schema()
    known = [asked, *asked["$defs"].values()]

    missing = {key for section in known for key in section.get("properties", {})} - set(_keys(document))

    assert missing == set()


@pytest.mark.seconds
def test_every_cell_of_it_is_within_reach(tmp_path: Path) -> None:
    (path := tmp_path / "every key.toml").write_bytes(everything.made(tmp_path))

    resolved = matrix_resolution.resolve(matrix.load(path), cache=tmp_path / "cache")

    assert {cell.names.dataset for cell in resolved.cells} == {"sites", "bursts", "listed", "read", "arrays", "digits"}
    assert resolved.unreachable == ()


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _keys(each)
