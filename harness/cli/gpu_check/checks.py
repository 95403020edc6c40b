"""The list of what was never run on a GPU, as checks. Written without one: see docs/gpu-host.md."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from statistics import fmean, median

from harness.cli.gpu_check import programs
from harness.cli.gpu_check.checking import Check, CouldNotRun, Failed, Figures
from harness.cli.gpu_check.gpu_host import Host, OverTime, Sampled, Seen
from harness.errors import EngineError, ImagesError
from harness.meters.nvml import Gpu
from harness.search_types import Outcome, Reading, Trial

_MOST_MEMORY = 0.5
"""Share of the device's memory beyond which its use speaks for an allocator that took all of it at once."""
_MOST_SAMPLING = 0.01
# A kernel that is compiled where it runs takes a tenth of a second or more.
_COLD_TIMES, _COLD_S = 2.0, 0.5
# On two processors losses of first epochs differed by 0.08 % (mixed_bfloat16) and 0.45 % (jit) in the median.
_LOSS_TOLERANCE = {"mixed_float16": 0.1, "jit": 0.02}
_ENERGY_S, _ENERGY_SAMPLE_S, _ENERGY_TOLERANCE = 10.0, 0.1, 0.1
_SMOKE = "smoke"
_LOST = "the device no longer computes"


def smoke(host: Host) -> tuple[str, Figures]:
    """A small search trains on the device that it was given, and says so."""
    gpu, (seen,) = host.gpus[0], _searched(host, _SMOKE, programs.smoke())
    if seen.uuid != gpu.uuid:
        raise Failed(f"trained on {seen.device} ({seen.uuid or seen.why_unknown}), not on {gpu.uuid}")
    return f"{len(seen.trials)} trials on {seen.device}", {
        "first_epochs_s": [trial.epochs[0].train_s for trial in seen.trials],
        "losses": [epoch.loss for trial in seen.trials for epoch in trial.epochs],
        "energy_j": [trial.energy_j for trial in seen.trials],
        "sampled": None if seen.sampled is None else asdict(seen.sampled),
    }


def warm(host: Host) -> tuple[str, Figures]:
    """No kernel is compiled inside the clock: the first trial's first epoch takes as long as those of later trials."""
    seen = _smoked(host)
    first, *later = (trial.epochs[0].train_s or 0.0 for trial in seen.trials)
    usual = median(later)
    told = f"the first epoch took {first:.3f} s, those of later trials {usual:.3f} s in the median"
    if first > _COLD_TIMES * usual + _COLD_S:
        raise Failed(told)
    return told, {"first_s": first, "later_s": later}


def memory_growth(host: Host) -> tuple[str, Figures]:
    """TensorFlow takes memory as it needs it, and not all of the device's at once."""
    sampled = _sampled(host)
    whole = _known(host.gpus[0].memory_bytes())
    peak, idle = _known(sampled.peak_memory_bytes), _known(sampled.idle_memory_bytes)
    share = (peak - idle) / whole
    told = f"at most {share:.1%} of the device's memory was taken"
    if share > _MOST_MEMORY:
        raise Failed(told)
    return told, {"peak_memory_bytes": peak, "idle_memory_bytes": idle, "memory_bytes": whole}


def sampling(host: Host) -> tuple[str, Figures]:
    """Reading NVML beside a search costs next to nothing."""
    sampled = _sampled(host)
    share = sampled.sampling_s / sampled.window_s
    told = f"{sampled.samples} samples took {share:.2%} of the time"
    if share > _MOST_SAMPLING:
        raise Failed(told)
    return told, {"samples": sampled.samples, "sampling_s": sampled.sampling_s}


def determinism(host: Host) -> tuple[str, Figures]:
    """The same search run twice has the same proposals, losses and scores to the last digit."""
    first, (second,) = _smoked(host), _searched(host, "again", programs.smoke())
    unlike = [
        one.number for one, other in zip(first.trials, second.trials, strict=True) if _curve(one) != _curve(other)
    ]
    if unlike:
        raise Failed(f"trials {', '.join(map(str, unlike))} differ between two runs of one search")
    return f"{len(first.trials)} trials are equal to the last digit", {}


def mixed_precision(host: Host) -> tuple[str, Figures]:
    """Half precision trains nearly as single precision does."""
    return _alike(host, "mixed_float16", programs.smoke(precision="mixed_float16"))


