from __future__ import annotations

import pytest

from harness.cli import final_table
from harness.reports.report_types import Report, TableSection

NOTES = [f"Note {number} says something that fills most of a line of eighty characters." for number in range(9)]


def report(*, notes: list[str], own: tuple[str, ...] = (), groups: int = 1) -> Report:
    section = TableSection(heading="digits", columns=["tuner", "F1", "USD"], rows=[["a", "0.5", "1"]], notes=own)
    return Report(
        name="efficiency", title="T", sections=[section] * groups, notes=notes, columns=(), rows=(), empty="Nothing."
    )


@pytest.fixture(autouse=True)
def _eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def beneath(shown: Report, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What is printed beneath the last table."""
    final_table.show(shown)
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    return [line for line in lines[len(lines) - lines[::-1].index("") :] if line]


def test_few_notes_are_told_in_full_and_nothing_more(capsys: pytest.CaptureFixture[str]) -> None:
    assert beneath(report(notes=NOTES[:2], own=("Target: 0.5.",)), capsys) == ["Target: 0.5.", *NOTES[:2]]


def test_no_notes_are_no_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert beneath(report(notes=[]), capsys) == []


def test_many_notes_fit_on_five_lines_and_the_file_with_the_rest_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    lines = beneath(report(notes=NOTES, own=("Target: 0.5.", "Own.", "Left.")), capsys)

    assert lines == ["Target: 0.5.", "Own.", *NOTES[:2], "More in tables/efficiency.md: 8 notes."]


@pytest.mark.parametrize("own", [(), ("word " * 60,), (NOTES[0], NOTES[1], "word " * 60)])
@pytest.mark.parametrize("note", ["word " * 100, "x" * 500, NOTES[0]])
@pytest.mark.parametrize("columns", ["80", "100", "130"])
def test_whatever_the_notes_they_fit_on_five_lines(
    own: tuple[str, ...], note: str, columns: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)

    lines = beneath(report(notes=[note, *NOTES], own=own), capsys)

    assert len(lines) <= 5
    assert max(map(len, lines)) <= int(columns)
    assert lines[-1].startswith("More in tables/efficiency.md: ")


def test_a_first_note_that_is_too_long_is_cut_between_words_and_counted_as_untold(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = beneath(report(notes=["word " * 100]), capsys)

    assert lines[-2].endswith("word …")
    assert lines[-1] == "More in tables/efficiency.md: 1 note."


def test_columns_that_had_no_room_are_counted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    section = TableSection(heading="", columns=["tuner", "x" * 40], rows=[["a", "1"]], optional=("x" * 40,))

    final_table.show(Report(name="efficiency", title="T", sections=[section], notes=[], columns=(), rows=()))

    assert "More in tables/efficiency.md: 1 column.\n" in capsys.readouterr().out


def test_no_table_at_all_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    final_table.show(report(notes=["Note."], groups=0))

    assert capsys.readouterr().out.splitlines() == ["Nothing.", "Note."]
