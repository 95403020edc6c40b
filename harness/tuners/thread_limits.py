"""The threads that numerical libraries may use while a tuner thinks.

Without a bound a Gaussian process takes as many as there are processors, which costs more processor seconds than it
saves wall seconds, and makes the tuner's cost depend on the machine's size and on what else runs there. TensorFlow has
a pool of its own, which nothing here touches.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from threadpoolctl import ThreadpoolController

from harness.search_types import Proposal, Trial, Tuner


class Threads:
    """At most so many threads for each of the pools that are loaded by now (OpenBLAS, OpenMP, MKL, torch's own)."""

    def __init__(self, most: int) -> None:
        """Look for the pools, which takes some 20 ms and so is done once, after the tuner's library was imported."""
        self._most = most
        self._pools = ThreadpoolController()

    @contextmanager
    def bounded(self) -> Iterator[None]:
        """Hold the pools to the bound; afterwards they are as they were."""
        with self._pools.limit(limits=self._most), _torch_held_to(self._most):
            yield

    @property
    def facts(self) -> dict[str, Any]:
        """Return the bound and, for each pool, library, version, and threads while the tuner thinks and in training."""
        training = _pools(self._pools)
        with self.bounded():
            thinking = _pools(self._pools)
        pools = [
            {**pool, "threads_in_training": other["threads"]} for pool, other in zip(thinking, training, strict=True)
        ]
        return {"tuner_threads": self._most, "thread_pools": pools}


class Bounded:
    """A tuner whose every call is made within the bound."""

    def __init__(self, tuner: Tuner, threads: Threads) -> None:
        """Take a tuner that was made within the bound too."""
        self._tuner = tuner
        self._threads = threads

    def ask(self) -> Proposal | None:
        """Return the tuner's next proposal."""
        with self._threads.bounded():
            return self._tuner.ask()

    def report(self, proposal: Proposal, epoch: int, score: float) -> bool:
        """Return the tuner's answer."""
        with self._threads.bounded():
            return self._tuner.report(proposal, epoch, score)

    def tell(self, trial: Trial) -> None:
        """Tell the tuner."""
        with self._threads.bounded():
            self._tuner.tell(trial)


@contextmanager
def _torch_held_to(most: int) -> Iterator[None]:
    # Where it is loaded; importing it takes a second, and only one tuner needs it.
    torch: Any = sys.modules.get("torch")
    if torch is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(most)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _pools(controller: ThreadpoolController) -> list[dict[str, Any]]:
    found = [
        {"library": pool["internal_api"], "version": pool["version"], "threads": pool["num_threads"]}
        for pool in controller.info()
    ]
    torch: Any = sys.modules.get("torch")
    own = {} if torch is None else {"library": "torch", "version": str(torch.__version__)}
    return [*found, *([] if torch is None else [{**own, "threads": torch.get_num_threads()}])]
