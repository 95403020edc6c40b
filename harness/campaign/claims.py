"""Which run a cell is claimed by, where several share one results folder.

A claim is a folder, ``at_work/cells/<id>/<run>/``, in which that run alone works. It changes hands by being renamed: a
network file system lets one of several win that, and whoever lost finds nothing under the old name. So a run that was
taken for dead, and goes on, can't write beside the one that took its cell over, nor bring anything home.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.campaign.runs_at_work import Life, Presence
from harness.records import CellFolder
from harness.results_folder import MatrixFolder

# What is taken along when a cell changes hands: copies, so that who holds the old lock holds no other.
_FILES = (
    *("cell.json", "trials.jsonl", "attempts.jsonl", "outcome.json", "record.json", "worker.log"),
    *("progress.log", "lock"),
)
_FOLDERS = ("checkpoints", "retried-*", "retrying")
# A folder that comes with the claim. A late process can make the claim's path anew, but not this: what is renamed into
# it or out of it was renamed by who holds the claim.
_MARK = "claimed"
_KINDS = ("cells", "preparations")


class Claims(Protocol):
    """What cells, or preparations, of a results folder a run may work at; ``name`` is that of their folder."""

    def take(self, name: str) -> bool:
        """Claim one, if nobody else has it and it isn't finished; return whether it is this run's now."""
        ...

    def folder(self, name: str) -> CellFolder:
        """Return where this run works at it."""
        ...

    def holds(self, name: str) -> bool:
        """Return whether it still is this run's."""
        ...

    def bring_home(self, name: str) -> bool:
        """Put what was done where everybody finds it, whole; return False where it was another run's by then."""
        ...

    def is_taken(self, name: str) -> bool:
        """Return whether another run has it that isn't known to be dead."""
        ...

    def is_finished(self, name: str) -> bool:
        """Return whether another run may have finished it since this one began."""
        ...


@dataclass(frozen=True, slots=True)
class Unshared:
    """The claims of a run that is alone: everything is its own, in ``home``, at once."""

    home: Path

    def take(self, name: str) -> bool:
        """Claim it."""
        del name
        return True

    def folder(self, name: str) -> CellFolder:
        """Return where it is kept."""
        return CellFolder(self.home / name)

    def holds(self, name: str) -> bool:
        """Return that it does."""
        del name
        return True

    def bring_home(self, name: str) -> bool:
        """Return that it is there."""
        del name
        return True

    def is_taken(self, name: str) -> bool:
        """Return that nobody has it."""
        del name
        return False

    def is_finished(self, name: str) -> bool:
        """Return that nobody has."""
        del name
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """The claims of one run among several: of what is kept in ``home``, worked at in folders in ``at_work``."""

    home: Path
    at_work: Path
    run: Presence

    def take(self, name: str) -> bool:
        """Claim it: as nobody has it, or as the run that has it is dead."""
        holders = self._holders(name)
        if self.run.token in holders or self.is_finished(name):
            return False
        if any(self.run.life(token) is not Life.DEAD for token in holders):
            return False
        if not (self._taken_over(name, holders[0]) if holders else self._claimed(name)):
            return False
        try:
            self._furnish(name)
        except OSError:
            if self.holds(name):
                raise
            return False
        return not self._turned_out_finished(name)

    def _turned_out_finished(self, name: str) -> bool:
        # Only who has claimed it knows that nobody finishes it meanwhile.
        if self.is_finished(name):
            self._drop(name)
            return True
        return self.folder(name).is_sealed and self.bring_home(name)

    def is_finished(self, name: str) -> bool:
        """Return whether its record is at home."""
        return CellFolder(self.home / name).is_sealed

    def folder(self, name: str) -> CellFolder:
        """Return where this run works at it; the last part is its name, by which executors tell cells apart."""
        return CellFolder(self._claim(name) / name)

    def holds(self, name: str) -> bool:
        """Return whether no other run has taken it over."""
        return (self._claim(name) / _MARK).exists()

    def bring_home(self, name: str) -> bool:
        """Put it home by one renaming, if it still is this run's; the claim ends."""
        came = self.holds(name) and self._moved_home(name)
        self._drop(name)
        return came

    def is_taken(self, name: str) -> bool:
        """Return whether another run has it that isn't known to be dead."""
        return any(self.run.life(token) is not Life.DEAD for token in self._holders(name) if token != self.run.token)

    def held(self) -> list[str]:
        """Return what this run has claimed."""
        return [name for name in _names(self.at_work) if self.holds(name)]

    def sweep_finished(self) -> None:
        """Take away what dead runs left beside what is at home and finished."""
        for name in filter(self.is_finished, _names(self.at_work)):
            if not self.is_taken(name):
                shutil.rmtree(self.at_work / name, ignore_errors=True)

    def _claim(self, name: str) -> Path:
        return self.at_work / name / self.run.token

    def _holders(self, name: str) -> list[str]:
        """Return the runs that have claimed it: one, or none."""
        return [token for token in _names(self.at_work / name) if (self.at_work / name / token / _MARK).exists()]

    def _claimed(self, name: str) -> bool:
        """Make a claim, marked from its first moment on; return whether nobody else was there before."""
        aside = self.at_work / f".{name}.{self.run.token}"
        (aside / self.run.token / _MARK).mkdir(parents=True, exist_ok=True)
        try:
            # Only an empty folder gives way.
            aside.rename(self.at_work / name)
        except OSError:
            shutil.rmtree(aside, ignore_errors=True)
            self._sweep(name)
            return False
        return True

    def _taken_over(self, name: str, token: str) -> bool:
        with suppress(OSError):
            # One of several that try it at once finds it under this name.
            (self.at_work / name / token).rename(self._claim(name))
            return True
        return False

    def _furnish(self, name: str) -> None:
        """Copy what there is of it into a folder that nobody else has ever known, as somebody may still write there."""
        work, mark = self.folder(name).path, self._claim(name) / _MARK
        earlier, new = mark / "earlier", mark / "new"
        if work.exists():
            # Whole, as it is named so only then; what it was copied from may be half removed.
            shutil.rmtree(earlier, ignore_errors=True)
        if not earlier.exists():
            before = mark / "before"
            places = [*([before] if CellFolder(before).is_sealed else []), work, mark / "done", self.home / name]
            _first_found(places[:-1] if self.is_finished(name) else places, to=earlier)
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()
        for path in _kept(earlier):
            _copy(path, new / path.name)
        new.rename(work)
        shutil.rmtree(earlier, ignore_errors=True)

    def _moved_home(self, name: str) -> bool:
        home, mark = self.home / name, self._claim(name) / _MARK
        if self.is_finished(name):
            return False
        self.home.mkdir(parents=True, exist_ok=True)
        try:
            # Out of reach of a worker that is late, then home; each fails where the claim is gone.
            self.folder(name).path.rename(mark / "done")
            with suppress(FileNotFoundError):
                # What isn't sealed holds nothing that this run did not begin with.
                home.rename(mark / "before")
            # A network file system may have told us too late that another run was first.
            is_first = not CellFolder(mark / "before").is_sealed
            (mark / ("done" if is_first else "before")).rename(home)
        except OSError:
            if self.holds(name):
                raise
            return False
        return is_first

    def _drop(self, name: str) -> None:
        shutil.rmtree(self._claim(name), ignore_errors=True)
        with suppress(OSError):
            (self.at_work / name).rmdir()

    def _sweep(self, name: str) -> None:
        """Take away what late processes of dead runs have made under the names of claims that they had lost."""
        for token in _names(self.at_work / name):
            claim = self.at_work / name / token
            if not (claim / _MARK).exists() and self.run.life(token) is Life.DEAD:
                shutil.rmtree(claim, ignore_errors=True)


