from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

import pytest

from harness import environment, prices
from harness.campaign import limits
from harness.campaign.limits import NONE, Limits
from harness.campaign.run_time_allowance import STOPPING_S, UNLIMITED
from harness.errors import UserError
from harness.executors import WHOLE, Slot
from harness.meters import nvml
from harness.meters.nvml import Found, Gpu
from harness.prices import GpuPrice, Price, Prices

PRICES = prices.load()
DATE = dt.date(2026, 1, 2)
FREE = Prices(path="free.toml", title="t", cpu=None, gpus={})


@dataclass
class FakeClock:
    now: float = 500.0

    def __call__(self) -> float:
        return self.now


def gpu(index: int, name: str = "Tesla T4") -> Gpu:
    return Gpu(
        index=index,
        uuid=f"GPU-{index}",
        name=name,
        driver="570",
        compute_capability=(7, 5),
        library=None,
        handle=None,
    )


def nothing() -> Found:
    return Found(reason="no NVIDIA driver")


def test_no_limit_is_no_allowance() -> None:
    assert NONE.allowance((WHOLE,), PRICES, began=0.0) is UNLIMITED


@pytest.mark.parametrize(
    ("limits", "options"),
    [
        (NONE, []),
        (Limits(max_hours=5.0), ["--max-hours", "5"]),
        (Limits(max_hours=0.1, max_cost=1e-7), ["--max-hours", "0.1", "--max-cost", "1e-07"]),
        (Limits(max_cost=1 / 3), ["--max-cost", "0.3333333333333333"]),
    ],
)
def test_a_limit_is_the_same_when_it_is_given_again(limits: Limits, options: list[str]) -> None:
    assert limits.options == options


def test_hours_are_seconds_from_when_the_run_began() -> None:
    clock = FakeClock()

    clock.now += 400
    allowance = Limits(max_hours=0.5).allowance((WHOLE,), FREE, began=500.0, clock=clock)
    clock.now += 200

    assert allowance.limit_s == 1800
    assert allowance.left_s == pytest.approx(1200 - STOPPING_S)


def test_dollars_are_hours_at_the_price_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvml, "find", nothing)
    per_hour = 0.0504 * environment.logical_cpus()

    assert Limits(max_cost=per_hour * 2).allowance((WHOLE,), PRICES, began=0.0).limit_s == pytest.approx(7200)
    assert Limits(max_cost=per_hour * 2, max_hours=1.0).allowance((WHOLE,), PRICES, began=0.0).limit_s == 3600


def test_a_machine_without_a_price_can_be_limited_by_hours_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvml, "find", nothing)

    with pytest.raises(UserError, match=r"^--max-cost: free.toml has no price .*--prices.*--max-hours"):
        Limits(max_cost=1.0).allowance((WHOLE,), FREE, began=0.0)


def test_a_machine_that_costs_nothing_may_run_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvml, "find", nothing)
    own = Price(usd_per_hour=0.0, instance="mine", region="r", date=DATE, source="s")

    free = Prices(path="p", title="t", cpu=own, gpus={})

    assert math.isinf(Limits(max_cost=1.0).allowance((WHOLE,), free, began=0.0).limit_s)


def test_every_gpu_at_work_is_paid_for() -> None:
    slots = [Slot(gpu="GPU-0", at_once=2), Slot(gpu="GPU-1", at_once=2)]

    found = limits.usd_per_hour(slots, PRICES, find=lambda: Found(gpus=(gpu(0), gpu(1), gpu(2))))

    assert found.value == pytest.approx(2 * 0.526)


def test_a_gpu_without_a_price_or_a_name_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    priced = GpuPrice(match=["T4"], usd_per_hour=1, instance="i", region="r", date=DATE, source="s")
    own = Prices(path="p", title="t", cpu=None, gpus={"T4": priced})

    strange = limits.usd_per_hour([Slot(gpu="GPU-0")], own, find=lambda: Found(gpus=(gpu(0, "Abacus 9"),)))
    unknown = limits.usd_per_hour([Slot(gpu="GPU-7")], own, find=lambda: Found(gpus=(gpu(0),)))

    assert strange.reason == "p has no price for the device 'Abacus 9'"
    assert unknown.reason is not None
