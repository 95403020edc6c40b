"""Exit codes, and the one line that goes with an error.

``harness compare`` and ``harness drift`` answer by their exit code too: 0 no worse, 1 worse, 2 can't be compared.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

import click

from harness import files
from harness.errors import MachineError, UserError

OK = 0
WORSE = 1
USERS_MISTAKE = 2
INCOMPARABLE = 2
SOME_FAILED = 3
SOME_MISSING = 4
LIMIT_REACHED = 5
INTERRUPTED = 130
UNREAD = 1


def code_of(command: Callable[[], int | None]) -> int:
    """Call ``command``; print the errors that the harness raises on purpose; return the exit code. Bugs pass."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code = command() or OK
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except UserError as error:
        return _said(error, USERS_MISTAKE)
    except MachineError as error:
        return _said(error, SOME_MISSING)
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except OSError as error:
        return _broken_off(error)
    return code


def _broken_off(error: OSError) -> int:
    """Return the exit code of what the pipe or the disk broke off; any other error of the system is a bug."""
    if isinstance(error, BrokenPipeError):
        # Whoever read the output has seen enough, as ``head`` has. Python would complain once more at its own end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD
    trouble = files.disk_trouble(error, place="the disk")
    if trouble is None:
        raise error
    return _said(trouble, SOME_MISSING)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _said(error: Exception | str, code: int) -> int:
    sys.stderr.write(f"{error}\n")
    return code