def _copy(path: Path, to: Path) -> None:
    if path.is_dir():
        shutil.copytree(path, to, copy_function=_linked)
    else:
        shutil.copyfile(path, to)


def _linked(path: str, to: str) -> None:
    """Give a file another name, as weights are many and never changed; copy it where the disk has no such links."""
    try:
        os.link(path, to)
    except OSError:
        shutil.copyfile(path, to)


def _first_found(places: Sequence[Path], *, to: Path) -> None:
    for place in places:
        with suppress(FileNotFoundError):
            place.rename(to)
            return


def _kept(earlier: Path) -> Iterator[Path]:
    for name in _FILES:
        if (earlier / name).is_file():
            yield earlier / name
    for pattern in _FOLDERS:
        yield from earlier.glob(pattern)


def _names(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []


def of(folder: MatrixFolder, kind: str, run: Presence | None) -> Claims:
    """Return a run's claims of ``cells`` or ``preparations``; None stands for a run that shares nothing."""
    home = folder.path / kind
    return Unshared(home) if run is None or run.is_alone else Shared(home=home, at_work=_at_work(folder, kind), run=run)


def let_go(folder: MatrixFolder, run: Presence) -> None:
    """Put home what a run of several had claimed and didn't finish; forget dead ones that have nothing here."""
    if run.is_alone:
        return
    for kind in _KINDS:
        mine = Shared(home=folder.path / kind, at_work=_at_work(folder, kind), run=run)
        for name in mine.held():
            mine.bring_home(name)
        mine.sweep_finished()
    for token in run.others():
        if run.life(token) is Life.DEAD:
            run.forget(token)
    _remove_empty(folder)


def bring_all_home(folder: MatrixFolder, run: Presence) -> None:
    """Put home what dead runs had claimed; for a run that has the folder to itself."""
    for kind in _KINDS:
        left = Shared(home=folder.path / kind, at_work=_at_work(folder, kind), run=run)
        for name in _names(left.at_work):
            if left.take(name):
                left.bring_home(name)
        shutil.rmtree(left.at_work, ignore_errors=True)
    _remove_empty(folder)


def _remove_empty(folder: MatrixFolder) -> None:
    for path in (*(_at_work(folder, kind) for kind in _KINDS), folder.path / "at_work"):
        with suppress(OSError):
            # Others may be at work there.
            path.rmdir()


def _at_work(folder: MatrixFolder, kind: str) -> Path:
    return folder.path / "at_work" / kind
