from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np  # noqa: F401 - brings OpenBLAS, so that there is a pool
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from harness.search_types import Outcome, Proposal, Trial
from harness.tuners.thread_limits import Bounded, Threads

PROPOSAL = Proposal(parameters={}, last_epoch=1)
TRIAL = Trial(number=0, parameters={}, first_epoch=1, last_epoch=1, parent=None, outcome=Outcome.COMPLETED, epochs=())


def threads_now() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info()}


class FakeTorch(SimpleNamespace):
    """Has a number of threads, and no more."""

    def get_num_threads(self) -> int:
        return int(self.threads)

    def set_num_threads(self, threads: int) -> None:
        self.threads = threads


class LookingTuner:
    """Notes how many threads each of its calls might use."""

    def __init__(self) -> None:
        self.seen: list[set[int]] = []

    def ask(self) -> Proposal | None:
        self.seen.append(threads_now())
        return PROPOSAL

    def report(self, proposal: Proposal, epoch: int, score: float) -> bool:
        self.seen.append(threads_now())
        return (proposal, epoch, score) == (PROPOSAL, 1, 0.5)

    def tell(self, trial: Trial) -> None:
        self.seen.append(threads_now())
        if trial is not TRIAL:
            raise ZeroDivisionError


@pytest.mark.parametrize("most", [1, 2])
def test_every_call_of_a_tuner_is_held_to_the_bound_and_nothing_after_it(most: int) -> None:
    tuner = LookingTuner()
    with threadpool_limits(3):
        before = threads_now()
        bounded = Bounded(tuner, Threads(most))

        assert bounded.ask() is PROPOSAL
        assert bounded.report(PROPOSAL, 1, 0.5)
        bounded.tell(TRIAL)

        assert tuner.seen == [{most}] * 3
        assert threads_now() == before != {most}


def test_a_tuner_that_raises_leaves_the_pools_as_they_were() -> None:
    before = threads_now()
    other = Trial(number=1, parameters={}, first_epoch=1, last_epoch=1, parent=None, outcome=Outcome.FAILED, epochs=())

    with pytest.raises(ZeroDivisionError):
        Bounded(LookingTuner(), Threads(1)).tell(other)

    assert threads_now() == before


def test_torchs_own_threads_are_bounded_where_it_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = FakeTorch(threads=8, __version__="9.9")
    monkeypatch.setitem(sys.modules, "torch", torch)
    threads = Threads(2)

    with threads.bounded():
        assert torch.threads == 2

    assert torch.threads == 8
    own = {"library": "torch", "version": "9.9", "threads": 2, "threads_in_training": 8}
    assert threads.facts["thread_pools"][-1] == own


def test_a_record_names_the_pools_and_their_threads() -> None:
    with threadpool_limits(2):
        facts: dict[str, Any] = Threads(1).facts

    assert facts["tuner_threads"] == 1
    pool = next(pool for pool in facts["thread_pools"] if pool["library"] == "openblas")
    assert pool["version"]
    assert (pool["threads"], pool["threads_in_training"]) == (1, 2)


@pytest.mark.train
def test_tensorflows_threads_are_not_among_the_pools() -> None:
    code = (
        "import tensorflow as tf; from harness.tuners.thread_limits import Threads; threads = Threads(1)\n"
        "with threads.bounded(): print(tf.config.threading.get_intra_op_parallelism_threads())\n"
        "print({pool['library'] for pool in threads.facts['thread_pools']} - {'openblas', 'openmp', 'mkl', 'torch'})"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)

    assert done.stdout.split() == ["0", "set()"]
