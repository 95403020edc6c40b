from __future__ import annotations

import pytest

from harness import text_sanitising

ORDINARY = ["", "a b", "größe", "日本語", "ñandú · 0.5 ± 0.1", "🐶", "a\\b"]
SPELT = {
    "\x1b[31mred": r"\x1b[31mred",
    "a\nb\r\tc": r"a\nb\r\tc",
    "\x07\x00\x7f\x9b": r"\x07\x00\x7f\x9b",
    "gnp.\u202etxt": r"gnp.\u202etxt",
    "\u2066left\u2069": r"\u2066left\u2069",
    "di\u200bgits\ufeff\u00ad": r"di\u200bgits\ufeff\xad",
    "one\u2028two\u2029three\x85": r"one\u2028two\u2029three\x85",
    "a\u00a0b": r"a\xa0b",
    "\udcff": r"\udcff",
    "\U000e0041": r"\U000e0041",
}


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert text_sanitising.line(text) == text_sanitising.lines(text) == text


@pytest.mark.parametrize("text", SPELT)
def test_what_moves_turns_or_hides_is_spelt_out(text: str) -> None:
    assert text_sanitising.line(text) == SPELT[text]
    assert text_sanitising.line(text_sanitising.line(text)) == SPELT[text]


@pytest.mark.seconds
def test_no_character_at_all_is_left_unprintable() -> None:
    every = "".join(map(chr, range(0x110000)))

    assert text_sanitising.line(every).isprintable()
    assert text_sanitising.lines(every).replace("\n", "").replace("\t", "").isprintable()


def test_lines_keep_their_ends_and_tabs_and_nothing_else() -> None:
    assert text_sanitising.lines("a\n\tb\r\n\x1bc") == "a\n\tb\\r\n\\x1bc"
