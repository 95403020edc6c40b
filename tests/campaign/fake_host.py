"""A run on a fake host: a process whose kernel and locks no other sees, and whose clock is skewed.

    python tests/campaign/fake_host.py NAME SKEW_S SEARCH_S MATRIX RESULTS CACHE

Its workers are fakes too, which take ``SEARCH_S`` seconds for a search. It prints a line for each event.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks.reliability.other_host import become
from harness import matrix
from harness.campaign import cell_searches, run, scheduling
from harness.campaign.events import CellBegins, CellEnds, Event, Remark
from harness.placement import executor_choice
from harness.placement.executor_choice import Where
from harness.prices import load as load_prices

LEASE_S = 2.0


def campaign_fakes() -> ModuleType:
    # Test folders are no packages.
    spec = importlib.util.spec_from_file_location("campaign_fakes", Path(__file__).with_name("conftest.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def workers(search_s: float) -> Any:
    """Return an executor of fake workers that take so long."""
    fakes: Any = campaign_fakes()

    class Slow(fakes.FakeRunning):  # type: ignore[misc]  # it is loaded by its path
        def wait(self, timeout_s: float) -> Any:
            time.sleep(timeout_s)
            return super().wait(timeout_s)

    fakes.FakeRunning = Slow
    executor = fakes.FakeExecutor()
    lines = tuple(f"0 {step} 999 0.1\n" for step in range(1, round(search_s / scheduling.POLL_S) + 1))
    plain = executor._script
    executor._script = lambda *given: replace(plain(*given), progress=lines if given[0] == "search" else ())
    return executor


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def told(event: Event) -> None:
    match event:
        case CellBegins(cell=cell):
            say("begins", cell.names.tuner)
        case CellEnds(cell=cell, state=state):
            say("ends", cell.names.tuner, state.value)
        case Remark(text=text):
            say("remark", text)
        case _:
            pass


def main(arguments: Sequence[str]) -> int:
    name, skew_s, search_s, path, results, cache = arguments
    become(name, lease_s=LEASE_S)
    cell_searches.LOOK_S = 0.05
    executor = workers(float(search_s))
    executor_choice.LOCAL = lambda: executor
    Path(cache).mkdir(exist_ok=True)
    request = run.Request(
        results=Path(results),
        cache=Path(cache),
        where=Where(executor="local", start="fresh"),
        prices=load_prices(None),
        share=True,
    )
    ended = run.run(matrix.load(Path(path)), request, watch=told, clock=lambda: time.monotonic() + float(skew_s))
    say("states", {state.value: count for state, count in ended.states.items()})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
