"""One word, one thing: a class's name says which it is, wherever it is met."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import pytest

import harness

PACKAGE = Path(harness.__file__).parent


@pytest.mark.seconds
def test_no_two_public_classes_bear_one_name() -> None:
    places = defaultdict(list)
    for path in PACKAGE.rglob("*.py"):
        for node in ast.parse(path.read_bytes()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(path.relative_to(PACKAGE).as_posix())

    assert len(places) > 100
    assert {name: where for name, where in places.items() if len(where) > 1} == {}
