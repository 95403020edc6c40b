"""Every malformed matrix of the matrix's own tests, and more, through the command line."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
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


def single_mutations() -> Iterator[tuple[str, Document]]:
    for name, _, document in malformed.STRUCTURAL:
        yield name, document
    for path, value, said in malformed.MEANING:
        yield said, malformed.changed(path, value)


SINGLE = list(single_mutations())
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


def test_there_are_at_least_two_hundred() -> None:
    assert len(SINGLE) >= 200


@pytest.mark.parametrize(
    ("number", "document"), list(enumerate(each[1] for each in SINGLE)), ids=[each[0] for each in SINGLE]
)
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
