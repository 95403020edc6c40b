"""A results folder that is damaged again and again, and what must still be true of it then."""

from __future__ import annotations

import json
import math
import os
import random
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.reliability import damage
from harness import analysis
from harness.analysis import SearchResult, Status
from harness.errors import HarnessError
from harness.results_folder import MatrixFolder, Planned

REFERENCE = Path(__file__).parents[2] / "results" / "reference" / "demo"
_CLOCKS_APART_S = 0.01
_SUM = re.compile(rb', "crc32": "[0-9a-f]{8}"(?=})')
_OF_A_CELL = ("record.json", "record.json", "trials.jsonl", "trials.jsonl", "cell.json", "attempts.jsonl")


@dataclass(slots=True, kw_only=True)
class Folder:
    """A copy of a few searches of the kept results, sealed as they are today; ``pristine`` stays as it is."""

    results: Path
    pristine: Path
    ids: list[str]
    truth: Mapping[str, Any]
    _touched: set[Path] = field(default_factory=set)
    _is_sealed: bool = True

    @classmethod
    def made(cls, folder: Path) -> Folder:
        """Copy one group's searches of a seed, its retraining, and a search that is not finished yet."""
        pristine, results = folder / "pristine" / "demo", folder / "results"
        lines = [line for line in MatrixFolder(REFERENCE).plan() if line.seed == 1][:7]
        retrained = [line for line in MatrixFolder(REFERENCE).plan() if line.role == "learning_rate"][:1]
        planned = [*lines, *(line for line in retrained if line not in lines)]
        for line in planned:
            _copy(line, MatrixFolder(pristine))
        (MatrixFolder(pristine).cell(lines[-1].id).path / "record.json").unlink()
        MatrixFolder(pristine).write_plan(planned)
        shutil.copytree(pristine, results / "demo")
        ids = [line.id for line in planned]
        truth = {search.planned.id: _facts(search) for search in analysis.read(MatrixFolder(results / "demo")).cells}
        return cls(results=results, pristine=pristine, ids=ids, truth=truth)

    @property
    def path(self) -> Path:
        """The matrix folder that is damaged."""
        return self.results / "demo"

    def damage(self, draw: random.Random) -> str:
        """Damage one or two files; say which and how."""
        self._is_sealed = draw.random() < 0.5
        return ", ".join(self._damage_one(draw) for _ in range(draw.choice((1, 1, 1, 2))))

    def restore(self) -> None:
        """Undo what ``damage`` did."""
        for path in sorted(self._touched):
            sound = self.pristine / path.relative_to(self.path)
            _remove(path)
            if sound.is_dir():
                shutil.copytree(sound, path)
            elif sound.exists():
                path.parent.mkdir(exist_ok=True)
                shutil.copyfile(sound, path)
        self._touched.clear()

    def mistakes(self) -> Iterator[tuple[str, str]]:
        """Yield values that no search has and were taken, and changes of a sealed search that went unnoticed."""
        try:
            found = analysis.read(MatrixFolder(self.path))
        except HarnessError:
            return
        for search in found.cells:
            if search.status is Status.MISSING:
                continue
            yield from (("out of range", f"{search.planned.id}: {why}") for why in _out_of_range(search))
            if self._is_sealed and _facts(search) != self.truth.get(search.planned.id):
                yield "silent", search.planned.id
        if self._is_sealed and len(found.cells) + found.left_out < sum(self._has_folder(each) for each in self.ids):
            yield "silent", "a cell is neither planned nor counted"

    def _has_folder(self, cell_id: str) -> bool:
        return (self.path / "cells" / cell_id).is_dir() and not (self.path / "cells" / cell_id).is_symlink()

    def _damage_one(self, draw: random.Random) -> str:
        cell = self.path / "cells" / draw.choice(self.ids)
        other = self.pristine / "cells" / draw.choice(self.ids)
        kind = draw.random()
        if kind < 0.1:
            return self._damage_place(cell, other, draw)
        if kind < 0.3:
            path, elsewhere = self.path / "plan.json", self.pristine / "plan.json"
        elif kind < 0.35:
            path = self.path / ".derived" / draw.choice(("findings", "tables"))
            elsewhere = self.pristine / "plan.json"
        else:
            path = cell / draw.choice(_OF_A_CELL)
            elsewhere = other / path.name
        if path in self._touched or not path.is_file() or path.is_symlink():
            return f"{path.name} is damaged already"
        self._touched.add(path)
        how = draw.choice((_tree, _tree, _text, _file))
        how(path, elsewhere if elsewhere.is_file() else self.pristine / "plan.json", draw, is_sealed=self._is_sealed)
        return f"{how.__name__.strip('_')} of {cell.name}/{path.name}"

    def _damage_place(self, cell: Path, other: Path, draw: random.Random) -> str:
        """Put something else in the place of a whole cell."""
        _remove(cell)
        self._touched.add(cell)
        how = draw.choice(("copied", "a link", "a loop", "a file", "gone", "without a record"))
        if how == "copied":
            shutil.copytree(other, cell)
        elif how == "a link":
            cell.symlink_to(other)
        elif how == "a loop":
            cell.symlink_to(cell)
        elif how == "a file":
            cell.write_text("in the way")
        elif how == "without a record":
            shutil.copytree(other, cell, ignore=shutil.ignore_patterns("record.json"))
        return f"{cell.name}: {how}"


