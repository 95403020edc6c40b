"""The whole error tree.

::

    HarnessError
    ├── UserError                 the user's mistake: one line, exit code 2
    │   ├── MatrixError           a matrix file that can't be run as written
    │   ├── DatasetError          images that can't be used as asked
    │   ├── WeightsError          weights that can't be used as asked
    │   ├── ResultsError          a results folder that doesn't hold what was asked for
    │   └── ImagesError           container images that can't be used as declared
    └── MachineError              the machine's trouble, not the search's: exit code 4
        ├── SourceUnreachable     a download that this machine can't make
        └── EngineError           a container engine that doesn't answer, or fails at what it was asked

Anything else that escapes is a bug and crashes loudly.
"""

from __future__ import annotations

from collections.abc import Mapping

MACHINE_TROUBLE_EXIT = 75
"""The exit code by which a worker says that the machine, not its search, is in trouble (sysexits.h: try again)."""


class HarnessError(Exception):
    """Base of every error that the harness raises on purpose.

    ``str(error)`` is one line that names the file or key, the value and the way out.
    """


class UserError(HarnessError):
    """The user's mistake."""


class MatrixError(UserError):
    """A matrix that can't be run as written.

    Attributes:
        mistakes: One line each, never empty.
    """

    def __init__(self, *mistakes: str) -> None:
        """Keep every mistake; ``str()`` joins them by newlines."""
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class DatasetError(UserError):
    """Images that can't be used as asked.

    Attributes:
        facts: What is known of the data set by then, as a record has it; empty where nothing is.
    """

    def __init__(self, message: str, *, facts: Mapping[str, object] | None = None) -> None:
        """Keep the message, and what is known."""
        super().__init__(message)
        self.facts = facts or {}


class WeightsError(UserError):
    """Weights that can't be used as asked."""


class ResultsError(UserError):
    """A results folder that doesn't hold what was asked for."""


class ImagesError(UserError):
    """Container images that can't be used as declared."""


class MachineError(HarnessError):
    """The machine's trouble: retried, and never counted as a result."""


class SourceUnreachable(MachineError):
    """A download that this machine can't make; the message says which file to put where."""


class EngineError(MachineError):
    """A container engine that doesn't answer, or fails at what it was asked."""


def reason(error: BaseException) -> str:
    """Return what an error says, on one line; the name of its type where it says nothing."""
    return " ".join(str(error).split()) or type(error).__name__
