"""How fast cells go through a Ray cluster of two nodes on this machine, and how well they are kept busy.

    .venv/bin/python -m benchmarks.perf.ray_tasks --cells 10000 --seconds 0.01
    .venv/bin/python -m benchmarks.perf.ray_tasks --cells 64 --seconds 20

Each cell is handed out, sent, attended and noted as in any run; in place of its worker a ``sleep`` of fixed length is
started, so that 16 at once need no 16 processors. Starting the cluster and its first 16 tasks isn't counted.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import ray_nodes
from harness.campaign import scheduling
from harness.campaign.events import ignore
from harness.campaign.worker_attempts import Bench, Work, WorkerEnd
from harness.campaign.worker_progress import Progress
from harness.cells import Cell
from harness.executors import Slot
from harness.executors.ray_cluster import RayExecutor
from harness.results_folder import MatrixFolder
from harness.testing import executor_contract


@dataclass(slots=True)
class Counted:
    """Has cells worked at, and notes the memory of this process as they end."""

    bench: Bench
    ended: int = 0
    failed: int = 0
    memory_mib: list[int] = field(default_factory=list)

    def work(self, cell: Cell, slot: Slot) -> Work:
        folder = self.bench.folder.cell(cell.id)
        folder.write_cell(cell)
        return Work(cell=cell, folder=folder, program="probe", bench=self.bench, slot=slot)

    def advances(self, cell: Cell, progress: Progress) -> None:
        """Nothing advances."""

    def ends(self, _: Work, left: WorkerEnd) -> None:
        self.ended += 1
        self.failed += left.ended.exit_code != 0
        self.memory_mib.append(resident_mib())


def cells(first: int, number: int) -> Iterator[Cell]:
    return (executor_contract.CELL.model_copy(update={"seed": seed}) for seed in range(first, first + number))


def resident_mib() -> int:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * 4096 // 2**20


@contextmanager
def _cluster(place: Path, *, cpus: float) -> Iterator[None]:
    """Be connected to a cluster of a head on which nothing runs, and two nodes."""
    with ray_nodes.running(place, cpus=cpus) as cluster:
        import ray  # noqa: PLC0415 - once it is told not to report its use

        ray.init(address=cluster.address, log_to_driver=False)
        yield


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=0.01)
    parser.add_argument("--at-once", type=int, default=16)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, _cluster(Path(place), cpus=given.at_once / 2):
        (Path(place) / "cache").mkdir()
        executor = RayExecutor(options={"num_cpus": 1}, command=("sleep", str(given.seconds)))
        folder = MatrixFolder(Path(place) / "results" / "slept")
        desk = Counted(Bench(folder=folder, executor=executor, cache=Path(place) / "cache", watch=ignore))
        slots = [Slot(at_once=given.at_once) for _ in range(given.at_once)]
        scheduling.run(cells(0, given.at_once), slots, desk=desk)
        began = time.monotonic()
        scheduling.run(cells(given.at_once, given.cells), slots, desk=desk)
        wall_s = time.monotonic() - began
        executor.close()
    efficiency = given.cells * given.seconds / given.at_once / wall_s
    tenth = desk.memory_mib[len(desk.memory_mib) // 10]
    print(f"{given.cells} cells of {given.seconds:g} s, {given.at_once} at once: {wall_s:.1f} s, {efficiency:.1%} busy")
    print(f"{desk.failed} failed; memory of the host {tenth} MiB after a tenth, {desk.memory_mib[-1]} MiB at the end")


if __name__ == "__main__":
    main()
