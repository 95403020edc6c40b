"""What stands beneath every table: what was left out and why, what is unknown, and for which machine it holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.analysis import Group, MatrixResults, SearchResult, Status, environments
from harness.carbon import Intensity
from harness.datasets import data_summary
from harness.prices import Prices
from harness.record_schema import DataTable, ReadingTable
from harness.reports import mixed_environments, replayed_searches
from harness.text_sanitising import counted

_FEW_SEEDS = 10
_MOST_NAMES = 5


def left_out(results: MatrixResults, cells: Sequence[SearchResult]) -> list[str]:
    """Return what a table of ``cells`` lacks: failed and missing ones with their reasons, and records of others."""
    badly: dict[tuple[Status, str | None], list[SearchResult]] = {}
    for search in cells:
        if search.status is not Status.OK:
            badly.setdefault((search.status, search.reason), []).append(search)
    notes = [_ended_badly(status, reason, alike) for (status, reason), alike in badly.items()]
    if results.left_out:
        notes.append(f"Left out: {counted(results.left_out, 'record')} of other versions of the matrix.")
    return notes


def data(results: MatrixResults) -> list[str]:
    """Return what each data set came to, and what of it was left out."""
    return [f"{name}: {data_summary.line(first, alike)}." for name, (first, *alike) in data_facts(results).items()]


def data_facts(results: MatrixResults) -> dict[str, list[DataTable]]:
    """Return by data set what the records of its searches say of it; nothing of a data set without any."""
    found: dict[str, list[DataTable]] = {}
    for search in results.searches:
        if search.record is not None and search.record.data.per_class:
            found.setdefault(search.planned.dataset, []).append(search.record.data)
    return found


def few_seeds(groups: Sequence[Group]) -> list[str]:
    """Return how many seeds the rows stand on, with a warning below ten."""
    counts = sorted({row.independent for group in groups for row in group.rows})
    if not counts:
        return []
    seeds = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    note = f"Seeds per row: {seeds}."
    return [f"{note} Fewer than {_FEW_SEEDS} seeds prove little." if counts[0] < _FEW_SEEDS else note]


def holds_for(searches: Iterable[SearchResult]) -> list[str]:
    """Return the environments that the records come from."""
    found = environments(searches)
    if not found:
        return ["Holds for no machine: there is no record."]
    if len(found) == 1:
        return [f"Holds for: {found[0][0]}."]
    return [f"Holds for ({counted(count, 'record')}): {text}." for text, count in found]


def beneath(results: MatrixResults, groups: Sequence[Group]) -> list[str]:
    """Return what every table of searches ends with: what is replayed, what it lacks, for which machines it holds."""
    return [
        *replayed_searches.notes(groups),
        *left_out(results, results.searches),
        *mixed_environments.unlike(groups),
        *holds_for(results.searches),
    ]


def disturbed(searches: Iterable[SearchResult]) -> list[str]:
    """Return which searches shared their processors, and how much; nothing where none is known to have."""
    found = [search for search in searches if search.is_disturbed]
    if not found:
        return []
    named = [f"{search.planned.name}: {search.disturbance}" for search in found[:_MOST_NAMES]]
    more = [f"and {len(found) - _MOST_NAMES} more"] if len(found) > _MOST_NAMES else []
    return [f"Seconds not to be trusted: {counted(len(found), 'search', 'searches')} ({'; '.join([*named, *more])})."]


def unknown_energy(searches: Iterable[SearchResult]) -> list[str]:
    """Return why joules are unknown, once for each reason."""
    costs = [search.cost for search in searches if search.status is Status.OK and search.cost is not None]
    reasons = dict.fromkeys(cost.energy_j.reason for cost in costs if cost.energy_j.value is None)
    return [f"Energy unknown: {reason}." for reason in reasons]


def emissions(searches: Iterable[SearchResult], carbon: Intensity) -> list[str]:
    """Return which dated figure joules were turned into carbon by; nothing where no joule is known."""
    if not any(map(_has_energy, searches)):
        return []
    grid = carbon.grid
    told = f"{grid.g_per_kwh:g} g CO2e per kWh, the mean of {carbon.name} in {grid.year}"
    return [f"Carbon: {told} ({carbon.title}, {grid.source})."]


def energy_covers(searches: Iterable[SearchResult]) -> list[str]:
    """Return what the joules are of; a warning where they are of several things, which can't be compared."""
    covered = dict.fromkeys(_covered(search) for search in searches if _has_energy(search))
    if len(covered) > 1:
        return [f"Joules of {' and of '.join(covered)} stand side by side: they are not comparable."]
    return [f"Joules are those of {what} alone." for what in covered]


def _has_energy(search: SearchResult) -> bool:
    return search.status is Status.OK and search.cost is not None and search.cost.energy_j.value is not None


def _covered(search: SearchResult) -> str:
    # Records of the first harness don't say: it knew the processor's counter only.
    energy = ReadingTable() if search.record is None else search.record.energy
    covers = energy.covers or "processor packages (RAPL)"
    return covers if energy.meter is None else f"{covers} ({energy.meter}, a meter of the user's own)"


def pricing(searches: Iterable[SearchResult], prices: Prices) -> list[str]:
    """Return which dated price each device was charged by, or why it has none."""
    found: dict[str, None] = {}
    for search in searches:
        if search.status is Status.OK:
            found[_charged_by(search, prices)] = None
    return list(found)


def _charged_by(search: SearchResult, prices: Prices) -> str:
    reading = prices.per_hour(search.environment)
    price = prices.entry(search.environment)
    if reading.value is None or price is None:
        return f"Cost unknown: {reading.reason}."
    return (
        f"Cost: {reading.value:g} USD per hour for {search.environment.device}, as {price.instance} in "
        f"{price.region} ({prices.title}, {price.date.isoformat()}, {price.source})."
    )


def _ended_badly(status: Status, reason: str | None, alike: Sequence[SearchResult]) -> str:
    names = "; ".join(str(search.planned.name) for search in alike[:_MOST_NAMES])
    more = len(alike) - _MOST_NAMES
    rest = f"; and {more} more" if more > 0 else ""
    return f"{status.value.capitalize()}: {counted(len(alike), 'cell')} ({names}{rest}): {str(reason).rstrip('.')}."
