"""What a notebook shows of results: the advice, a table, and a curve for each group."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from tabulate import tabulate

from harness import analysis, text_sanitising
from harness.analysis.cost_axes import Axis
from harness.analysis.tuner_style_lookup import styles
from harness.plots import anytime
from harness.prices import Prices
from harness.reports.report_types import TableSection

_MOST_CURVES = 4


def html(title: str, sentences: Sequence[str], section: TableSection | None, curves: Sequence[str]) -> str:
    """Return it all as one element; every text is escaped."""
    said = "".join(f"<li>{escape(text_sanitising.line(line))}</li>" for line in sentences)
    table = "" if section is None else tabulate(section.rows, section.columns, tablefmt="html", disable_numparse=True)
    heading = escape(text_sanitising.line(title))
    return f"<div><p><strong>{heading}</strong></p><ul>{said}</ul>{table}{''.join(curves)}</div>"


def curves(results: analysis.MatrixResults, *, prices: Prices) -> Iterator[str]:
    """Yield the picture of the mean incumbent over search seconds of each of the first groups, as SVG."""
    found = analysis.groups(results)
    looks = styles(found)
    with tempfile.TemporaryDirectory() as folder:
        for group in found[:_MOST_CURVES]:
            stem, title = Path(folder) / "curve", str(group.name)
            svg, _ = anytime.draw(group, stem, title=title, axis=Axis.WALL_S, looks=looks, prices=prices)
            yield _inline(svg.read_text("utf-8"))


def _inline(svg: str) -> str:
    """Return the picture without what only a file of its own may begin with."""
    return re.sub(r"\A.*?(?=<svg\b)", "", svg, flags=re.DOTALL)
