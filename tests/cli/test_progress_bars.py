from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from harness.cli.progress_bars import Display

NAME = "animals · EfficientNetLite0 · full · optuna-tpe+hyperband · seed 1"


def shown(width: int) -> str:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=width, height=24, markup=False, no_color=True)
    display = Display(console, auto_refresh=False)
    display.add_task("demo", total=12, completed=3, note=lambda: "about 12 [9, 15] min left", is_whole=True)
    display.add_task(NAME, total=120, completed=60, note="best macro-F1 0.512")
    display.add_task("trial 3", total=10, completed=5, note="")
    console.print(display)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 140, 200])
def test_times_counts_and_words_are_whole_and_lines_fit_at_any_width(width: int) -> None:
    text = shown(width)

    assert text.count("0:00:00") >= 3
    assert "…" not in text
    assert "..." not in text
    assert all(count in text for count in (" 3/12", " 60/120", " 5/10"))
    assert set(NAME.split()) <= set(text.split())
    assert " ".join(text.split()).count("about 12 [9, 15] min left") == 1
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width


def test_the_whole_run_has_one_forecast_only() -> None:
    assert shown(200).splitlines()[0].count(":") == 2  # of the time that has passed


@pytest.mark.parametrize(("width", "lines"), [(200, 3), (135, 3), (80, 6)])
def test_bars_stand_beside_their_names_where_there_is_room_and_beneath_elsewhere(width: int, lines: int) -> None:
    assert len(shown(width).splitlines()) == lines


def test_bars_are_ascii_where_nothing_else_is_read() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    console = Console(file=stream, force_terminal=True, width=80, markup=False)
    display = Display(console, auto_refresh=False)
    with display:
        display.add_task("demo", total=12, completed=3, note="", is_whole=True)
    stream.flush()

    assert b" 3/12" in raw.getvalue()
    raw.getvalue().decode("ascii")
