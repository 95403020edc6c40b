from __future__ import annotations

import gc
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from harness.errors import MachineError
from harness.executors import engine_connection


def test_an_engine_that_does_not_answer_leaves_no_socket_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path / 'none.sock'}")
    left: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", left.append)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(MachineError):
            engine_connection.connect()
        gc.collect()

    assert left == []
