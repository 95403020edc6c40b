"""Searches of a matrix replayed on recorded learning curves, through the code that searches with real training."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
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
from harness.cells import Cell, CurvesTable, Names, OwnFile, domains_of
from harness.environment import Identity
from harness.errors import UserError
from harness.extensions import finding
from harness.learning_curve_tables import Header
from harness.matrix import Combination, Matrix, combinations
from harness.matrix_schema import TunerSection

Thinking = Literal["measured", "none"]
"""Whether a tuner's own thinking takes time: ``none`` repeats to the last digit."""


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
    seeds: int | None = None,
    thinking: Thinking = "measured",
    watch: Watch = ignore,
) -> Run:
    """Search with every tuner of the recorded matrix, in its tables.

    Args:
        tables: Files that ``record`` wrote, all of one matrix.
        request: Where results go, and the like; searches run as processes of this host.
        seeds: How many seeds each tuner has, from 1; those of the recorded matrix where None. Beyond the recorded
            seeds their curves are gone through again, with other seeds of the tuner.
        thinking: Whether a tuner's own thinking takes time.
        watch: Called with each event.

    Raises:
        UserError: Files are no tables, or of several matrices.
        ResultsError: A table can't be read.
    """
    headers = {path: learning_curve_tables.header(path) for path in tables}
    matrix = _matrix(headers, request.results, seeds)
    found = {
        _group(header.cell.names): _Table(path.absolute(), files.sha256_of(path), header)
        for path, header in headers.items()
    }

    def resolved(asked: Matrix, identity: Identity) -> Resolution:
        cells = [
            _cell(asked, combination, found[group], identity=identity, thinking=thinking)
            for combination in combinations(asked.spec)
            if (group := (combination.dataset, combination.backbone, combination.hyperparameters)) in found
        ]
        return Resolution(matrix=asked.path, cells=tuple(cells), unreachable=())

    return run(matrix, request, watch=watch, resolve=resolved)


def _group(names: Names) -> tuple[str, str, str]:
    return names.dataset, names.backbone, names.hyperparameters


def _matrix(headers: dict[Path, Header], results: Path, seeds: int | None) -> Matrix:
    """Return the recorded matrix under a name of its own, written beside the results, where commands find it."""
    (path, first), *others = headers.items()
    for other, header in others:
        if header.matrix != first.matrix:
            raise UserError(f"{other}: recorded from another matrix than {path}; replay them one after the other")
    sections: dict[str, Any] = tomllib.loads(first.matrix)
    for tuner in sections["tuners"].values():
        if "path" in tuner and not tuner["path"].startswith("package:"):
            tuner["path"] = str(files.located(Path(first.base).expanduser(), tuner["path"]))
    if seeds is not None:
        sections["seeds"] = list(range(1, seeds + 1))
    written = results / f"{first.name}-replayed.toml"
    results.mkdir(parents=True, exist_ok=True)
    text = f"# Replayed from curves that were recorded of {first.name}; written by harness replay.\n"
    files.write_atomically(written, (text + tomli_w.dumps(sections)).encode())
    return matrices.load(written)


def _cell(matrix: Matrix, asked: Combination, table: _Table, *, identity: Identity, thinking: Thinking) -> Cell:
    tuner, recorded = matrix.spec.tuners[asked.tuner], table.header.cell
    changes = {
        "names": recorded.names.model_copy(update={"tuner": asked.tuner}),
        "tuner": tuner,
        "tuner_file": _own(matrix, tuner),
        "domains": domains_of(matrix.spaces[asked.hyperparameters]),
        "budget": matrix.spec.budget,
        "seed": asked.seed,
        "recorded_rungs": None,
        "audit": "trial" if tuner.tuner in RANDOM else "incumbent",
        "curves": CurvesTable.model_validate(
            {
                "sha256": table.sha256,
                "seed": _seed(table.header, asked.seed),
                "thinking": thinking,
                "path": str(table.path),
            }
        ),
        "environment": identity.environment,
        "tuner_packages": environment.packages_beside(identity.environment, tuner_libraries.own_packages(tuner.tuner)),
        "code": code_identity_cache.of_cell(
            library=declared(tuner.tuner).library,
            model=recorded.backbone.model,
            data=recorded.dataset.source,
            program="replay",
        ),
    }
    return recorded.model_copy(update=changes)


def _seed(header: Header, seed: int) -> int:
    """Return the recorded seed that a search's trials are looked up in: its own, or else each in its turn."""
    return seed if seed in header.seeds else header.seeds[(seed - 1) % len(header.seeds)]


def _own(matrix: Matrix, tuner: TunerSection) -> OwnFile | None:
    if tuner.path is None:
        return None
    return OwnFile.model_validate(finding.find(extensions.TUNER, tuner.path, base=matrix.path.parent))
