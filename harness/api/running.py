"""Run a matrix from Python."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from types import UnionType
from typing import SupportsFloat, get_args

from harness import matrix as matrices
from harness import prices as price_lists
from harness.api import given_paths
from harness.campaign import events
from harness.campaign import run as campaign
from harness.campaign.limits import Limits
from harness.campaign.run import Request, Run
from harness.errors import UserError
from harness.matrix import Matrix
from harness.placement.executor_choice import Start, Where


def load_matrix(path: str | Path) -> Matrix:
    """Read and judge a matrix file; whether data, weights and tuners are on this machine is not judged here.

    Raises:
        MatrixError: The matrix can't be run as written; its ``mistakes`` are one line each.
    """
    return _loaded(path, called="path")


def run(
    matrix: Matrix | str | Path,
    *,
    results: str | Path = given_paths.RESULTS,
    cache: str | Path | None = None,
    executor: str = "auto",
    image: str | None = None,
    gpus: Sequence[str] = (),
    at_once: int | None = None,
    start: Start = "warm",
    address: str | None = None,
    retry_failed: bool = False,
    mix_environments: bool = False,
    share: bool = False,
    max_hours: float | None = None,
    max_cost: float | None = None,
    prices: str | Path | None = None,
    watch: events.Watch = events.ignore,
) -> Run:
    """Run what is missing of a matrix, and return what became of its cells; finished ones are kept as they are.

    It prints nothing. It may be interrupted at any moment: finished searches and trials are kept, and the same call
    goes on from there. No tables are written: ``harness.load(run.path).write()`` does that.

    Args:
        matrix: What to run, its file, or the name of one that the harness brings, such as ``demo``.
        results: Folder that results go into, one folder for each matrix; or the URL of one in a store.
        cache: Folder for downloads, decoded images and activations; by default that of the user.
        executor: ``local`` processes, ``docker`` containers, ``slurm`` jobs, ``ray`` tasks, or ``auto``: containers
            where an engine and an image are. Else the file of your own, or ``package:NAME``.
        image: Image that containers run.
        gpus: UUIDs or indices of GPUs, or ``all``; of several each runs one cell.
        at_once: Cells that run side by side.
        start: How local processes begin: ``warm``, forked from one that has imported everything, or ``fresh``.
        address: Ray cluster that ``ray`` uses; by default ``HARNESS_RAY_ADDRESS``, or the one of this host.
        retry_failed: Whether cells that ended in failure are searched anew.
        mix_environments: Whether cells may run beside records of an unlike environment.
        share: Whether other calls, of this machine or others, may be at the same matrix in the same folder; each takes
            cells that no other has.
        max_hours: Hours after which the rest is left for a later call.
        max_cost: Dollars after which the rest is left for a later call.
        prices: Price file to use instead of the harness's own.
        watch: Called with each event (``harness.events``) as it happens.

    Raises:
        UserError: Matrix, data or options can't be followed as asked; says the way out.
        MachineError: The machine can't run it; says the way out.
    """
    _check_start(start)
    _check_limit("max_hours", max_hours)
    _check_limit("max_cost", max_cost)
    _check_kind("executor", executor, str, "a word or a path as text")
    _check_kind("address", address, str | None, "an address as text")
    _check_kind("at_once", at_once, int | None, "a whole number")
    _check_kind("retry_failed", retry_failed, bool, "True or False")
    _check_kind("mix_environments", mix_environments, bool, "True or False")
    _check_kind("share", share, bool, "True or False")
    if not callable(watch):
        raise UserError(f"watch = {watch!r}: give a function that takes an event")
    return campaign.run(
        matrix if isinstance(matrix, Matrix) else _loaded(matrix, called="matrix"),
        Request(
            results=given_paths.results(results),
            cache=given_paths.cache_folder(
                given_paths.default_cache() if cache is None else given_paths.given(cache, called="cache")
            ),
            where=Where(
                executor=executor,
                image=image,
                gpus=(gpus,) if isinstance(gpus, str) else tuple(gpus),
                at_once=at_once,
                start=start,
                address=address,
            ),
            prices=price_lists.load(None if prices is None else given_paths.given(prices, called="prices")),
            limits=Limits(max_hours=max_hours, max_cost=max_cost),
            retry_failed=retry_failed,
            mix_environments=mix_environments,
            share=share,
        ),
        watch=watch,
    )


def _loaded(path: object, *, called: str) -> Matrix:
    return matrices.load(given_paths.matrix_file(given_paths.given(path, called=called)))


def _check_start(start: str) -> None:
    # A word that nobody knows would else be taken for one of them.
    if start not in get_args(Start):
        raise UserError(f"start = {start!r}: give one of {', '.join(get_args(Start))}")


def _check_kind(name: str, value: object, kind: type | UnionType, wanted: str) -> None:
    # Any text is true, "no" too.
    if not isinstance(value, kind):
        raise UserError(f"{name} = {value!r}: give {wanted}")


def _check_limit(name: str, value: object) -> None:
    if value is not None and not (isinstance(value, SupportsFloat) and 0 < float(value) < math.inf):
        raise UserError(f"{name} = {value!r}: give a finite number above 0, or leave it out")
