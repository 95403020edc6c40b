from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from harness.cli import exit_codes
from harness.errors import MatrixError, SourceUnreachable, UserError


def raising(error: BaseException) -> int:
    def command() -> int:
        raise error

    return exit_codes.code_of(command)


@pytest.mark.parametrize(("returned", "code"), [(None, 0), (0, 0), (3, 3), (4, 4)])
def test_a_command_picks_its_own_code(returned: int | None, code: int) -> None:
    assert exit_codes.code_of(lambda: returned) == code


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (UserError("m.toml: seeds: missing; add it"), 2, "m.toml: seeds: missing; add it\n"),
        (MatrixError("one", "two"), 2, "one\ntwo\n"),
        (SourceUnreachable("no network"), 4, "no network\n"),
        (OSError(errno.ENOSPC, "Full", "a"), 4, "a: Full; free some space, then run again\n"),
        (OSError(errno.EROFS, "Closed"), 4, "the disk: Closed; make it writable, then run again\n"),
        (
            PermissionError(errno.EACCES, "Forbidden", "ä"),
            4,
            "ä: Forbidden; allow it, or choose another folder, then run again\n",
        ),
        (
            OSError(errno.EFBIG, "Too large", "a"),
            4,
            "a: Too large; raise the limit on a file's size (ulimit -f), then run again\n",
        ),
        (
            ModuleNotFoundError("No module named 'polars'", name="polars"),
            2,
            "polars is not installed; make setup, or pip install 'tuner-harness[cpu,report]'\n",
        ),
        (click.UsageError("no such thing"), 2, "Error: no such thing\n"),
        (KeyboardInterrupt(), 130, ""),
        (click.Abort(), 130, ""),
    ],
)
def test_errors_on_purpose_are_said_and_have_their_code(
    error: BaseException, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert raising(error) == code
    assert capsys.readouterr() == ("", said)


@pytest.mark.parametrize(
    "error",
    [
        ZeroDivisionError(),
        FileNotFoundError(errno.ENOENT, "no such file", "x"),
        ModuleNotFoundError("No module named 'harness.lost'", name="harness.lost"),
    ],
)
def test_a_bug_is_told_whole_and_has_a_code_of_its_own(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    assert raising(error) == 70
    said = capsys.readouterr().err
    assert said.startswith("Traceback")
    assert said.endswith("a bug of the harness: what is above tells where; finished searches are kept\n")


def test_no_command_s_answer_looks_like_a_bug_or_a_closed_pipe() -> None:
    answers = {
        exit_codes.OK,
        exit_codes.WORSE,
        exit_codes.USERS_MISTAKE,
        exit_codes.SOME_FAILED,
        exit_codes.SOME_MISSING,
        exit_codes.LIMIT_REACHED,
    }

    assert not answers & {exit_codes.BUG, exit_codes.UNREAD, exit_codes.INTERRUPTED}


def test_sigterm_is_an_interrupt() -> None:
    def command() -> int:
        os.kill(os.getpid(), signal.SIGTERM)
        raise AssertionError("went on")

    assert exit_codes.code_of(command) == 130


@pytest.mark.seconds
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_output_that_can_not_be_written_is_named_in_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        answer = subprocess.run(
            [sys.executable, "-m", "harness", "schema"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )

    assert answer.returncode == 4
    assert answer.stderr == "standard output: No space left on device; free some space, then run again\n"


@pytest.mark.parametrize("arguments", [["plan", "nope.toml"], ["plan", "--nope"]])
def test_a_full_disk_behind_standard_error_changes_no_exit_code(arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run([sys.executable, "-m", "harness", *arguments], stderr=full, check=False)

    assert ended.returncode == 2