def jit(host: Host) -> tuple[str, Figures]:
    """Compiled by XLA a network trains nearly as it does without."""
    return _alike(host, "jit", programs.smoke(jit=True))


def out_of_memory(host: Host) -> tuple[str, Figures]:
    """A batch that doesn't fit is a trial's outcome, and the search goes on."""
    whole = _known(host.gpus[0].memory_bytes())
    files = {"wide.py": programs.WIDE}
    (seen,) = _searched(host, "planted", programs.planted(whole), files=files, outcomes=tuple(Outcome))
    outcomes = {int(trial.parameters["batch_size"]): trial.outcome for trial in seen.trials}
    wanted = {programs.SMALL_BATCH: Outcome.COMPLETED, programs.LARGE_BATCH: Outcome.OUT_OF_MEMORY}
    told = ", ".join(f"a batch of {size} is {outcome}" for size, outcome in sorted(outcomes.items()))
    if outcomes != wanted:
        raise Failed(told)
    return told, {}


def energy(host: Host) -> tuple[str, Figures]:
    """The joules of the device's counter are its watts times the seconds."""
    gpu = host.gpus[0]
    _known(gpu.energy_j())
    _known(gpu.power_w())
    with host.busy(gpu):
        began, first = host.now(), _joules(gpu)
        watts = [_watts(gpu)]
        while host.now() - began < _ENERGY_S:
            host.pause(_ENERGY_SAMPLE_S)
            watts.append(_watts(gpu))
        counted, took_s = _joules(gpu) - first, host.now() - began
    expected = fmean(watts) * took_s
    told = f"{counted:.0f} J counted, {expected:.0f} J by {fmean(watts):.0f} W over {took_s:.1f} s"
    if not math.isclose(counted, expected, rel_tol=_ENERGY_TOLERANCE):
        raise Failed(told)
    return told, {"counted_j": counted, "expected_j": expected, "watts": watts}


def one_cell_each(host: Host) -> tuple[str, Figures]:
    """Of several GPUs each runs a cell of its own, and no other."""
    alike = [gpu for gpu in host.gpus if gpu.name == host.gpus[0].name]
    if len(alike) < 2:  # noqa: PLR2004 - several are two or more
        raise CouldNotRun(f"one {alike[0].name}; two of one model are needed")
    uuids = [gpu.uuid for gpu in alike]
    seen = _searched(host, "each", programs.smoke(cells=len(alike)), gpus=uuids, cells=len(alike))
    strayed = [f"{one.slot_gpu} trained on {one.uuid}" for one in seen if one.uuid != one.slot_gpu]
    idle = set(uuids) - {one.uuid for one in seen}
    if strayed or idle:
        raise Failed("; ".join([*strayed, *(f"{uuid} stayed idle" for uuid in sorted(idle))]))
    return f"{len(alike)} cells on {len(alike)} GPUs", {"uuids": uuids}


def container(host: Host) -> tuple[str, Figures]:
    """A container sees the GPU that it was given by UUID, and no other; a search in one trains on it."""
    gpu = host.gpus[0]
    try:
        inside = host.inside(gpu)
    except (ImagesError, EngineError) as error:
        raise CouldNotRun(str(error)) from error
    if inside.uuids != [gpu.uuid] or len(inside.names) != 1:
        raise Failed(f"inside are {inside.uuids}, and TensorFlow sees {inside.names}; given was {gpu.uuid}")
    (seen,) = _searched(host, "contained", programs.smoke(), executor="docker")
    if seen.uuid != gpu.uuid:
        raise Failed(f"a search in a container trained on {seen.uuid}, not on {gpu.uuid}")
    return f"{inside.names[0]} by UUID, and a search on it", asdict(inside)


def broken_context(host: Host) -> tuple[str, Figures]:
    """A device whose context is broken is the machine's trouble: no trial is booked, and the cell is missing."""
    files = {"breaking.py": programs.METRIC}
    seen = host.search("broken", programs.BREAKING, gpus=[host.gpus[0].uuid], files=files)
    if len(seen) != 1:
        raise Failed("the search was refused")
    (one,) = seen
    told = f"{one.status}: {one.reason or (one.attempts[-1] if one.attempts else 'without a word')}"
    if one.status != "missing" or not any(_LOST in attempt for attempt in one.attempts):
        raise Failed(f"not booked as the machine's; {told}")
    return told, {"attempts": list(one.attempts)}


