"""How much a command says, and in what form."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from harness.cli import streams


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """What was asked for: quiet, that is errors and paths alone; JSON, to which standard output then belongs."""

    is_quiet: bool = False
    is_json: bool = False

    @property
    def options(self) -> list[str]:
        """The options that ask for the same."""
        return [*(["--quiet"] if self.is_quiet else []), *(["--json"] if self.is_json else [])]

    @property
    def shows_tables(self) -> bool:
        """Whether tables are printed."""
        return not (self.is_quiet or self.is_json)

    def remark(self, line: str) -> None:
        """Say on standard error what is good to know."""
        if not self.is_quiet:
            streams.say(line, sys.stderr)


ALOUD = Voice()
"""As much as there is to say."""
