"""A report as Markdown, LaTeX and CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

import tabulate

from harness import text_sanitising
from harness.reports.report_types import CsvValue, Report, TableSection

# Only what would be read as markup: an underscore within a word or a bracket without a link is harmless.
_MARKDOWN = re.compile(r"[\\|*`<>]|~(?=~)|\[(?=[^\]]*\]\()|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)")
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{character: f"\\{character}" for character in "#$%&_{}"},
}
# tabulate escapes what LaTeX forbids, but not what the usual font encoding shows as something else.
_LATEX_FONT = {
    "\N{MINUS SIGN}": "$-$",
    "|": r"\textbar{}",
    "—": "---",
    "∞": r"$\infty$",
    "×": r"$\times$",
    "±": r"$\pm$",
}
_LATEX |= {"<": r"\textless{}", ">": r"\textgreater{}"}


def markdown(report: Report) -> str:
    """Return the report for a terminal or a README."""
    blocks = [f"# {_markdown(report.title)}"]
    for section in report.sections:
        blocks += [f"## {_markdown(section.heading)}", _markdown_table(section), _bullets(section.notes)]
    if not report.sections:
        blocks.append(_markdown(report.empty))
    blocks.append(_bullets(report.notes))
    return "\n\n".join(block for block in blocks if block) + "\n"


def latex(report: Report) -> str:
    """Return the report as tables for a paper that loads ``booktabs``."""
    blocks = [f"% {_one_line(report.title)}"]
    for section in report.sections:
        blocks += [_latex_table(section), _items(section.notes)]
    if not report.sections:
        blocks.append(_latex(report.empty))
    blocks.append(_items(report.notes))
    return "\n\n".join(block for block in blocks if block) + "\n"


def spreadsheet(report: Report) -> str:
    """Return every number with twelve digits as CSV: an empty cell is unknown, ``inf`` was never reached."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(map(_csv, report.columns))
    writer.writerows([_csv(row.get(column)) for column in report.columns] for row in report.rows)
    return stream.getvalue()


def _markdown_table(section: TableSection) -> str:
    rows = [[_markdown(cell) for cell in row] for row in section.rows]
    heads = [_markdown(column) for column in section.columns]
    return _tabulated(rows, heads, section, tablefmt="github")


def _latex_table(section: TableSection) -> str:
    rows = [[_one_line(cell) for cell in row] for row in section.rows]
    table = _tabulated(rows, list(map(_one_line, section.columns)), section, tablefmt="latex_booktabs")
    caption = f"\\caption{{{_latex(section.heading)}}}"
    return f"\\begin{{table}}[htbp]\n\\centering\n{caption}\n{_for_fonts(table)}\n\\end{{table}}"


def _tabulated(rows: list[list[str]], heads: list[str], section: TableSection, *, tablefmt: str) -> str:
    before = tabulate.WIDE_CHARS_MODE, tabulate.MIN_PADDING
    # Widths would otherwise depend on whether an unrelated package, wcwidth, happens to be installed; a terminal is
    # narrow. tabulate takes both from its module alone.
    tabulate.WIDE_CHARS_MODE, tabulate.MIN_PADDING = False, 0
    try:
        return tabulate.tabulate(rows, heads, tablefmt=tablefmt, disable_numparse=True, colalign=_align(section))
    finally:
        tabulate.WIDE_CHARS_MODE, tabulate.MIN_PADDING = before


def _align(section: TableSection) -> list[str]:
    return ["left" if index < section.text_columns else "right" for index in range(len(section.columns))]


def _bullets(notes: Sequence[str]) -> str:
    return "\n".join(f"- {_markdown(note)}" for note in notes)


def _items(notes: Sequence[str]) -> str:
    if not notes:
        return ""
    items = "\n".join(f"\\item {_latex(note)}" for note in notes)
    return f"\\begin{{itemize}}\n\\footnotesize\n{items}\n\\end{{itemize}}"


def _markdown(text: str) -> str:
    return _MARKDOWN.sub(lambda found: f"\\{found[0]}", _one_line(text))


def _latex(text: str) -> str:
    return _for_fonts("".join(_LATEX.get(character, character) for character in _one_line(text)))


def _for_fonts(text: str) -> str:
    return "".join(_LATEX_FONT.get(character, character) for character in text)


def _one_line(text: str) -> str:
    return text_sanitising.line(" ".join(text.split()))


def _csv(value: CsvValue) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return _one_line(value)
    return f"{value:.12g}"
