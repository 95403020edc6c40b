from __future__ import annotations

import io
import subprocess
import sys
from typing import TYPE_CHECKING

from rich.console import Console

from harness import carbon, reports
from harness.analysis import Results
from harness.prices import Prices

if TYPE_CHECKING:
    from tests.analysis.conftest import Made

INTENSITY = carbon.load()


def _printed(results: Results, price_list: Prices) -> str:
    stream = io.StringIO()
    Console(file=stream, width=200, force_terminal=False).print(
        reports.terminal(reports.rendered(reports.made(results, prices=price_list, carbon=INTENSITY)).shown)
    )
    return stream.getvalue()


def test_a_terminal_shows_every_row_and_every_note(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)], "untuned", kind="default")
    made.plan("random")
    text = _printed(made.results(), price_list)
    assert "untuned" in text
    assert "0 (1 missing)" in text
    assert "not run yet" in text
    assert "Holds for: device cpu" in text


def test_square_brackets_in_names_are_no_markup(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)], "[red]x[/red]")
    assert "[red]x[/red]" in _printed(made.results(), price_list)


def test_an_empty_plan_is_said(made: Made, price_list: Prices) -> None:
    assert "No searches were planned." in _printed(made.results(), price_list)


def test_importing_the_tables_loads_no_numeric_library() -> None:
    code = (
        "import sys, harness.reports, harness.analysis, harness.prices; "
        "print([m for m in ('numpy', 'scipy', 'rich', 'tensorflow', 'keras', 'optuna') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_of_very_many_groups_a_terminal_shows_the_first_and_says_so(made: Made, price_list: Prices) -> None:
    for index in range(21):
        made.search([made.trial(0, 0.5)], dataset=f"data-{index}")
    text = _printed(made.results(), price_list)
    assert "data-19" in text
    assert "data-20" not in text
    assert "Shown are 20 of 21 groups; the files hold all." in text
