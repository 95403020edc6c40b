from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness.cli.gpu_check.checking import Check, CheckResult, CheckState, CouldNotRun, Failed, carried_out
from harness.cli.gpu_check.gpu_host import OverTime
from harness.errors import MachineError
from tests.cli.gpu_check.conftest import FakeGpuHost


def raising(error: Exception) -> Callable[[Any], Any]:
    def look(_: Any) -> Any:
        raise error

    return look


def carry_out(*looks: Callable[[Any], Any], host: FakeGpuHost | None = None, step_s: float = 1.0) -> list[CheckResult]:
    checks = [Check(what=f"number {number}", limit_s=60, look=look) for number, look in enumerate(looks)]
    readings = iter(range(1000))
    return carried_out(
        checks, host or FakeGpuHost(), total_s=100, clock=lambda: next(readings) * step_s, say=lambda _: None
    )


@pytest.mark.parametrize(
    ("error", "state", "found"),
    [
        (Failed("no"), CheckState.FAILED, "no"),
        (OverTime("not done within 60 s"), CheckState.FAILED, "not done within 60 s"),
        (MachineError("no disk"), CheckState.FAILED, "no disk"),
        (CouldNotRun("no engine"), CheckState.COULD_NOT_RUN, "no engine"),
        (KeyError("uuid"), CheckState.FAILED, "the check itself broke: KeyError: 'uuid'"),
    ],
)
def test_whatever_becomes_of_a_check_the_next_is_carried_out(error: Exception, state: CheckState, found: str) -> None:
    first, second = carry_out(raising(error), lambda _: ("well", {"seconds": 1}))

    assert first.state is state
    assert first.found.startswith(found)
    assert (second.state, second.found, second.figures) == (CheckState.PASSED, "well", {"seconds": 1})


def test_only_a_failure_quotes_what_was_said() -> None:
    outcomes = carry_out(raising(Failed("no")), raising(CouldNotRun("no")), lambda _: ("well", {}))

    assert [bool(outcome.said) for outcome in outcomes] == [True, False, False]


def test_each_check_has_its_own_time_and_none_more_than_is_left() -> None:
    host = FakeGpuHost()

    outcomes = carry_out(*[lambda _: ("well", {})] * 4, host=host, step_s=25.0)

    assert host.allowed[:2] == [60, 25]
    assert [outcome.state for outcome in outcomes] == ["passed", "passed", "could not run", "could not run"]
    assert outcomes[-1].found == "the time of all checks together is over"
