from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pynvml
import pytest

from harness import matrix
from harness.cli.gpu_check import TOTAL_S, checks, programs
from harness.cli.gpu_check.checking import Check, CouldNotRun, Failed
from harness.cli.gpu_check.gpu_host import Inside
from harness.errors import EngineError, ImagesError
from harness.search_types import Reading
from tests.cli.gpu_check.conftest import GIB, FakeGpuHost, sampled, seen, trial
from tests.meters.fake_nvml import FakeDevice

NAMES = [check.what for check in checks.CHECKS]


def fails(look: Any, host: FakeGpuHost, why: str) -> None:
    with pytest.raises(Failed, match=why):
        look(host)


def can_not_run(look: Any, host: FakeGpuHost, why: str) -> None:
    with pytest.raises(CouldNotRun, match=why):
        look(host)


@pytest.mark.parametrize("check", checks.CHECKS, ids=NAMES)
def test_a_host_on_which_all_is_well_passes_every_check_but_that_for_several_gpus(
    check: Check, host: FakeGpuHost
) -> None:
    if check.look is checks.one_cell_each:
        can_not_run(check.look, host, "two of one model are needed")
        return
    found, figures = check.look(host)

    assert found
    assert isinstance(figures, dict)


def test_no_check_may_take_as_long_as_all_together() -> None:
    assert all(0 < check.limit_s < TOTAL_S / 4 for check in checks.CHECKS)


def test_a_search_that_trained_elsewhere_fails(host: FakeGpuHost) -> None:
    host.searches["smoke"] = [seen(uuid="GPU-2")]
    fails(checks.smoke, host, r"\(GPU-2\), not on GPU-1")
    host.searches["smoke"] = [seen(uuid=None, why_unknown="2 GPUs")]
    fails(checks.smoke, host, r"\(2 GPUs\), not on GPU-1")


@pytest.mark.parametrize(
    ("scripted", "why"),
    [
        ([], "the search was refused: a line of its log"),
        ([seen(status="missing", reason="SIGABRT")], "the search is missing: SIGABRT"),
        ([seen(trial(outcome="failed"))], "trial 0 is failed: as scripted"),
    ],
)
def test_a_smoke_search_that_ends_badly_fails_and_what_builds_on_it_can_not_run(
    host: FakeGpuHost, scripted: Any, why: str
) -> None:
    host.searches["smoke"] = scripted

    fails(checks.smoke, host, why)
    for look in (checks.warm, checks.memory_growth, checks.sampling, checks.determinism, checks.jit):
        can_not_run(look, host, f"needs the smoke matrix: {why}")


def test_a_first_epoch_that_compiles_fails(host: FakeGpuHost) -> None:
    host.searches["smoke"] = [seen(trial(first_s=4.0), trial(1), trial(2))]

    fails(checks.warm, host, r"took 4\.000 s, those of later trials 0\.200 s")


def test_an_allocator_that_takes_all_fails_and_one_that_is_not_told_of_can_not_run(host: FakeGpuHost) -> None:
    host.searches["smoke"] = [seen(sampled=sampled(peak_memory_bytes=Reading(value=38.0 * GIB)))]
    fails(checks.memory_growth, host, r"at most 92\.5%")
    host.searches["smoke"] = [seen(sampled=sampled(peak_memory_bytes=Reading.unknown("not told")))]
    can_not_run(checks.memory_growth, host, "not told")


@pytest.mark.parametrize(
    ("read", "why"),
    [(sampled(sampling_s=1.0), r"took 10\.00%"), (sampled(samples=0), "not sampled"), (None, "not sampled")],
)
def test_samples_that_are_dear_or_none_fail(host: FakeGpuHost, read: Any, why: str) -> None:
    host.searches["smoke"] = [seen(sampled=read)]

    fails(checks.sampling, host, why)


def test_a_last_digit_that_differs_fails(host: FakeGpuHost) -> None:
    host.searches["again"] = [seen(trial(), trial(1, loss=2.0000000001), trial(2), trial(3))]

    fails(checks.determinism, host, "trials 1 differ")


@pytest.mark.parametrize(
    ("look", "name", "loss", "why"),
    [
        (checks.mixed_precision, "mixed_float16", 2.5, r"differ by 25\.00%"),
        (checks.mixed_precision, "mixed_float16", float("nan"), "differ by nan%"),
        (checks.jit, "jit", 2.1, r"differ by 5\.00%"),
    ],
)
def test_losses_that_are_far_apart_fail(host: FakeGpuHost, look: Any, name: str, loss: float, why: str) -> None:
    host.searches[name] = [seen(*(trial(number, loss=loss) for number in range(4)))]

    fails(look, host, why)


