"""Pending cells beside records of another environment: known before they run, not when tables are refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from harness import environment
from harness.analysis import differences, likeness
from harness.campaign.cell_searches import is_pending
from harness.cells import Cell
from harness.errors import ResultsError
from harness.executors import Executor
from harness.record_schema import EnvironmentTable, LimitsTable
from harness.records import Record
from harness.results_folder import MatrixFolder

if TYPE_CHECKING:
    from harness.placement.container_choice import Intent
    from harness.placement.executor_choice import Local

Facts = Mapping[str, str]


def expected(where: Intent | Local, executor: Executor | None = None) -> Facts:
    """Return what can be told of the environment of cells before they run, as ``likeness`` has it.

    Of containers the image is part of a cell's identity; their limits, and the machine, are known with the executor.
    """
    slot = where.chosen.slots[0]
    device = "cpu" if where.trains_on_cpu else None
    if where.is_here:
        return likeness(EnvironmentTable.model_validate({**environment.facts(), **slot.facts, "device": device}))
    limits, is_this_machine = _of_containers(executor, where)
    machine = environment.cpu_model() if is_this_machine else None
    return likeness(EnvironmentTable(device=device, cpu_model=machine, at_once=slot.at_once), enforced=limits)


def check(cells: Iterable[Cell], folder: MatrixFolder, *, here: Facts, retry_failed: bool) -> None:
    """Let only a run begin whose searches can stand in one table with those that are finished.

    Raises:
        ResultsError: A group's table would mix environments; says what differs and the ways out.
    """
    for line in unlike(cells, folder, here=here, retry_failed=retry_failed):
        raise ResultsError(
            f"{line}; run the matrix into another folder (--results DIR), or mix them all the same (--mix-environments)"
        )


def unlike(cells: Iterable[Cell], folder: MatrixFolder, *, here: Facts, retry_failed: bool = False) -> Iterator[str]:
    """Yield a line for each group whose pending cells would run elsewhere than its finished ones, with what differs."""
    for _, group in groupby(sorted(cells, key=lambda cell: cell.group), key=lambda cell: cell.group):
        members = [cell for cell in group if _is_readable(folder, cell)]
        pending = {cell.id for cell in members if is_pending(folder.cell(cell.id), retry_failed=retry_failed)}
        finished = [_likeness(folder.cell(cell.id).record()) for cell in members if cell.id not in pending]
        found = differences([*finished, here]) if pending and finished else {}
        if found:
            names = members[0].names
            yield (
                f"{names.dataset}, {names.backbone}, {names.hyperparameters}: its {len(finished)} finished searches "
                f"ran in an environment unlike this one ({_told(found, finished, here)}), and no table should mix them"
            )


def _is_readable(folder: MatrixFolder, cell: Cell) -> bool:
    """Whether a cell's record, if any, can be read; of one that can't, others tell."""
    try:
        folder.cell(cell.id).record()
    except ResultsError:
        return False
    return True


def _likeness(record: Record | None) -> Facts:
    return {} if record is None else likeness(record.environment, enforced=record.evidence.enforced)


def _told(found: Iterable[str], finished: Sequence[Facts], here: Facts) -> str:
    return "; ".join(f"{name}: {', '.join(_values(name, finished, here))}" for name in found)


def _values(name: str, finished: Sequence[Facts], here: Facts) -> Iterator[str]:
    for value, count in Counter(one[name] for one in finished if name in one).items():
        yield f"{value} in {count}"
    if name in here:
        yield f"{here[name]} here"


def _of_containers(executor: Executor | None, where: Intent | Local) -> tuple[LimitsTable | None, bool]:
    """Return the limits of a container, and whether the engine is this machine's, as far as is known."""
    from harness.executors.docker import DockerExecutor  # noqa: PLC0415 - the engine's SDK, only where containers run

    if not isinstance(executor, DockerExecutor):
        return None, False
    memory_bytes = executor.engine["memory_bytes"]
    limits = executor.limits.within(where.chosen.slots[0], memory_bytes=memory_bytes)
    held = LimitsTable(cpus=limits.cpus, memory_bytes=limits.memory_bytes)
    return held, memory_bytes == environment.memory_bytes()
