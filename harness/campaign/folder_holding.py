"""A results folder held by a run while it is at work there: by one alone, or by several that share its cells."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from harness import file_locks, files
from harness.campaign import claims, record_assembly, runs_at_work
from harness.campaign.events import Remark, Watch, ignore
from harness.campaign.runs_at_work import Board, Life, Presence
from harness.errors import MachineError, ResultsError
from harness.results_folder import MatrixFolder

_LOOK_S = 0.2


@contextmanager
def only_one(folder: MatrixFolder, *, watch: Watch = ignore) -> Iterator[Presence]:
    """Hold the matrix folder, so that no two campaigns write into it at once; give this run's presence.

    One that leaves nothing there, as it was refused, takes away the folders that were made for it.

    Raises:
        ResultsError: The folder can't be one, or another run is at work in it, here or on another machine.
        OSError: The disk refuses.
    """
    with held(Presence(folder=folder), watch=watch) as presence:
        yield presence


@contextmanager
def held(
    presence: Presence, *, watch: Watch = ignore, sleep: Callable[[float], None] = time.sleep
) -> Iterator[Presence]:
    """Let a run be at work in its folder, with others if it shares; the same as ``only_one`` where it doesn't.

    Raises:
        ResultsError: As ``only_one``.
        OSError: As ``only_one``.
    """
    folder = presence.folder
    made = [path for path in (folder.path, folder.path.parent) if not path.exists()]
    with _opened(folder) as lock:
        _hold(lock, presence)
        try:
            with _present(presence):
                _await_room(presence, watch, sleep)
                if presence.is_alone:
                    record_assembly.sweep_half_written(folder.path)
                    claims.bring_all_home(folder, presence)
                try:
                    yield presence
                finally:
                    claims.let_go(folder, presence)
        finally:
            if made and list(folder.path.iterdir()) == [folder.lock]:
                _take_away(folder, made)


@contextmanager
def known_in(
    store: Board | None,
    presence: Presence,
    *,
    watch: Watch = ignore,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[None]:
    """Let a run that holds its folder be the only one in the store that the folder stands for, if it does for one.

    Raises:
        ResultsError: Another run is at work there.
        MachineError: The store can't be reached.
    """
    if store is None:
        yield
        return
    there = Presence(folder=presence.folder, machine=presence.machine, clock=presence.clock, store=store)
    there.beat()
    with _beating(there):
        _await_room(there, watch, sleep)
        yield


def _hold(lock: IO[str], presence: Presence) -> None:
    try:
        file_locks.flock(lock, (file_locks.LOCK_EX if presence.is_alone else file_locks.LOCK_SH) | file_locks.LOCK_NB)
    except BlockingIOError as error:
        raise _refusal(presence, None) from error


def _refusal(presence: Presence, host: str | None) -> ResultsError:
    where = "" if host in (None, presence.machine.host) else f" on {host}"
    return ResultsError(
        f"{presence.folder.path}: another run{where} is writing here; wait for it, start both with --share, or "
        f"choose another folder with --results"
    )


@contextmanager
def _present(presence: Presence) -> Iterator[None]:
    presence.path.mkdir(parents=True)
    with (presence.path / "lock").open("w") as lock:
        file_locks.flock(lock, file_locks.LOCK_EX)
        presence.beat()
        with _beating(presence):
            yield


@contextmanager
def _beating(presence: Presence) -> Iterator[None]:
    over = threading.Event()
    thread = threading.Thread(target=_beat, args=(presence, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        with suppress(MachineError):
            # A store that is away: whoever comes next sees this run's pulse stand still.
            presence.leave()


def _beat(presence: Presence, over: threading.Event) -> None:
    while not over.wait(runs_at_work.BEAT_S):
        with suppress(OSError, MachineError):
            # The disk, or the store, may come back within the time of a lease.
            presence.beat()


def _await_room(presence: Presence, watch: Watch, sleep: Callable[[float], None]) -> None:
    """Return once no run is at work here that can't bear this one; wait where that isn't known yet.

    Raises:
        ResultsError: One is.
    """
    told: set[str] = set()
    while in_the_way := [token for token in presence.others() if not presence.bears(token)]:
        lives = {token: presence.life(token) for token in in_the_way}
        for token, life in lives.items():
            if life is Life.ALIVE:
                raise _refusal(presence, presence.host_of(token))
            if life is Life.DEAD:
                presence.forget(token)
            elif token not in told:
                told.add(token)
                watch(Remark(text=_waits(presence, token)))
        if Life.UNKNOWN in lives.values():
            sleep(_LOOK_S)


def _waits(presence: Presence, token: str) -> str:
    was = f"a run on {presence.host_of(token)} was at work here"
    return f"{presence.folder.path}: {was}; looking for {runs_at_work.LEASE_S:g} s whether it still is"


def _take_away(folder: MatrixFolder, made: Sequence[Path]) -> None:
    # Others may have put something there meanwhile, and the disk may refuse: then it stays.
    with suppress(OSError):
        folder.lock.unlink()
        for path in made:
            path.rmdir()


def _opened(folder: MatrixFolder) -> IO[str]:
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
        # To be read and written, as a network file system's shared locks need the one and exclusive ones the other.
        return folder.lock.open("a+")
    except files.WRONG_PATH as error:
        raise ResultsError(
            f"{folder.path}: can't be written ({error.strerror}); choose another folder with --results"
        ) from error