def test_other_proposals_can_not_be_compared(host: FakeGpuHost) -> None:
    host.searches["jit"] = [seen(*(trial(number, batch=64) for number in range(4)))]

    fails(checks.jit, host, "the proposals differ")


def test_a_planted_batch_that_fits_fails(host: FakeGpuHost) -> None:
    host.searches["planted"] = [seen(trial(batch=8), trial(1, batch=512))]

    fails(checks.out_of_memory, host, "a batch of 8 is completed, a batch of 512 is completed")


def test_a_counter_that_does_not_agree_with_the_power_fails(host: FakeGpuHost) -> None:
    host.counts_w = 200.0

    fails(checks.energy, host, r"20\d\d J counted, 30\d\d J by 300 W")


def test_a_device_that_tells_no_energy_can_not_be_checked(host: FakeGpuHost) -> None:
    host.devices = [FakeDevice(uuid="GPU-1", millijoules=pynvml.NVMLError_NotSupported())]

    can_not_run(checks.energy, host, "not supported")


def test_of_several_gpus_each_has_to_train_its_own_cell(host: FakeGpuHost) -> None:
    host.devices = [FakeDevice(uuid="GPU-1"), FakeDevice(uuid="GPU-2"), FakeDevice(uuid="GPU-3", name="Tesla T4")]
    host.searches["each"] = [seen(uuid="GPU-1"), seen(uuid="GPU-2")]

    found, _ = checks.one_cell_each(host)

    assert found == "2 cells on 2 GPUs"
    assert host.asked[-1] == ("each", "local", ("GPU-1", "GPU-2"))
    host.searches["each"] = [seen(uuid="GPU-1"), replace(seen(uuid="GPU-1"), slot_gpu="GPU-2")]
    fails(checks.one_cell_each, host, "GPU-2 trained on GPU-1; GPU-2 stayed idle")


@pytest.mark.parametrize("error", [ImagesError("no GPU image; build it"), EngineError("no engine answers")])
def test_without_an_engine_or_an_image_no_container_can_be_looked_into(host: FakeGpuHost, error: Exception) -> None:
    host.contained = error

    can_not_run(checks.container, host, str(error).partition(";")[0])


@pytest.mark.parametrize(
    "inside",
    [
        Inside(uuids=[], names=[]),
        Inside(uuids=["GPU-1", "GPU-2"], names=["A", "A"]),
        Inside(uuids=["GPU-1"], names=[]),
    ],
)
def test_a_container_that_sees_another_device_or_several_fails(host: FakeGpuHost, inside: Inside) -> None:
    host.contained = inside

    fails(checks.container, host, "given was GPU-1")


def test_a_search_in_a_container_has_to_train_on_the_device_too(host: FakeGpuHost) -> None:
    host.searches["contained"] = [seen(uuid="GPU-2")]

    fails(checks.container, host, "trained on GPU-2, not on GPU-1")
    assert host.asked[-1][1] == "docker"


@pytest.mark.parametrize(
    ("status", "attempts", "why"),
    [
        ("failed", ["killed by SIGABRT"], "failed: killed by SIGABRT"),
        ("ok", [], "ok: without a word"),
        ("missing", ["exit code 75: the disk is full"], "missing: exit code 75"),
    ],
)
def test_a_broken_context_that_is_booked_as_anything_else_fails(
    host: FakeGpuHost, status: str, attempts: list[str], why: str
) -> None:
    host.searches["broken"] = [replace(seen(), status=status, attempts=attempts)]

    fails(checks.broken_context, host, re.escape(why))


@pytest.mark.parametrize(
    "text",
    [
        programs.smoke(),
        programs.smoke(precision="mixed_float16", cells=8),
        programs.smoke(jit=True),
        programs.planted(80e9),
    ],
)
def test_what_is_run_can_be_loaded(text: str, tmp_path: Any) -> None:
    (tmp_path / "wide.py").write_text(programs.WIDE)
    (tmp_path / "m.toml").write_text(text)

    assert matrix.load(tmp_path / "m.toml").spec.device == "gpu"


def test_the_planted_batch_takes_twice_the_memory_of_the_device() -> None:
    units = int(re.findall(r"units = (\d+)", programs.planted(80e9))[0])

    assert units * programs.LARGE_BATCH * 4 == pytest.approx(160e9, rel=0.01)
    # No operation of the small one counts beyond 32 bits.
    assert units * programs.SMALL_BATCH < 2**31
    assert units % 64 == 0


def test_the_metric_that_breaks_the_device_can_be_loaded(tmp_path: Any) -> None:
    (tmp_path / "breaking.py").write_text(programs.METRIC)
    (tmp_path / "m.toml").write_text(programs.BREAKING)

    assert matrix.load(tmp_path / "m.toml").spec.protocol.metric == "breaking.py"
