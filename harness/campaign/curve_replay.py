"""Searches of a matrix replayed on recorded learning curves, through the code that searches with real training."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tomli_w

from harness import environment, extensions, files, learning_curve_tables
from harness import matrix as matrices
from harness.campaign import code_identity_cache
from harness.campaign.events import Watch, ignore
from harness.campaign.matrix_resolution import Resolution
from harness.campaign.run import Request, Run, run
from harness.catalogue import tuner_libraries
from harness.catalogue.tuners import RANDOM, declared
from harness.cells import Cell, CurvesTable, Names, OwnFile, domains_of, used
from harness.compare import replay_agreement
from harness.compare.replay_agreement import ReplayAgreement
from harness.environment import Identity
from harness.errors import UserError
from harness.extensions import finding
from harness.learning_curve_tables import Header
from harness.matrix import Combination, Matrix, combinations
from harness.matrix_schema import TunerSection
from harness.results_folder import GroupName, MatrixFolder, SearchName

Thinking = Literal["measured", "none"]
"""Whether a tuner's own thinking takes time: ``none`` repeats to the last digit."""

# What of a protocol no training follows.
_UNTRAINED = {"learning_rate_factors", "tuner_threads"}


@dataclass(frozen=True, slots=True)
class _Table:
    """A table, hashed once for all that is searched in it."""

    path: Path
    sha256: str
    header: Header


def replay(
    tables: Sequence[Path],
    request: Request,
    *,
    matrix: Matrix | None = None,
    seeds: int | None = None,
    thinking: Thinking = "measured",
    watch: Watch = ignore,
) -> Run:
    """Search with every tuner of a matrix, in recorded tables.

    Args:
        tables: Files that ``record`` wrote; without a matrix all of one.
        request: Where results go, and the like; searches run as processes of this host.
        matrix: Whose tuners, budget, seeds and rules hold; the recorded one where None.
        seeds: How many seeds each tuner has, from 1; those of the recorded matrix where None. Beyond the recorded
            seeds their curves are gone through again, with other seeds of the tuner.
        thinking: Whether a tuner's own thinking takes time.
        watch: Called with each event.

    Raises:
        UserError: Files are no tables, of several matrices, or of other data, models, grids or protocols than the
            matrix's.
        ResultsError: A table can't be read.
    """
    found = _tables(tables)
    source = _recorded(found) if matrix is None else _given(matrix, found)
    named = _written(source, request.results, seeds)

    def resolved(asked: Matrix, identity: Identity) -> Resolution:
        cells = [
            _cell(asked, combination, found[group], identity=identity, thinking=thinking)
            for combination in combinations(asked.spec)
            if (group := GroupName(combination.dataset, combination.backbone, combination.hyperparameters)) in found
        ]
        return Resolution(matrix=asked.path, cells=tuple(cells), unreachable=())

    return run(named, request, watch=watch, resolve=resolved)


def check(tables: Sequence[Path], real: MatrixFolder, request: Request, *, watch: Watch = ignore) -> ReplayAgreement:
    """Replay the finished searches of a results folder that were made on the grids of tables, and compare each.

    Raises:
        UserError: Files are no tables, or of several matrices; or no finished search is of their data, models, grids,
            protocol and seeds.
        ResultsError: A file can't be read.
    """
    found = _tables(tables)
    matrix = _written(_recorded(found), request.results, None)
    searched = {name: cell for name, cell in _completed(real) if _is_recorded(cell, found.get(name.group))}
    if not searched:
        raise UserError(
            f"{real.path}: has no finished search of the data, models, grids, protocol and seeds of the tables"
        )

    def resolved(asked: Matrix, identity: Identity) -> Resolution:
        cells = (
            _replaying(_asked(cell, asked), found[name.group], identity=identity, thinking="none")
            for name, cell in searched.items()
        )
        return Resolution(matrix=asked.path, cells=tuple(cells), unreachable=())

    ran = run(matrix, request, watch=watch, resolve=resolved)
    folder = MatrixFolder(ran.path)
    replayed = {planned.name: folder.cell(planned.id).trials() for planned in folder.plan()}
    return replay_agreement.of({name: (real.cell(cell.id).trials(), replayed[name]) for name, cell in searched.items()})


def _completed(folder: MatrixFolder) -> Iterator[tuple[SearchName, Cell]]:
    """Yield the finished searches that trained, by their names."""
    for planned in folder.plan():
        sealed = folder.cell(planned.id).sealed() if planned.role == "search" else None
        if sealed is not None and sealed.cell is not None and sealed.record.status == "completed":
            yield planned.name, sealed.cell


def _is_recorded(cell: Cell, table: _Table | None) -> bool:
    """Whether a table has the curves of what a search trained."""
    if table is None or cell.curves is not None or cell.seed not in table.header.seeds:
        return False
    recorded = table.header.cell
    alike = [used(each.protocol.model_dump(mode="json", exclude=_UNTRAINED)) for each in (cell, recorded)]
    return cell.problem == recorded.problem and alike[0] == alike[1]


def _asked(cell: Cell, matrix: Matrix) -> dict[str, object]:
    """Return what a real search asked for; a file of the user's own is looked for where the recorded matrix has it."""
    tuner = matrix.spec.tuners.get(cell.names.tuner, cell.tuner) if cell.tuner_file is not None else cell.tuner
    return {
        "names": cell.names,
        "tuner": tuner,
        "tuner_file": _own(matrix, tuner),
        "domains": cell.domains,
        "budget": cell.budget,
        "seed": cell.seed,
        "audit": cell.audit,
    }


