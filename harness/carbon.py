"""What electricity emits: a dated, sourced file of grams of CO2 equivalent per kilowatt-hour, for each grid."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from harness import dated_toml_tables
from harness.errors import UserError
from harness.matrix_schema import Section
from harness.search_types import Reading

DEFAULT_GRID = "world"
_JOULES_PER_KWH = 3.6e6


class PowerGrid(Section):
    """What a kilowatt-hour of one grid emits, and who says so."""

    g_per_kwh: Annotated[float, Field(ge=0)]
    """Grams of CO2 equivalent per kilowatt-hour."""
    year: int
    """The year that the figure is a mean of."""
    source: str
    """Where the figure can be looked up."""


class _File(Section):
    title: str
    grids: dict[str, PowerGrid]


@dataclass(frozen=True, slots=True, kw_only=True)
class Intensity:
    """One grid's figure; ``title`` is that of its file."""

    name: str
    title: str
    grid: PowerGrid

    def emitted_g(self, energy_j: Reading) -> Reading:
        """Return the grams of CO2 equivalent of so many joules; as unknown as these."""
        if energy_j.value is None:
            return energy_j
        return Reading(value=energy_j.value / _JOULES_PER_KWH * self.grid.g_per_kwh)


def load(path: Path | None = None, *, grid: str | None = None) -> Intensity:
    """Return the intensity of ``grid`` in ``path``, or in the harness's own file where it is None.

    Without a name it is that of the world.

    Raises:
        UserError: The file can't be read, isn't one of intensities, or has no such grid; says the way out.
    """
    name, file = dated_toml_tables.load(path, own="carbon.toml", kind="file of carbon intensities", model=_File)
    asked = DEFAULT_GRID if grid is None else grid
    if asked not in file.grids:
        near = difflib.get_close_matches(asked, file.grids, n=1)
        meant = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(file.grids)) or 'none'}"
        raise UserError(f"{name}: no grid {asked!r}; {meant} (--grid)")
    return Intensity(name=asked, title=file.title, grid=file.grids[asked])
