"""A Ray cluster of this machine's own, whose nodes can be killed as a power cut does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.executors import ray_cluster, ray_node

_STORE_BYTES = 80 * 2**20
_SIZES = {"num_gpus": 0, "object_store_memory": _STORE_BYTES}


@dataclass(slots=True)
class RayNodes:
    """A head on which no cell runs, and nodes with a folder each below ``place``."""

    place: Path
    made: Any
    begun: int = 0
    nodes: list[Any] = field(default_factory=list)

    def add(self) -> None:
        """Begin a node of two processors."""
        told = {ray_node.FOLDER: str(self.place / f"node {self.begun}")}
        self.nodes.append(self.made.add_node(num_cpus=2, env_vars=told, **_SIZES))
        self.begun += 1

    def lose(self, number: int) -> None:
        """Kill a node, and begin another in its place."""
        self.made.remove_node(self.nodes.pop(number), allow_graceful=False)
        self.add()


@contextmanager
def cluster(place: Path, *, nodes: int = 2) -> Iterator[RayNodes]:
    """Give a cluster, which runs that name none find, while it is at work."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster  # noqa: PLC0415 - once that is told

    head = {"num_cpus": 0, "include_dashboard": False, **_SIZES}
    found = RayNodes(place, Cluster(initialize_head=True, head_node_args=head))
    try:
        for _ in range(nodes):
            found.add()
        os.environ[ray_cluster.ADDRESS] = str(found.made.address)
        yield found
    finally:
        found.made.shutdown()
