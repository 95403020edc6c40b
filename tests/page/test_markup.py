from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.page import markup
from harness.page.markup import TableColumn, TableRow, Value


@example(["</script >&<!--<script", "\u2028"])
@given(
    st.recursive(st.text() | st.integers() | st.booleans() | st.none(), lambda s: st.lists(s, max_size=4), max_leaves=8)
)
def test_embedded_data_never_ends_its_element_and_reads_back_the_same(value: object) -> None:
    text = markup.embedded(value)
    assert text.isascii()
    assert not set("<>&") & set(text)
    assert json.loads(text) == value


def test_numbers_that_json_has_no_word_for_are_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        markup.embedded([float("nan")])


def test_markup_in_names_is_shown_as_it_is() -> None:
    text = markup.table(
        "t",
        label='a "label"',
        columns=[TableColumn(label="<b>")],
        rows=[TableRow(cells=['<i>&"{0}'], data={"tuner": 'x" onclick="y'}, link='#" onclick="z')],
    )
    assert "<i>" not in text
    assert "<b>" not in text
    assert ' onclick="' not in text
    assert "&lt;i&gt;&amp;&quot;{0}" in text


def test_a_button_keeps_braces_of_names() -> None:
    text = markup.table(
        "t", label="l", columns=[TableColumn(label="c")], rows=[TableRow(cells=["{}"], button=" {x} of {0}")]
    )
    assert "{}<span" in text
    assert " {x} of {0}</span>" in text


def test_unknown_numbers_have_nothing_to_sort_by() -> None:
    rows = [TableRow(cells=[Value(text="—")]), TableRow(cells=[Value(text="never", sort=float("inf"))])]
    text = markup.table("t", label="l", columns=[TableColumn(label="c")], rows=rows)
    assert text.count("data-v") == 1
    assert 'data-v="inf"' in text


def test_nothing_to_list_is_no_list() -> None:
    assert markup.listed([]) == ""


def test_what_people_see_of_data_is_printable_and_the_rest_of_it_the_same() -> None:
    value = {"a\u202eb": ["\x1b[2J", "two\nlines", 0.5, None, True, ("größe", 3)]}

    assert markup.shown(value) == {r"a\u202eb": [r"\x1b[2J", "two\nlines", 0.5, None, True, ["größe", 3]]}


def test_what_stands_between_tags_is_printable() -> None:
    assert markup.escaped("<\u202e\x1b>\n") == "&lt;\\u202e\\x1b&gt;\n"
