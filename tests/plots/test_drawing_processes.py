from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from operator import truediv
from pathlib import Path
from subprocess import PIPE, Popen
from typing import TYPE_CHECKING, Any

import pytest

from harness import plots, prices
from harness.errors import ResultsError
from harness.plots.drawing_processes import here
from harness.results_folder import MatrixFolder

if TYPE_CHECKING:
    from tests.analysis.conftest import Made

PRICES = prices.load()
GROUPS = 4
IMPORTS = "from harness import plots; from harness.results_folder import MatrixFolder"


# Only what any Python has: other processes can't import the tests.
_BROKEN: Any = partial(truediv, 1, 0)


class _Watched:
    """A work that notes the threads that pickled it."""

    def __init__(self) -> None:
        self.pickled_in: list[threading.Thread] = []

    def __reduce__(self) -> tuple[Any, ...]:
        self.pickled_in.append(threading.current_thread())
        return partial, (str.split, "a.svg a.png")

    def __call__(self) -> list[Path]:
        raise AssertionError("was drawn by this process")


@pytest.fixture
def many(made: Made, monkeypatch: pytest.MonkeyPatch) -> MatrixFolder:
    """As many groups as are drawn by other processes, on a machine that has the cores for it."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    for number in range(GROUPS):
        made.search([made.trial(0, 0.2, 0.5 + number / 10)], dataset=f"Füchse {number}")
    made.results()
    return made.folder


def test_works_done_here_wait_until_they_are_asked_for() -> None:
    names = iter(["a", "b"])
    wait = here([lambda: [Path(next(names))]] * 2)

    assert next(names) == "a"
    names = iter(["c", "d"])
    assert wait() == [Path("c"), Path("d")]


def test_few_groups_are_drawn_by_this_process(made: Made) -> None:
    made.search([made.trial(0, 0.5)])
    made.results()

    with plots.drawers(made.folder) as drawer:
        assert drawer is here


def test_one_core_draws_many_groups_by_this_process(many: MatrixFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)

    with plots.drawers(many) as drawer:
        assert drawer is here


def test_a_folder_without_a_plan_has_nobody_to_draw(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"plan\.json: no such file"), plots.drawers(MatrixFolder(tmp_path)):
        pass


@pytest.mark.seconds
def test_a_folder_that_matplotlib_can_not_write_to_is_no_news_of_its_own(made: Made, tmp_path: Path) -> None:
    made.search([made.trial(0, 0.5)])
    made.results()
    (tmp_path / "file").write_text("in the way")
    code = "with plots.drawers(MatrixFolder(pathlib.Path(sys.argv[1]))): import matplotlib"

    called = subprocess.run(
        [sys.executable, "-c", f"import pathlib, sys\n{IMPORTS}\n{code}", str(made.folder.path)],
        env={**os.environ, "MPLCONFIGDIR": str(tmp_path / "file" / "fonts")},
        capture_output=True,
        check=True,
        text=True,
    )

    assert called.stderr == ""


@pytest.mark.slow
def test_many_groups_drawn_by_other_processes_look_as_those_drawn_here(made: Made, many: MatrixFolder) -> None:
    def drawn() -> dict[str, bytes]:
        with plots.drawers(many) as drawer:
            written = plots.begin(many, made.results(), prices=PRICES, drawer=drawer)()
        return {path.relative_to(many.plots).as_posix(): path.read_bytes() for path in written}

    by_others = drawn()
    here_paths = plots.write(many, made.results(), prices=PRICES)

    assert {path.relative_to(many.plots).as_posix(): path.read_bytes() for path in here_paths} == by_others
    assert len({name.split("/")[0] for name in by_others if "/" in name}) == GROUPS


@pytest.mark.slow
def test_what_other_processes_draw_is_settled_when_it_is_begun(many: MatrixFolder) -> None:
    work = _Watched()

    with plots.drawers(many) as drawer:
        assert list(map(str, drawer([work])())) == ["a.svg", "a.png"]

    # A thread would pickle what this one changes at the same time.
    assert work.pickled_in == [threading.current_thread()]


@pytest.mark.slow
def test_what_breaks_in_another_process_breaks_here(many: MatrixFolder) -> None:
    with plots.drawers(many) as drawer, pytest.raises(ZeroDivisionError):
        drawer([_BROKEN])()


@pytest.mark.slow
def test_works_still_waiting_are_dropped_when_the_reports_are_given_up(many: MatrixFolder, tmp_path: Path) -> None:
    works: list[Any] = [partial(time.sleep, 1), *(partial((tmp_path / f"{number}").touch) for number in range(100))]

    def given_up() -> None:
        with plots.drawers(many) as drawer:
            drawer([works[0]] * 4 + works[1:])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        given_up()

    assert not (tmp_path / "99").exists()


_INTERRUPTED = """
import sys, time
from functools import partial
from pathlib import Path
from harness import plots
from harness.results_folder import MatrixFolder

begun = Path(sys.argv[2])
try:
    with plots.drawers(MatrixFolder(Path(sys.argv[1]))) as drawer:
        print("starting", flush=True)
        drawer([begun.touch, *[partial(time.sleep, 600)] * 4])()
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["while they start", "while they draw"])
def test_ctrl_c_ends_other_processes_at_once_and_without_a_word(
    many: MatrixFolder, tmp_path: Path, moment: str
) -> None:
    begun = tmp_path / "begun"
    arguments = [sys.executable, "-c", _INTERRUPTED, str(many.path), str(begun)]
    with Popen(arguments, stdout=PIPE, stderr=PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "starting\n"
        while moment == "while they draw" and not begun.exists():
            time.sleep(0.05)
        # As a terminal does: to the whole group of processes.
        os.killpg(process.pid, signal.SIGINT)
        assert process.communicate(timeout=60) == ("interrupted\n", "")