def _tables(paths: Sequence[Path]) -> dict[GroupName, _Table]:
    headers = {path: learning_curve_tables.header(path) for path in paths}
    return {
        _group(header.cell.names): _Table(path.absolute(), files.sha256_of(path), header)
        for path, header in headers.items()
    }


def _group(names: Names) -> GroupName:
    return GroupName(names.dataset, names.backbone, names.hyperparameters)


@dataclass(frozen=True, slots=True)
class _Source:
    """A matrix to replay: what it is called, its text, and the folder that its relative paths start from."""

    name: str
    text: str
    base: Path


def _recorded(tables: Mapping[GroupName, _Table]) -> _Source:
    """Return the matrix that all tables were recorded of."""
    first, *others = tables.values()
    for other in others:
        if other.header.matrix != first.header.matrix:
            raise UserError(
                f"{other.path}: recorded from another matrix than {first.path}; replay them one after the other, or "
                "give a matrix of both"
            )
    return _Source(first.header.name, first.header.matrix, Path(first.header.base).expanduser())


def _given(matrix: Matrix, tables: Mapping[GroupName, _Table]) -> _Source:
    """Return a matrix of the user's own, if what it trains is what was recorded."""
    asked = tomllib.loads(matrix.text)
    groups = {GroupName(each.dataset, each.backbone, each.hyperparameters) for each in combinations(matrix.spec)}
    for name, table in tables.items():
        if name not in groups:
            raise UserError(
                f"{matrix.path}: asks for no search of {' · '.join(name)}, which {table.path} has curves of"
            )
        recorded = tomllib.loads(table.header.matrix)
        parts = zip(("datasets", "backbones", "hyperparameters"), name, strict=True)
        for key, one, other in [
            *((f"{part}.{key}", asked[part][key], recorded[part][key]) for part, key in parts),
            ("protocol", _trained(asked), _trained(recorded)),
        ]:
            if one != other:
                raise UserError(
                    f"{matrix.path}: {key}: other than in the matrix that {table.path} was recorded of; make them equal"
                )
    return _Source(matrix.name, matrix.text, matrix.path.parent.absolute())


def _trained(sections: Mapping[str, Any]) -> dict[str, object]:
    return {key: value for key, value in sections.get("protocol", {}).items() if key not in _UNTRAINED}


def _written(source: _Source, results: Path, seeds: int | None) -> Matrix:
    """Return a matrix under a name of its own, written beside the results, where commands find it."""
    sections: dict[str, Any] = tomllib.loads(source.text)
    for tuner in sections["tuners"].values():
        if "path" in tuner and not tuner["path"].startswith("package:"):
            tuner["path"] = str(files.located(source.base, tuner["path"]))
    if seeds is not None:
        sections["seeds"] = list(range(1, seeds + 1))
    written = results / f"{source.name}-replayed.toml"
    results.mkdir(parents=True, exist_ok=True)
    text = f"# Searches of {source.name} on recorded curves; written by harness replay.\n"
    files.write_atomically(written, (text + tomli_w.dumps(sections)).encode())
    return matrices.load(written)


def _cell(matrix: Matrix, asked: Combination, table: _Table, *, identity: Identity, thinking: Thinking) -> Cell:
    tuner = matrix.spec.tuners[asked.tuner]
    wanted = {
        "names": table.header.cell.names.model_copy(update={"tuner": asked.tuner}),
        "tuner": tuner,
        "tuner_file": _own(matrix, tuner),
        "domains": domains_of(matrix.spaces[asked.hyperparameters]),
        "budget": matrix.spec.budget,
        "seed": asked.seed,
        "audit": "trial" if tuner.tuner in RANDOM else "incumbent",
    }
    return _replaying(wanted, table, identity=identity, thinking=thinking)


def _replaying(wanted: Mapping[str, object], table: _Table, *, identity: Identity, thinking: Thinking) -> Cell:
    """Return the cell that searches a table as is wanted; all else is as it was recorded."""
    recorded = table.header.cell
    asked = recorded.model_copy(update={**wanted, "recorded_rungs": None})
    tuner = asked.tuner.tuner
    changes = {
        "curves": CurvesTable.model_validate(
            {
                "sha256": table.sha256,
                "seed": _seed(table.header, asked.seed),
                "thinking": thinking,
                "path": str(table.path),
            }
        ),
        "environment": identity.environment,
        "tuner_packages": environment.packages_beside(identity.environment, tuner_libraries.own_packages(tuner)),
        "code": code_identity_cache.of_cell(
            library=declared(tuner).library,
            model=recorded.backbone.model,
            data=recorded.dataset.source,
            program="replay",
        ),
    }
    return asked.model_copy(update=changes)


def _seed(header: Header, seed: int) -> int:
    """Return the recorded seed that a search's trials are looked up in: its own, or else each in its turn."""
    return seed if seed in header.seeds else header.seeds[(seed - 1) % len(header.seeds)]


def _own(matrix: Matrix, tuner: TunerSection) -> OwnFile | None:
    if tuner.path is None:
        return None
    return OwnFile.model_validate(finding.find(extensions.TUNER, tuner.path, base=matrix.path.parent))
