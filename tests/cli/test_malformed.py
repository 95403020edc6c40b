"""Malformed matrices through the command line: a line for each mistake, exit code 2, and nothing left behind."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

Document = dict[str, Any]
Write = Callable[[Document], Path]

# Loaded by conftest.py, because test folders are no packages.
malformed = importlib.import_module("malformed_matrices")
COMMANDS = ("run", "plan", "tables")
SOUND = malformed.FULL

# One of each section and of each kind of mistake. The loader's own tests have eight hundred; what a command does with
# what the loader says is the same for all of them.
SPOILT: dict[str, Document] = {
    "a table is missing": malformed.dropped(("budget",)),
    "a key is missing": malformed.dropped(("datasets", "mine", "path")),
    "a stranger at the top": {**SOUND, "zzz": 1},
    "a stranger in a section": malformed.changed(("container", "memory_gb"), 8),
    "text for a list": malformed.changed(("seeds",), "text"),
    "a table for a number": malformed.changed(("budget", "trials"), {"a": 1}),
    "a list for a table": malformed.changed(("protocol",), []),
    "a date for a switch": malformed.changed(("protocol", "determinism"), date(2026, 1, 2)),
    "no number": malformed.changed(("budget", "wall_s"), math.nan),
    "a huge number": malformed.changed(("datasets", "small animals", "sample_seed"), 2**70),
    "an unprintable name": malformed.changed(("datasets", "a\nb"), {"source": "digits"}),
    "an unknown word": malformed.changed(("protocol", "metric"), "macro-f1"),
    "an unknown tuner": malformed.changed(("tuners", "untuned", "tuner"), "defualt"),
    "an option of another tuner": malformed.changed(("tuners", "untuned", "options"), {"points": 3}),
    "two that say the same": malformed.changed(("tuners", "other"), {"tuner": "default"}),
    "keys that contradict each other": malformed.changed(("hyperparameters", "full", "batch_size", "step"), 16),
    "a step that doesn't divide": malformed.changed(("hyperparameters", "full", "dropout", "step"), 0.25),
    "a budget for no trial": malformed.changed(("budget", "epochs"), 9),
    "a rule that leaves nothing": malformed.changed(("exclude",), [{"dataset": ["mine", "small animals"]}]),
    "a rule of a stranger": malformed.changed(("include",), [{"seed": 4}]),
}
# What is wrong with a file before anything in it is read.
BROKEN = {
    "empty": b"",
    "no TOML": b"seeds = [1\n",
    "a list": b"[1, 2]",
    "a table twice": b"[budget]\nepochs = 1\n[budget]\n",
    "no UTF-8": b"seeds = [1] # \xff\xfe",
    "NUL": b"\x00" * 100,
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    "JSON": b'{"seeds": [1]}',
    "deep": b"a = " + b"[" * 5000,
    "Windows lines": b"seeds = [1]\r\nbudget = 3\r\n",
}


@pytest.mark.parametrize(("number", "document"), list(enumerate(SPOILT.values())), ids=list(SPOILT))
def test_one_mistake_is_one_line_and_exit_code_2(
    line: CommandLine, write: Write, number: int, document: Document
) -> None:
    path = write(document)

    answer = line.call(COMMANDS[number % len(COMMANDS)], str(path), "--results", str(line.results))

    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.startswith(f"{path}: ")
    assert answer.err.count("\n") == 1
    assert "Traceback" not in answer.err
    assert not line.results.exists()


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_is_no_matrix_is_exit_code_2(line: CommandLine, name: str) -> None:
    line.matrix.write_bytes(BROKEN[name])

    answer = line.run()

    assert (answer.code, answer.out) == (2, "")
    assert all(each.startswith(f"{line.matrix}: ") for each in answer.err.splitlines())
    assert "Traceback" not in answer.err
    assert not line.results.exists()


def test_several_mistakes_are_a_line_each(line: CommandLine, write: Write) -> None:
    document = {**SOUND, "seeds": ["one", -3], "budgett": {}}

    answer = line.call("run", str(write(document)))

    assert answer.code == 2
    assert answer.err.count("\n") == 3


def test_a_folder_is_no_matrix(line: CommandLine) -> None:
    answer = line.call("run", str(line.folder))

    assert answer.code == 2
    assert answer.err.count("\n") == 1
