"""What compute costs: a dated, sourced file of dollars per hour, read anew whenever records are priced."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated

from pydantic import Field

from harness import dated_toml_tables
from harness.errors import UserError
from harness.matrix_schema import Section
from harness.record_schema import EnvironmentTable
from harness.search_types import Reading

_OWN = "prices.toml"


class Price(Section):
    """What one logical CPU or one GPU costs for an hour, and who says so."""

    usd_per_hour: Annotated[float, Field(ge=0)]
    """Dollars per hour."""
    instance: str
    """The machine that is sold at this price."""
    region: str
    """Where it is sold."""
    date: dt.date
    """The date of the price list, or of its reading where it bears none."""
    source: str
    """Where the price can be looked up."""


class GpuPrice(Price):
    """The price of one GPU with the machine around it."""

    match: Annotated[list[str], Field(min_length=1)]
    """Words that must all occur in the device's name."""


class _File(Section):
    title: str
    cpu: Price | None = None
    gpus: dict[str, GpuPrice] = Field(default_factory=dict)


# What CUDA's name of an instance has behind that of its GPU, before the instance's size.
_INSTANCE = "mig"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """One price file. ``path`` is what messages call it."""

    path: str
    title: str
    cpu: Price | None
    gpus: Mapping[str, GpuPrice]

    def per_hour(self, environment: EnvironmentTable) -> Reading:
        """Return the dollars per hour of the device that a search ran on, or the reason why there are none.

        A search on ``cpu`` costs the price of a logical CPU times the ``logical_cpus`` of its environment; one on a
        GPU the price of one GPU, however many the machine has. A device without an entry has no price.
        """
        device, cpus = environment.device, environment.logical_cpus
        if not device:
            return Reading.unknown("the record names no device")
        price = self.entry(environment)
        if price is None:
            return Reading.unknown(f"{self.path} has no price for the device {device!r}")
        if not _is_cpu(device):
            return Reading(value=price.usd_per_hour)
        if cpus is None:
            return Reading.unknown("the record doesn't say how many logical CPUs there were")
        return Reading(value=price.usd_per_hour * cpus)

    def entry(self, environment: EnvironmentTable) -> Price | None:
        """Return the price that a search in ``environment`` is charged by, or None."""
        device = environment.device
        if device is None:
            return None
        if _is_cpu(device):
            return self.cpu
        words = _words(device)
        fitting = [gpu for gpu in self.gpus.values() if _fits(_words(" ".join(gpu.match)), words)]
        return max(fitting, key=lambda gpu: len(gpu.match), default=None)


def digest() -> str:
    """Return the SHA-256 of the harness's own prices, which decide where a budget in dollars ends."""
    return hashlib.sha256(resources.files("harness").joinpath(_OWN).read_bytes()).hexdigest()


def load(path: Path | None = None) -> Prices:
    """Return the prices in ``path``, or the harness's own where it is None.

    Raises:
        UserError: The file can't be read, or isn't a price file; one line names the file, the key and the way out.
    """
    name, file = dated_toml_tables.load(path, own=_OWN, kind="price file", model=_File)
    _refuse_twins(name, file.gpus)
    return Prices(path=name, title=file.title, cpu=file.cpu, gpus=file.gpus)


def _refuse_twins(name: str, gpus: Mapping[str, GpuPrice]) -> None:
    seen: dict[frozenset[str], str] = {}
    for key, gpu in gpus.items():
        words = _words(" ".join(gpu.match))
        if not words:
            raise UserError(f"{name}: gpus.{key}.match: holds no word; name one of the device's")
        if words in seen:
            raise UserError(f"{name}: gpus.{key}.match: the same as that of {seen[words]}; tell them apart by a word")
        seen[words] = key


def _fits(asked: frozenset[str], words: frozenset[str]) -> bool:
    """Whether a price is for a device; that of a whole GPU is for none of its instances (MIG)."""
    return asked <= words and (_INSTANCE in asked) == (_INSTANCE in words)


def _is_cpu(device: str) -> bool:
    return device.casefold() == "cpu"


def _words(text: str) -> frozenset[str]:
    return frozenset(word for word in re.split(r"[^a-z0-9]+", text.casefold()) if word)
