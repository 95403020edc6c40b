"""``python -m harness.worker.cell_queue FOLDER START IDLE_S``: works through the cells that a scheduler's job is given.

FOLDER is the job's (``harness.executors.job_folder``). START says how its workers begin, ``warm`` or ``fresh``. It ends
once nothing was asked of it for IDLE_S seconds, so that the nodes of a host that was killed are free again.
"""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from harness import environment
from harness.executors import Ended, LocalExecutor, Slot, forked
from harness.executors.contract import code_of
from harness.executors.forked import WarmExecutor
from harness.executors.job_folder import JobFolder, WorkerRequest
from harness.worker.__main__ import end

_LOOK_S = 60.0


def main(path: str, start: str, idle_s: str) -> None:
    """Start a worker for each cell that is asked for, one after another, and tell how it ended."""
    folder, number = JobFolder(Path(path)), 0
    with _workers(folder.path, start) as executor:
        while (asked := folder.take(number, patience_s=float(idle_s))) is not None:
            ended = _worked(executor, asked)
            folder.tell(number, wall_s=ended.wall_s, code=code_of(ended))
            number += 1


def _workers(owner: Path, start: str) -> AbstractContextManager[LocalExecutor | WarmExecutor]:
    fresh = LocalExecutor(needs_gpu=environment.needs_gpu())
    is_warm = start == "warm" and forked.can_fork()
    return forked.warmed(fresh, owner=owner, say=print) if is_warm else nullcontext(fresh)


def _worked(executor: LocalExecutor | WarmExecutor, asked: WorkerRequest) -> Ended:
    slot = Slot(at_once=asked.at_once)
    running = executor.start(asked.program, Path(asked.folder), cache=Path(asked.cache), log=Path(asked.log), slot=slot)
    while (ended := running.wait(_LOOK_S)) is None:
        continue
    return ended


if __name__ == "__main__":
    main(*sys.argv[1:])
    end(0)
