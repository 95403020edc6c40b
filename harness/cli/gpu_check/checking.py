"""Checks that don't stop each other: each passes, fails or could not run, within a time of its own."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from harness.cli.gpu_check.gpu_host import Host, OverTime
from harness.errors import HarnessError


class CheckState(StrEnum):
    """How a check went."""

    PASSED = "passed"
    FAILED = "failed"
    COULD_NOT_RUN = "could not run"


class Failed(Exception):
    """What was looked at is not as it should be; the message says what it is."""


class CouldNotRun(Exception):
    """What the check needs isn't here; the message says what."""


Figures = Mapping[str, object]
"""What a check read, by its name with its unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Something to look at: ``look`` returns what it found and figures, or raises."""

    what: str
    limit_s: float
    look: Callable[[Host], tuple[str, Figures]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """How a check went, in a line; ``figures`` are what it read, ``said`` the last lines of a failed one's log."""

    what: str
    state: CheckState
    found: str
    took_s: float
    figures: Figures = field(default_factory=dict)
    said: str = ""


def carried_out(
    checks: Sequence[Check],
    host: Host,
    *,
    total_s: float,
    clock: Callable[[], float],
    say: Callable[[CheckResult], None],
) -> list[CheckResult]:
    """Carry out every check, whatever becomes of the others; ``say`` is told of each as it ends."""
    return list(_each(checks, host, until=clock() + total_s, clock=clock, say=say))


def _each(
    checks: Sequence[Check],
    host: Host,
    *,
    until: float,
    clock: Callable[[], float],
    say: Callable[[CheckResult], None],
) -> Iterator[CheckResult]:
    for check in checks:
        began = clock()
        host.allow(min(check.limit_s, until - began))
        state, found, figures = _looked(check, host, left_s=until - began)
        said = host.last_said() if state is CheckState.FAILED else ""
        result = CheckResult(
            what=check.what, state=state, found=found, took_s=clock() - began, figures=figures, said=said
        )
        say(result)
        yield result


def _looked(check: Check, host: Host, *, left_s: float) -> tuple[CheckState, str, Figures]:
    if left_s <= 0:
        return CheckState.COULD_NOT_RUN, "the time of all checks together is over", {}
    try:
        found, figures = check.look(host)
    except CouldNotRun as why:
        return CheckState.COULD_NOT_RUN, str(why), {}
    except (Failed, OverTime, HarnessError) as why:
        return CheckState.FAILED, str(why), {}
    except Exception as error:  # noqa: BLE001 - a mistake in one check must not keep the others from being carried out
        last = traceback.extract_tb(error.__traceback__)[-1]
        return CheckState.FAILED, f"the check itself broke: {type(error).__name__}: {error} (line {last.lineno})", {}
    return CheckState.PASSED, found, figures
