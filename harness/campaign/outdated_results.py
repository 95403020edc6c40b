"""Results that a matrix no longer asks for as they are: said where they are shown, as a run alone would notice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.campaign import results_folder_collisions
from harness.cells import Cell, domains_of, used
from harness.errors import ResultsError
from harness.matrix import Combination, Matrix, combinations, mistakes
from harness.results_folder import MatrixFolder, Planned
from harness.text_sanitising import counted

_MOST_NAMED = 4
# They say where a thing stands: a move changes no search.
_PLACES = ("path", "data", "groups", "weights")
# It asks for other retrainings, and for the same searches.
_NO_SEARCH = "learning_rate_factors"


def remarks(folder: MatrixFolder, matrix: Matrix) -> list[str]:
    """Return a line where the searches in ``folder`` are not what ``matrix`` asks for: another file's, or edited since.

    What data and weights hold is not looked at, nor are code and environment: ``harness plan`` compares these too.
    """
    return results_folder_collisions.of_tables(folder, matrix) or _edited(folder, matrix)


def _edited(folder: MatrixFolder, matrix: Matrix) -> list[str]:
    planned = {_combination(cell): cell for cell in _planned(folder)}
    wanted = set(combinations(matrix.spec))
    told = [*_keys(folder, matrix, [planned[each] for each in planned if each in wanted])]
    new, gone = len(wanted - set(planned)), len(set(planned) - wanted)
    told = [*told[:_MOST_NAMED], *(["…"] if len(told) > _MOST_NAMED else [])]
    told += [f"{counted(new, 'search', 'searches')} not planned then"] if new else []
    told += [f"{counted(gone, 'search', 'searches')} no longer asked for"] if gone else []
    if not planned or not told:
        return []
    shown = f"{folder.path}: the searches shown are of an earlier version of {matrix.path} ({', '.join(told)})"
    way_out = f"harness plan {matrix.path} says what it asks for now, harness run {matrix.path} searches that"
    return [f"{shown}; {way_out}"]


def _planned(folder: MatrixFolder) -> list[Planned]:
    try:
        return [cell for cell in folder.plan() if cell.role == "search"]
    except ResultsError:
        # Whoever shows results says so.
        return []


def _combination(cell: Planned) -> Combination:
    return Combination(**cell.name._asdict())


def _keys(folder: MatrixFolder, matrix: Matrix, planned: list[Planned]) -> list[str]:
    """Return the keys of the matrix that say something else than when its searches were planned."""
    # One of each combination tells: a plan is of one version, whatever the seed.
    told: dict[tuple[str, ...], list[str]] = {}
    for cell in planned:
        if cell.name[:-1] not in told and (held := _cell(folder, cell)) is not None:
            told[cell.name[:-1]] = list(_differences(held, _asked_now(held, matrix, cell)))
    return list(dict.fromkeys(key for keys in told.values() for key in keys))


def _cell(folder: MatrixFolder, cell: Planned) -> Cell | None:
    try:
        return folder.cell(cell.id).cell()
    except ResultsError:
        # Not begun, or damaged, which whoever reads it says.
        return None


def _asked_now(held: Cell, matrix: Matrix, cell: Planned) -> Cell:
    spec = matrix.spec
    sections = {
        "dataset": spec.datasets[cell.dataset],
        "backbone": spec.backbones[cell.backbone],
        "tuner": spec.tuners[cell.tuner],
        "domains": domains_of(matrix.spaces[cell.hyperparameters]),
        "budget": spec.budget,
        "protocol": spec.protocol,
    }
    return held.model_copy(update=sections)


def _differences(held: Cell, now: Cell) -> Iterator[str]:
    names = held.names
    sections = [("datasets", "dataset", names.dataset), ("backbones", "backbone", names.backbone)]
    for section, part, name in [*sections, ("tuners", "tuner", names.tuner)]:
        before, after = (_placeless(getattr(cell, part).model_dump(mode="json")) for cell in (held, now))
        yield from _unlike((section, name), before, after)
    if list(held.domains.items()) != list(now.domains.items()):
        yield mistakes.dotted(("hyperparameters", names.hyperparameters))
    # What a search can't spend of its budget is no part of it.
    yield from _unlike(("budget",), held.identity["budget"], now.identity["budget"])
    yield from _unlike(("protocol",), _protocol(held), _protocol(now))


def _protocol(cell: Cell) -> dict[str, Any]:
    told = used(cell.protocol.model_dump(mode="json", exclude={_NO_SEARCH}))
    return told | {key: _last(told[key]) for key in ("metric", "meter") if key in told}


def _placeless(section: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _last(value) if key in _PLACES else value for key, value in section.items()}


def _last(path: Any) -> Any:
    return Path(path).name if isinstance(path, str) else path


def _unlike(section: tuple[str, ...], before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for key in {**before, **after}:
        if before.get(key) != after.get(key):
            yield mistakes.dotted((*section, key))
