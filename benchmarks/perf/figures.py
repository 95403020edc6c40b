"""One figure: two sides measured in the same run, their ratio, and the limit that the ratio must keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import pytest

MIB = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """``harness`` over ``yardstick``, both in ``unit``; ``facts`` say what either side did."""

    name: str
    harness: float
    yardstick: float
    unit: str
    limit: float
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        return self.harness / self.yardstick

    @property
    def line(self) -> str:
        verdict = "kept" if self.ratio <= self.limit else "MISSED"
        sides = f"{self.harness:.4g} {self.unit} / {self.yardstick:.4g} {self.unit}"
        return f"{self.name:<40} {self.ratio:>7.3f} <= {self.limit:<5.2f} {verdict:<6}  {sides}"

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "ratio": self.ratio}


FIGURES = pytest.StashKey[list[Figure]]()
