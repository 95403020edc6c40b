"""What a worker can do: prepare what searches share, search, or save the model that a search found."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from harness import environment, meters, prices, tuners
from harness.catalogue import derived_tuner_settings, tuner_libraries
from harness.cells import Cell
from harness.errors import MachineError, UserError
from harness.extensions import Found
from harness.meters import Energy, EnergyCounter, Usage, own_meter
from harness.meters.busyness import Busyness
from harness.meters.nvml import Gpu
from harness.meters.own_meter import OwnEnergy
from harness.objectives import tensorflow_errors, tensorflow_settings
from harness.objectives.keras_training import KerasObjective
from harness.phase_clock import Ledger
from harness.record_schema import EnvironmentTable
from harness.records import CellFolder
from harness.search_loop import Search
from harness.search_types import Epoch, Objective, Proposal, Reading, SearchBudget, Trial, Tuner
from harness.seeds import derive
from harness.tuners.thread_limits import Bounded, Threads
from harness.worker import device, objective_assembly, training_data
from harness.worker.library_imports import uncollected


@tensorflow_errors.device_watched()
def prepare(folder: CellFolder, *, cache: Path, started: float) -> dict[str, object]:
    """Leave decoded images and frozen layers' activations in the cache; return what went where."""
    cell = _current(folder.cell())
    ledger = Ledger(clock=time.monotonic, started=started)
    tensorflow_settings.configure(cell.protocol, seed=derive(cell.seed, "weights"))
    if cell.meter_file is not None:
        # Tried before the first search: a mistake is better told than found as joules that are unknown.
        own_meter.create(cell.meter_file.told)
    with ledger.phase("data"):
        data = training_data.load(cell, cache)
    return {"status": "completed", "phases": ledger.take(), "data": data.facts.told, "kept": data.kept}


@tensorflow_errors.device_watched()
def search(folder: CellFolder, *, cache: Path, started: float) -> dict[str, object]:
    """Search the cell, from where an earlier process left it; return what the record keeps."""
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    cell = _current(folder.cell())
    with uncollected():
        tuners.load_library(cell.tuner, own_tuner(cell))
    threads = Threads(cell.protocol.tuner_threads)
    ledger = Ledger(clock=time.monotonic, started=started)
    tensorflow_settings.configure(cell.protocol, seed=derive(cell.seed, "weights"))
    with ledger.phase("data"):
        data = training_data.load(cell, cache)
    alone = objective_assembly.objective_for(cell, data, ledger=ledger, checkpoints=folder.checkpoints)
    model = objective_assembly.prepare(alone, cell.space)
    objective = _side_by_side(alone, cell, data, ledger=ledger, folder=folder) if cell.recorded_side_by_side else alone
    gpu = device.trained_on()
    energy = _energy(cell, gpu)
    where = {**environment.facts(), **_settings(cell), **threads.facts, **device.facts(gpu)}
    ran = searched(cell, folder, objective, ledger=ledger, energy=energy.counter, threads=threads, where=where)
    return {
        "status": "completed",
        "ended": ran.ended,
        "started_at": started_at,
        "setup_phases": ran.phases,
        "closing_phases": ledger.take(),
        "lived_s": time.monotonic() - started,
        "peak_memory_bytes": asdict(meters.peak_memory()),
        "device_peak_memory_bytes": asdict(tensorflow_settings.device_peak_memory()),
        "energy": energy.facts,
        "data": data.facts.told,
        "model": model,
        "environment": where,
        "busyness": ran.busyness,
    }


@tensorflow_errors.device_watched()
def save(folder: CellFolder, *, cache: Path, started: float) -> dict[str, object]:
    """Train the best of the trials in ``folder`` again and leave it as a Keras model; return its scores."""
    cell = _current(folder.cell())
    # Late, and by no other way: no search runs through it.
    from harness.worker import model_export  # noqa: PLC0415 - see above

    return model_export.save(cell, folder, cache=cache, started=started)


def replay(folder: CellFolder, *, cache: Path, started: float) -> dict[str, object]:
    """Search the cell in a table of recorded curves; nothing is trained, and no device is asked for."""
    del cache
    cell = planned(folder.cell())
    # Late, and by no other way: no search that trains runs through it.
    from harness.worker import table_replay  # noqa: PLC0415 - see above

    # It costs nothing to begin anew.
    folder.forget_trials()
    return table_replay.replay(cell, keep=folder.append, scratch=folder.scratch, started=started)


PROGRAMS: dict[str, Callable[..., dict[str, object]]] = {
    "prepare": prepare,
    "search": search,
    "replay": replay,
    "save": save,
}


def _current(cell: Cell) -> Cell:
    """Return ``cell`` if this process is what it was planned for.

    Raises:
        MachineError: The harness's sources or its packages are others than when the cell was planned, or the device
            is not what was asked for.
    """
    tensorflow_settings.check_devices(needs_gpu=environment.needs_gpu())
    return planned(cell)


