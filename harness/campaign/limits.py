"""What a run may take or cost."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness import environment
from harness.campaign.run_time_allowance import UNLIMITED, Allowance
from harness.errors import UserError
from harness.executors import Slot
from harness.meters import nvml
from harness.meters.nvml import Found, Gpu
from harness.prices import Prices
from harness.record_schema import EnvironmentTable
from harness.search_types import Reading

_SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Hours and dollars that this run may take; None: not limited."""

    max_hours: float | None = None
    max_cost: float | None = None

    def __str__(self) -> str:
        """Say them as they were asked for."""
        said = [
            *([] if self.max_hours is None else [f"{self.max_hours:g} hours"]),
            *([] if self.max_cost is None else [f"{self.max_cost:g} USD"]),
        ]
        return " or ".join(said)

    @property
    def options(self) -> list[str]:
        """The options that say the same."""
        named = (("--max-hours", self.max_hours), ("--max-cost", self.max_cost))
        return [word for name, value in named if value is not None for word in (name, _spelt(value))]

    def allowance(
        self, slots: Sequence[Slot], price_list: Prices, *, began: float, clock: Callable[[], float] = time.monotonic
    ) -> Allowance:
        """Return what they come to on these slots, for a run that began at this reading of the clock.

        Raises:
            UserError: Dollars are limited, and what the machine costs is unknown.
        """
        if self.max_hours is None and self.max_cost is None:
            return UNLIMITED
        hours = math.inf if self.max_hours is None else self.max_hours
        if self.max_cost is not None:
            hours = min(hours, self._affordable_hours(slots, price_list))
        return Allowance(limit_s=hours * _SECONDS_PER_HOUR, began=began, clock=clock)

    def _affordable_hours(self, slots: Sequence[Slot], price_list: Prices) -> float:
        per_hour = usd_per_hour(slots, price_list, find=nvml.find)
        if per_hour.value is None or self.max_cost is None:
            raise UserError(
                f"--max-cost: {per_hour.reason}; name a file that has one (--prices), or say how long (--max-hours)"
            )
        return self.max_cost / per_hour.value if per_hour.value > 0 else math.inf


NONE = Limits()
"""As long and as dear as it gets."""


def _spelt(value: float) -> str:
    return repr(value).removesuffix(".0")


def usd_per_hour(slots: Sequence[Slot], price_list: Prices, *, find: Callable[[], Found]) -> Reading:
    """Return what the machine costs while all slots are at work: each one's GPU, or else all of its processors."""
    gpus = [gpu for slot in slots if (gpu := _gpu(slot, find())) is not None]
    if not gpus:
        return price_list.per_hour(EnvironmentTable(device="cpu", logical_cpus=environment.logical_cpus()))
    readings = [
        gpu if isinstance(gpu, Reading) else price_list.per_hour(EnvironmentTable(device=gpu.name)) for gpu in gpus
    ]
    known = [reading.value for reading in readings if reading.value is not None]
    if len(known) < len(readings):
        return next(reading for reading in readings if reading.value is None)
    return Reading(value=sum(known))


def _gpu(slot: Slot, found: Found) -> Gpu | Reading | None:
    """Return the slot's GPU, or why it is unknown; None where there is none."""
    if slot.gpu is not None:
        return nvml.choose(found, slot.gpu, by_bus=True)
    if not found.gpus or os.environ.get("CUDA_VISIBLE_DEVICES") == "":
        return None
    return nvml.visible(os.environ)