def _copy(line: Planned, folder: MatrixFolder) -> None:
    """Copy a kept search with the checksums that its files have today."""
    source, copy = MatrixFolder(REFERENCE).cell(line.id), folder.cell(line.id)
    shutil.copytree(source.path, copy.path)
    record, trials = copy.record(), copy.trials()
    (copy.path / "trials.jsonl").unlink(missing_ok=True)
    for trial in trials:
        copy.append(trial)
    if record is not None:
        (copy.path / "record.json").unlink()
        copy.seal(replace(record, trials_sha256=copy.trials_sha256))


def _tree(path: Path, _elsewhere: Path, draw: random.Random, *, is_sealed: bool) -> None:
    held = path.read_bytes()
    if not path.name.endswith((".json", ".jsonl")):
        _text(path, _elsewhere, draw, is_sealed=is_sealed)
    elif path.name.endswith(".jsonl"):
        lines = [json.loads(line) for line in held.splitlines()]
        changed = damage.tree(lines, draw)
        spelt = [json.dumps(line).encode() for line in (changed if isinstance(changed, list) else [changed])]
        path.write_bytes(b"".join((line if is_sealed else _SUM.sub(b"", line)) + b"\n" for line in spelt))
    else:
        fields = json.loads(held)
        if not is_sealed:
            fields.pop("sha256", None)
            fields.pop("trials_sha256", None)
        path.write_bytes(damage.as_json(damage.tree(fields, draw)))


def _text(path: Path, _elsewhere: Path, draw: random.Random, *, is_sealed: bool) -> None:
    held = path.read_bytes()
    path.write_bytes(damage.text(held if is_sealed else _SUM.sub(b"", held), draw))


def _file(path: Path, elsewhere: Path, draw: random.Random, *, is_sealed: bool) -> None:  # noqa: ARG001 - like the others
    damage.file(path, elsewhere, draw)


def _facts(search: SearchResult) -> Any:
    """All that is read of a search, so that two of them can be compared; its reason names places."""
    found = search.findings
    if found is None:
        return None
    return (search.planned, search.status, found.record.document, found.cost, found.curve, found.lines, found.best)


def _out_of_range(search: SearchResult) -> Iterator[str]:
    for step in search.curve:
        for score in (step.val_score, step.test_score):
            if score is not None and not 0 <= score <= 1:
                yield f"a score of {score}"
    spent = [] if search.cost is None else [getattr(search.cost, name) for name in ("wall_s", "device_s", "thinking_s")]
    for seconds in [*search.phases.values(), *spent, 0.0 if search.record is None else search.record.wall_s]:
        if not (math.isfinite(seconds) and seconds > -_CLOCKS_APART_S * 100):
            yield f"{seconds} s"
    for trial in search.tried:
        if trial.epochs < 0 or (trial.score is not None and not 0 <= trial.score <= 1):
            yield f"trial {trial.number}: {trial.epochs} epochs, score {trial.score}"


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif os.path.lexists(path):
        path.unlink()