def planned(cell: Cell) -> Cell:
    """Return ``cell`` if its packages and the harness's sources are those that it was planned with.

    Raises:
        MachineError: They are others.
    """
    found = environment.content()
    beside = environment.packages_beside(found, tuner_libraries.own_packages(cell.tuner.tuner))
    if (found, beside) != (cell.environment, cell.tuner_packages) or not environment.has_expected_sources():
        raise MachineError("the harness or its packages changed since the matrix was started; run it again")
    return cell


def _side_by_side(
    alone: KerasObjective, cell: Cell, data: training_data.Loaded, *, ledger: Ledger, folder: CellFolder
) -> Objective:
    # Late, and by no other way: no search runs through it.
    from harness.objectives.grid_of_heads import GridOfHeads  # noqa: PLC0415 - see above

    return GridOfHeads(
        alone,
        data=data.training,
        space=cell.space,
        rungs=cell.recorded_rungs or (),
        scorer=objective_assembly.scorer_for(cell, data),
        seed=cell.seed,
        ledger=ledger,
        earlier=folder.trials(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """The seconds before the first ask by phase, what ended the search, and how busy the machine was."""

    phases: dict[str, float]
    ended: str
    busyness: dict[str, object]


def searched(
    cell: Cell,
    folder: CellFolder,
    objective: Objective,
    *,
    ledger: Ledger,
    energy: EnergyCounter | None,
    threads: Threads,
    where: dict[str, object],
) -> Searched:
    """Search from where the trials in ``folder`` end, and return what became of it."""
    folder.mend()
    recorded = folder.trials()
    price = usd_per_hour(cell, where)
    usage = Usage(cpu_s=meters.cpu_s, energy=energy)
    with ledger.phase("replay" if recorded else "ask"), threads.bounded():
        tuner = Bounded(tuner_of(cell, folder.scratch), threads)
    with folder.progress.open("w", encoding="utf-8") as stream:

        def watch(number: int, proposal: Proposal | Trial, epoch: Epoch) -> None:
            stream.write(f"{number} {epoch.epoch} {proposal.last_epoch} {epoch.val_score!r}\n")
            stream.flush()

        def keep(trial: Trial) -> None:
            folder.append(trial)
            busyness.sample()

        for trial in recorded:
            for epoch in trial.epochs:
                watch(trial.number, trial, epoch)
        run = Search(
            tuner=tuner,
            objective=objective,
            budget=SearchBudget(**cell.budget.model_dump()),
            ledger=ledger,
            usage=usage,
            keep=keep,
            watch=watch,
            audit=cell.audit,
            usd_per_hour=price,
            patience=cell.protocol.patience,
        )
        if recorded:
            run.replay(recorded)
        # Making the tuner is its thinking; all else until here is set-up, and none of it the search's.
        phases = ledger.take()
        thought_s = phases.pop("ask", 0.0)
        ledger.book("ask", thought_s)
        busyness = Busyness(cpus=environment.cpus(), clock=time.monotonic, cpu_s=meters.cpu_s)
        ended = run.run()
        return Searched(phases=phases, ended=ended, busyness=busyness.facts(resumed=bool(recorded)))


def _energy(cell: Cell, gpu: Gpu | Reading | None) -> Energy | OwnEnergy:
    """Return what counts the joules: a meter of the user's, or else the counter of what trains."""
    at_once = environment.at_once()
    if cell.meter_file is not None:
        return own_meter.of_own(cell.meter_file.told, at_once=at_once)
    return meters.of_processor(at_once=at_once) if gpu is None else meters.of_gpu(gpu)


def usd_per_hour(cell: Cell, where: Mapping[str, object]) -> float | None:
    """Return what the machine costs, or None where no budget asks.

    Raises:
        UserError: The budget counts dollars, and the machine has no price.
    """
    if cell.budget.cost_usd is None:
        return None
    price = prices.load(None).per_hour(EnvironmentTable.model_validate(where))
    if price.value is None:
        raise UserError(f"budget.cost_usd: {price.reason}; budget seconds or epochs instead")
    return price.value


def tuner_of(cell: Cell, scratch: Path) -> Tuner:
    """Return the cell's tuner, ready for its first ask; its library's files go into ``scratch``."""
    if cell.recorded_rungs is not None:
        # Late, and by no other way: no search runs through it.
        from harness.tuners.every_configuration import EveryConfiguration  # noqa: PLC0415 - see above

        return EveryConfiguration(space=cell.space, rungs=cell.recorded_rungs)
    full = cell.protocol.epochs_per_trial
    scratch.mkdir(exist_ok=True)
    return tuners.create(
        cell.tuner,
        cell.space,
        seed=cell.tuner_seed,
        epochs_per_trial=full,
        expected_trials=derived_tuner_settings.expected_trials(cell.budget, full),
        folder=scratch,
        file=own_tuner(cell),
    )


def own_tuner(cell: Cell) -> Found | None:
    """Return what was found of a tuner of the user's own; None for every other."""
    return None if cell.tuner_file is None else cell.tuner_file.told


def _settings(cell: Cell) -> dict[str, object]:
    protocol = cell.protocol
    return {
        "start": environment.start(),
        "device": tensorflow_settings.device_name(),
        "determinism": protocol.determinism,
        "precision": protocol.precision,
        "jit": protocol.jit,
    }
