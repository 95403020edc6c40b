from __future__ import annotations

import csv
import io
import math

from harness.reports import rendering
from harness.reports.report_types import CsvValue, Report, TableSection


def _report(*rows: tuple[str, str], notes: tuple[str, ...] = ()) -> Report:
    sections = [TableSection(heading="a_1, b & c", columns=["na_me", "x|y"], rows=rows)] if rows else []
    return Report(
        name="r", title="T", sections=sections, notes=notes, columns=["name", "value"], rows=[], empty="Nothing."
    )


def test_no_sections_say_so_in_one_line() -> None:
    assert rendering.markdown(_report()) == "# T\n\nNothing.\n"
    assert "Nothing." in rendering.latex(_report())


def test_markdown_escapes_what_would_break_a_table() -> None:
    text = rendering.markdown(_report(("a|b\nc", "*x* _y_ [z](u) <b> `c` &amp; 5 & 6")))
    row = text.splitlines()[-1]
    assert r"a\|b c" in row
    assert r"\*x\* \_y\_ \[z](u) \<b\> \`c\` \&amp; 5 & 6" in row


def test_markdown_leaves_names_with_underscores_readable() -> None:
    assert "efficientnet_b0" in rendering.markdown(_report(("efficientnet_b0", "1")))


def test_latex_escapes_what_would_break_a_table() -> None:
    text = rendering.latex(_report((r"50_% & $x^2$ #1 {a} \b ~ | <", "ü"), notes=("100 % of a_b & c < d",)))
    assert r"50\_\% \& \$x\^{}2\$ \#1 \{a\} \textbackslash{}b \textasciitilde{} \textbar{} \ensuremath{<}" in text
    assert r"\item 100 \% of a\_b \& c \textless{} d" in text
    assert r"\caption{a\_1, b \& c}" in text
    assert r"na\_me" in text


def test_wide_characters_do_not_change_the_columns_by_machine() -> None:
    lines = rendering.markdown(_report(("日本", "1"), ("ab", "2"))).splitlines()
    assert lines[-2].startswith("| 日本    |")


def test_csv_tells_unknown_never_and_zero_apart() -> None:
    rows: list[dict[str, CsvValue]] = [
        {"name": 'a,b\n"c"', "value": 0.1 + 0.2},
        {"value": math.inf},
        {"name": "z", "value": 0},
    ]
    report = Report(name="r", title="T", sections=[], notes=[], columns=["name", "value"], rows=rows)
    text = rendering.spreadsheet(report)
    assert list(csv.reader(io.StringIO(text))) == [
        ["name", "value"],
        ['a,b "c"', "0.3"],
        ["", "inf"],
        ["z", "0"],
    ]
    assert "\r" not in text


def test_no_form_holds_what_moves_turns_or_hides_letters() -> None:
    report = Report(
        name="r",
        title="T\u202e",
        sections=[TableSection(heading="h\x1b[2J", columns=["x\u200b"], rows=[["a\x1b\u202e"]], notes=["n\x07"])],
        notes=["\x9b"],
        columns=["name\x1b"],
        rows=[{"name\x1b": "a\x1b[2J\u202eb"}],
    )

    for form in (rendering.markdown, rendering.latex, rendering.spreadsheet):
        assert all(line.isprintable() for line in form(report).splitlines())
    assert r"a\x1b[2J\u202eb" in rendering.spreadsheet(report)
