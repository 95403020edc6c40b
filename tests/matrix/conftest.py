from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, time
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from harness.matrix import Matrix, load


def inline(value: Any) -> str:
    """Spell a value in TOML, tables inline."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{inline(key)} = {inline(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(inline(each) for each in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    # Hexadecimal, because Python writes and reads no decimal integer of thousands of digits.
    if isinstance(value, int):
        return str(value) if abs(value) < 2**64 else hex(abs(value))
    return value.isoformat() if isinstance(value, date | datetime | time) else repr(value)


@pytest.fixture(scope="session")
def write(tmp_path_factory: pytest.TempPathFactory) -> Callable[[dict[str, Any]], Path]:
    """Write a document as a matrix file and return its path."""
    folder = tmp_path_factory.mktemp("m")
    numbers = count()

    def _write(document: dict[str, Any]) -> Path:
        path = folder / f"m{next(numbers)}.toml"
        path.write_text("".join(f"{inline(key)} = {inline(each)}\n" for key, each in document.items()), "utf-8")
        return path

    return _write


@pytest.fixture(scope="session")
def load_document(write: Callable[[dict[str, Any]], Path]) -> Callable[[dict[str, Any]], Matrix]:
    """Write a document as a matrix file and load it."""
    return lambda document: load(write(document))


@pytest.fixture
def small() -> dict[str, Any]:
    """Return the smallest matrix: a new document for each test to change."""
    return {
        "seeds": [1],
        "budget": {"epochs": 60},
        "datasets": {"animals": {}},
        "backbones": {"MobileNetV2": {}},
        "tuners": {"kt-random": {}},
        "hyperparameters": {"full": {"learning_rate": {"low": 1e-4, "high": 1e-1, "log": True}}},
    }
