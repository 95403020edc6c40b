from __future__ import annotations

from pathlib import Path

from harness.plots import figures

NASTY = "\x1b[2J\u202eb"


def test_names_and_notes_in_pictures_are_printable(tmp_path: Path) -> None:
    with figures.figure("title") as (made, axes):
        figures.say(axes, NASTY)
        figures.note(made, [NASTY, "two\nlines"])
        svg, _ = figures.save(made, tmp_path / "a")

    text = svg.read_text("utf-8")
    assert "\u202e" not in text
    assert text.count(r"\x1b[2J\u202eb") == 2
    assert r"two\nlines" in text


def test_a_short_name_is_printable() -> None:
    assert figures.short(NASTY) == r"\x1b[2J\u202eb"
    assert figures.short("\u202e" * 20) == (r"\u202e" * 20)[:39] + "…"
