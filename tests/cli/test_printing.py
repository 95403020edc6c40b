from __future__ import annotations

import io
import re
from collections.abc import Sequence

import pytest
from rich.console import Console

from harness.cli import printing
from harness.reports.report_types import TableSection

WIDTHS = (40, 60, 80, 100, 130)
PLAN = TableSection(
    heading="demo: 2 cells",
    columns=["cell", "what", "state", "epochs ≤", "seconds ≈"],
    rows=[
        ["0123abcd", "animals · EfficientNetLite0 · full · optuna-tpe+hyperband · seed 1", "pending", "120", "1234"],
        ["4567ef01", "animals · MobileNetV2 · full · default · seed 2", "completed", "10", "?"],
    ],
    text_columns=3,
)
RESULTS = TableSection(
    heading="animals, MobileNetV2, full",
    columns=["tuner", "seeds", "val F1", "test F1", "search s", "USD", "speed-up"],
    rows=[["optuna-tpe+hyperband", "3", "0.888 ± 0.060", "0.858 ± 0.056", "2.57", "7.19e-05", "4.43× [0.08×, 241×]"]],
    optional=("USD", "speed-up", "val F1"),
)


def at(width: int, *, is_terminal: bool = False, encoding: str = "utf-8") -> Console:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    return Console(file=stream, width=width, markup=False, highlight=False, force_terminal=is_terminal, no_color=True)


def text_of(console: Console) -> str:
    console.file.flush()
    raw = console.file.buffer.getvalue()  # type: ignore[attr-defined] # of a wrapper around bytes
    return re.sub(r"\x1b\[[0-9;]*m", "", raw.decode(console.encoding))


def printed(section: TableSection, width: int, *, encoding: str = "utf-8") -> str:
    console = at(width, encoding=encoding)
    printing.table(section, on=console)
    return text_of(console)


def words(texts: Sequence[str]) -> set[str]:
    return {word for text in texts for word in text.split()}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("section", [PLAN, RESULTS], ids=["plan", "results"])
def test_no_word_is_broken_and_no_line_too_long_at_any_width(section: TableSection, width: int) -> None:
    text = printed(section, width)

    shown = set(text.replace(": ", " ").split())
    kept = [index for index, column in enumerate(section.columns) if column not in section.optional]
    assert words([row[index] for row in section.rows for index in kept]) <= shown | {
        word.rstrip(":") for word in text.split()
    }
    assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("width", WIDTHS)
def test_the_beginning_of_an_id_stands_whole_at_any_width(width: int) -> None:
    assert "0123abcd" in printed(PLAN, width)
    assert "4567ef01" in printed(PLAN, width)


@pytest.mark.parametrize(("width", "left_out"), [(130, 0), (99, 0), (98, 1), (80, 2), (60, 3)])
def test_columns_are_left_out_one_by_one_as_a_terminal_grows_narrow(width: int, left_out: int) -> None:
    console = at(width)

    assert printing.table(RESULTS, on=console) == left_out
    shown = [column for column in RESULTS.optional if column in text_of(console)]
    assert shown == list(RESULTS.optional[left_out:])


def test_numbers_are_never_wrapped() -> None:
    for width in WIDTHS:
        assert "0.858 ± 0.056" in printed(RESULTS, width)


def test_where_there_is_no_room_for_a_table_rows_are_keys_and_values() -> None:
    assert printed(RESULTS, 40).splitlines() == [
        "animals, MobileNetV2, full",
        "",
        "tuner: optuna-tpe+hyperband",
        "  seeds: 3",
        "  test F1: 0.858 ± 0.056",
        "  search s: 2.57",
        "",
    ]


def test_a_word_that_is_longer_than_a_line_stays_whole() -> None:
    path = "/a/" + "very-long" * 20
    section = TableSection(heading="", columns=["what", "found"], rows=[["disk", f"free for {path}"]], text_columns=2)

    assert path in printed(section, 60).splitlines()[-2]


def test_a_table_without_rows_is_its_head() -> None:
    section = TableSection(heading="0 trials", columns=["trial", "outcome"], rows=[])

    assert printed(section, 80).split()[:4] == ["0", "trials", "trial", "outcome"]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_columns_are_aligned_in_every_encoding(encoding: str) -> None:
    section = TableSection(
        heading="größe", columns=["tuner", "F1", "epochs"], rows=[["a·b", "0.5 ± 0.1", "∞"], ["日", "—", "120"]]
    )

    lines = [line for line in printed(section, 80, encoding=encoding).splitlines() if line.strip()]

    assert len({len(line.rstrip()) for line in lines[3:]}) == 1


def test_names_do_nothing_to_a_terminal_and_are_no_markup() -> None:
    section = TableSection(heading="\x1b[2J", columns=["tuner"], rows=[["[red]a[/red]\u202e:dog:"]])

    text = printed(section, 80)

    assert r"\x1b[2J" in text
    assert r"[red]a[/red]\u202e:dog:" in text


def test_lines_are_broken_between_words_on_a_terminal_and_not_at_all_in_a_file() -> None:
    path = "/p" * 40
    terminal, file = at(30, is_terminal=True), at(30)

    for console in (terminal, file):
        printing.say(f"some words that are more than thirty characters, and {path}", on=console)

    assert path in text_of(terminal).splitlines()
    assert text_of(file).count("\n") == 1


def test_the_width_of_a_file_may_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert printing.console().width > 120
    monkeypatch.setenv("COLUMNS", "60")
    assert printing.console().width == 60
    monkeypatch.setenv("COLUMNS", "0")
    assert printing.console().width > 120


def test_what_is_set_in_stays_so_where_a_line_is_broken() -> None:
    console = at(30, is_terminal=True)

    printing.say("  batch_size: choices 16, 32 and 64", on=console)

    assert text_of(console).splitlines() == ["  batch_size: choices 16, 32", "    and 64"]
