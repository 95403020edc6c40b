"""A real Ray cluster of several nodes on this machine, each with a folder of its own, which can be killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.executors import ray_node

_STORE_BYTES = 80 * 2**20


@dataclass(slots=True)
class RayCluster:
    """A head on which no cell runs, and the nodes that were added to it; ``place`` holds their folders."""

    place: Path
    made: Any
    nodes: list[Any] = field(default_factory=list)
    alive: list[int] = field(default_factory=list)

    @property
    def address(self) -> str:
        """What ``--address`` names."""
        return str(self.made.address)

    def add(self, *, cpus: float = 2, gpus: int = 0) -> None:
        """Add a node with so many declared processors and GPUs."""
        told = {ray_node.FOLDER: str(self.folder(len(self.nodes)))}
        sizes = {"num_cpus": cpus, "num_gpus": gpus, "object_store_memory": _STORE_BYTES}
        self.alive.append(len(self.nodes))
        self.nodes.append(self.made.add_node(**sizes, env_vars=told))

    def kill(self, number: int) -> None:
        """Kill a node as a power cut does: at once with all that runs there.

        What a node's main process has started would else go on until it notices, and might be done by then.
        """
        self.alive.remove(number)
        node = self.nodes[number]
        for process in _started_by(node.all_processes["raylet"][0].process.pid):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.made.remove_node(node, allow_graceful=False)

    def folder(self, number: int) -> Path:
        """Return what a node calls its own."""
        return self.place / f"node {number}"


def _started_by(process: int) -> list[int]:
    """Return a process and all that it and those have started, itself first: none of them is to start another."""
    found = [process]
    for each in found:
        for thread in Path(f"/proc/{each}/task").glob("*/children"):
            with suppress(OSError):
                found += map(int, thread.read_text("ascii").split())
    return found


@contextmanager
def running(place: Path, *, nodes: int = 2, cpus: float = 2, gpus: int = 0) -> Iterator[RayCluster]:
    """Give a cluster while it runs."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster  # noqa: PLC0415 - once that is told

    head = {"num_cpus": 0, "num_gpus": 0, "include_dashboard": False, "object_store_memory": _STORE_BYTES}
    cluster = RayCluster(place, Cluster(initialize_head=True, head_node_args=head))
    try:
        for _ in range(nodes):
            cluster.add(cpus=cpus, gpus=gpus)
        yield cluster
    finally:
        cluster.made.shutdown()