CHECKS = (
    Check(what="smoke matrix", limit_s=120, look=smoke),
    Check(what="no kernel compiled inside the clock", limit_s=120, look=warm),
    Check(what="memory growth", limit_s=120, look=memory_growth),
    Check(what="cost of NVML's samples", limit_s=120, look=sampling),
    Check(what="determinism, twice", limit_s=120, look=determinism),
    Check(what="NVML's energy is power times time", limit_s=40, look=energy),
    Check(what="mixed precision", limit_s=60, look=mixed_precision),
    Check(what="jit", limit_s=90, look=jit),
    Check(what="out of memory by a planted batch", limit_s=90, look=out_of_memory),
    Check(what="a broken context is the machine's", limit_s=90, look=broken_context),
    Check(what="one cell a GPU", limit_s=90, look=one_cell_each),
    Check(what="a container sees the GPU by UUID", limit_s=90, look=container),
)
"""Every check, those that others build on first."""


def _searched(
    host: Host,
    name: str,
    matrix: str,
    *,
    gpus: Sequence[str] | None = None,
    executor: str = "local",
    files: Mapping[str, str] | None = None,
    cells: int = 1,
    outcomes: Collection[Outcome] = (Outcome.COMPLETED,),
) -> Sequence[Seen]:
    """Run a matrix on the first GPU, or on ``gpus``; fail unless all of its trials end as they should."""
    uuids = [host.gpus[0].uuid] if gpus is None else gpus
    seen = host.search(name, matrix, gpus=uuids, executor=executor, files=files)
    if len(seen) != cells:
        raise Failed(f"the search was refused: {(host.last_said().splitlines() or ['without a word'])[-1]}")
    for one in seen:
        if one.status != "ok":
            raise Failed(f"the search is {one.status}: {one.reason}")
        badly = [trial for trial in one.trials if trial.outcome not in outcomes]
        if badly:
            raise Failed(f"trial {badly[0].number} is {badly[0].outcome}: {badly[0].reason}")
    return seen


def _smoked(host: Host) -> Seen:
    """Return the first check's search, on which others build."""
    try:
        (seen,) = _searched(host, _SMOKE, programs.smoke())
    except (Failed, OverTime) as why:
        raise CouldNotRun(f"needs the smoke matrix: {why}") from why
    return seen


def _alike(host: Host, name: str, matrix: str) -> tuple[str, Figures]:
    usual, (other,) = _smoked(host), _searched(host, name, matrix)
    pairs = list(zip(usual.trials, other.trials, strict=True))
    if any(one.parameters != two.parameters for one, two in pairs):
        raise Failed("the proposals differ, so that nothing can be compared")
    losses = [(one.epochs[0].loss or 0.0, two.epochs[0].loss or 0.0) for one, two in pairs]
    difference = median(abs(one - two) / one for one, two in losses)
    told = f"the losses of first epochs differ by {difference:.2%} in the median"
    if not difference <= _LOSS_TOLERANCE[name]:
        raise Failed(f"{told}, more than {_LOSS_TOLERANCE[name]:.0%}")
    times = [sum(epoch.train_s or 0.0 for trial in one.trials for epoch in trial.epochs) for one in (usual, other)]
    return told, {"losses": losses, "train_s": times}


def _curve(trial: Trial) -> object:
    return dict(trial.parameters), trial.outcome, [(epoch.loss, epoch.val_score) for epoch in trial.epochs]


def _sampled(host: Host) -> Sampled:
    sampled = _smoked(host).sampled
    if sampled is None or sampled.samples == 0:
        raise Failed("the device was not sampled while the search ran")
    return sampled


def _known(reading: Reading) -> float:
    if reading.value is None:
        raise CouldNotRun(str(reading.reason))
    return reading.value


def _joules(gpu: Gpu) -> float:
    value = gpu.energy_j().value
    if value is None:
        raise Failed("the energy counter fell silent")
    return value


def _watts(gpu: Gpu) -> float:
    value = gpu.power_w().value
    if value is None:
        raise Failed("the power reading fell silent")
    return value
