"""Exit codes, and the one line that goes with an error.

``harness compare`` and ``harness drift`` answer by their exit code too: 0 no worse, 1 worse, 2 can't be compared.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click

from harness import files, text_sanitising
from harness.cli import streams
from harness.errors import MachineError, MatrixError, UserError

OK = 0
WORSE = 1
USERS_MISTAKE = 2
INCOMPARABLE = 2
SOME_FAILED = 3
SOME_MISSING = 4
LIMIT_REACHED = 5
BUG = 70
"""As sysexits.h has it; Python's own 1 is what a comparison says of a run that is worse."""
INTERRUPTED = 130
_STDERR = 2
UNREAD = 141
"""As a shell says of what SIGPIPE ended."""


def open_closed_streams() -> None:
    """Let standard streams that the caller closed lead nowhere: else the next file that is opened takes their place."""
    while (handle := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        pass
    os.close(handle)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - for as long as the process


def code_of(command: Callable[[], int | None]) -> int:
    """Call ``command``; say what it raised, on purpose in a line and a bug whole; return the exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code = command() or OK
        sys.stdout.flush()
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except click.ClickException as error:
        error.message = streams.shown(error.message, sys.stderr)  # type: ignore[misc] # what it shows comes from there alone
        with _heard_or_not():
            error.show()
        return error.exit_code
    except SystemExit as ended:
        # No command exits by itself. So click does once a shell has its completions, with 0, and where a pipe was
        # closed, with 1, which is an answer here.
        return OK if not ended.code else UNREAD
    except Exception as error:  # noqa: BLE001 - the last one to see it: a crash must not look like an answer
        return _broken_off(error)
    return code


def _broken_off(error: Exception) -> int:
    if isinstance(error, BrokenPipeError):
        # Whoever read the output has seen enough, as ``head`` has. Python would complain once more at its own end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD
    if isinstance(error, UserError):
        return _said(error, USERS_MISTAKE)
    if isinstance(error, MachineError):
        return _said(error, SOME_MISSING)
    if isinstance(error, ModuleNotFoundError) and not str(error.name).startswith("harness"):
        return _said(
            f"{error.name} is not installed; make setup, or pip install 'tuner-harness[cpu,report]'", USERS_MISTAKE
        )
    trouble = files.disk_trouble(error, place="standard output" if _was_printing(error) else "the disk")
    return _crashed(error) if trouble is None else _said(trouble, SOME_MISSING)


def _was_printing(error: Exception) -> bool:
    """Whether what failed was a print; the output is then given up, as Python would complain at its own end."""
    if not isinstance(error, OSError) or error.filename is not None:
        return False
    last = [frame.f_globals["__name__"] for frame, _ in traceback.walk_tb(error.__traceback__)][-1]
    if not last.startswith(("click.", "rich.", "harness.cli.")):
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return True


def _crashed(error: Exception) -> int:
    with _heard_or_not():
        sys.stderr.write(text_sanitising.lines("".join(traceback.format_exception(error))))
    return _said("a bug of the harness: what is above tells where; finished searches are kept", BUG)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _said(error: Exception | str, code: int) -> int:
    with _heard_or_not():
        for line in error.mistakes if isinstance(error, MatrixError) else (str(error),):
            streams.say(line, sys.stderr)
    return code


@contextmanager
def _heard_or_not() -> Iterator[None]:
    """Let the exit code tell where standard error can't be written, as on a full disk; Python would end with 1."""
    try:
        yield
        sys.stderr.flush()
    except OSError:
        # What is still to be written goes nowhere: else Python fails at it once more, at its own end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
