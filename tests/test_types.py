"""Types end at the edge: outside the adapters, which handle values of foreign libraries, hardly anything is Any."""

from __future__ import annotations

import ast
from pathlib import Path

import harness

PACKAGE = Path(harness.__file__).parent
ADAPTERS = {"tuners", "objectives", "datasets", "backbones", "executors", "images", "meters"}
MOST_IN_1000_LINES = 3


def test_outside_the_adapters_fewer_than_three_in_a_thousand_lines_say_any() -> None:
    sources = [path.read_text("utf-8") for path in PACKAGE.rglob("*.py") if not _is_adapter(path)]

    assert len(sources) > 200
    counted = sum(
        isinstance(node, ast.Name) and node.id == "Any" for text in sources for node in ast.walk(ast.parse(text))
    )
    assert 1000 * counted / sum(map(_lines, sources)) < MOST_IN_1000_LINES


def _is_adapter(path: Path) -> bool:
    return path.relative_to(PACKAGE).parts[0] in ADAPTERS


def _lines(text: str) -> int:
    return len(text.splitlines())
