"""The page as one file: template, style, script and data put together."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from string import Template

from harness import files
from harness.analysis import Group, MatrixResults, SearchResult, Status, groups, statistics
from harness.analysis.statistics import Judged
from harness.analysis.tuner_style_lookup import styles
from harness.page import (
    curve_data,
    dataset_sections,
    forest,
    headline,
    markup,
    provenance,
    search_rows,
    summary_sentences,
    tuner_table,
)
from harness.prices import Prices
from harness.reports import efficiency
from harness.reports.numerals import MoneyUnit
from harness.reports.report_types import Report, TableSection
from harness.results_folder import MatrixFolder
from harness.tuner_plot_styles import Style

# Of a table of more columns than the first number, so many are shown at once.
_MOST_COLUMNS, _COLUMNS = 9, 7

NAME = "report.html"
"""What the page is called within the matrix's folder."""

_SCRIPTS = ("numbers.js", "tables.js", "scales.js", "chart.js", "curves.js", "forest.js", "cells.js", "main.js")


def write(
    folder: MatrixFolder, results: MatrixResults, *, reports: Sequence[Report], prices: Prices, matrix_text: str | None
) -> Path:
    """Write the page of a matrix and return its path; the same records, prices and text give the same bytes.

    ``reports`` are the tables of these results, the first of which the page shows in a form of its own.
    ``matrix_text`` is what the matrix's file holds, None where it is not at hand.
    """
    path = folder.path / NAME
    files.write_atomically(
        path, page(folder, results, reports=reports, prices=prices, matrix_text=matrix_text).encode()
    )
    return path


def page(
    folder: MatrixFolder, results: MatrixResults, *, reports: Sequence[Report], prices: Prices, matrix_text: str | None
) -> str:
    """Return the page: HTML that asks for nothing outside itself, and forbids itself to."""
    found = groups(results)
    style = _asset("page.css") + _colours(styles(found))
    script = '"use strict";\n(() => {\n' + "\n".join(_asset(name) for name in _SCRIPTS) + "\n})();\n"
    return Template(_asset("page.html")).substitute(
        title=markup.escaped(folder.path.name),
        score=markup.escaped(results.score),
        policy=f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}",
        style=style,
        script=script,
        **_results(folder, results, found, prices),
        **_reports(reports),
        repeat=provenance.repeat(folder.path.name, matrix_text, results.cells),
    )


def _results(folder: MatrixFolder, results: MatrixResults, found: Sequence[Group], prices: Prices) -> dict[str, str]:
    made = statistics.judged(results, prices=prices)
    scopes = forest.scopes(made, prices=prices)
    looks, folds = styles(found), search_rows.folds(results.cells)
    money = tuner_table.money_of(found, prices)
    data = {
        **_curves(results, found, looks, prices, money),
        "forest": forest.document(scopes, made, money=money),
        "searches": search_rows.document(folds, folder, prices=prices, money=money, score=results.score),
    }
    return {
        "headline": _headline(made, results.score),
        "grounds": markup.facts(headline.grounds(results, made)),
        "forests": forest.sections(scopes, made, looks, score=results.score),
        "lead": markup.escaped(_lead(results)),
        "overall": _overall(made, results.score),
        "summary": "".join(_summary(group, made, prices) for group in found),
        "tuners": tuner_table.table(made, looks, prices=prices, score=results.score),
        "problems": _problems(results),
        "searches": search_rows.table(folds, looks, score=results.score),
        "images": dataset_sections.sections(results),
        "environment": provenance.environment(results.cells, prices=prices),
        "data": markup.embedded(markup.shown(data)),
    }


def _reports(made: Sequence[Report]) -> dict[str, str]:
    first, *others = made
    best = replace(first, title=efficiency.BEST, sections=[s for s in first.sections if _is_best(s)], notes=[])
    return {
        "notes": markup.listed(
            [*_ORDER, *(note for note in first.notes if note != efficiency.ORDER), *_section_notes(first)]
        ),
        "reports": "".join(_report(report) for report in [best, *others]),
    }


_ORDER = (
    "In each group random search and no tuning stand first, then the others by their gain; costs are means per search.",
)


def _is_best(section: TableSection) -> bool:
    return section.heading.startswith(efficiency.BEST)


def _section_notes(report: Report) -> list[str]:
    return [f"{section.heading}: {note}" for section in report.sections for note in section.notes]


def _curves(
    results: MatrixResults, found: Sequence[Group], looks: Mapping[str, Style], prices: Prices, money: MoneyUnit
) -> dict[str, object]:
    return {
        "axes": curve_data.axes(money),
        "score": results.score,
        "scores": curve_data.scores(results.score),
        "groups": curve_data.document(found, prices=prices, money=money),
        "styles": {name: {"dash": look.dash, "marker": look.marker} for name, look in looks.items()},
    }


def _lead(results: MatrixResults) -> str:
    parts = [summary_sentences.ended(results.searches)]
    if results.retrainings:
        parts.append(summary_sentences.ended(results.retrainings, "retraining", "retrainings"))
    days = provenance.when(results.cells)
    return "; ".join([*parts, *([f"run on {days}"] if days is not None else [])])


def _headline(made: Judged, score: str) -> str:
    first, *others = headline.sentences(made, score=score)
    said = "".join(f"<p>{_unbroken(sentence)}</p>" for sentence in others)
    return f'<p class="verdict">{_unbroken(first)}</p>{said}'


def _overall(made: Judged, score: str) -> str:
    said = summary_sentences.overall(made, score=score)
    items = "".join(f"<li>{_unbroken(sentence)}</li>" for sentence in said)
    heading = "<h3>All groups together</h3>"
    return f'<section class="overall">{heading}<ul>{items}</ul></section>' if said else ""


def _summary(group: Group, made: Judged, prices: Prices) -> str:
    heading = markup.escaped(str(group.name))
    data = "".join(f' data-{part}="{markup.escaped(called)}"' for part, called in group.name._asdict().items())
    said = "".join(
        f"<li>{_unbroken(sentence)}</li>" for sentence in summary_sentences.sentences(group, made, prices=prices)
    )
    return f"<section{data}><h3>{heading}</h3><ul>{said}</ul></section>"


def _unbroken(sentence: str) -> str:
    """Return a sentence in which no line ends between a number and its unit."""
    return re.sub(r"(?<=\d) (?=s\b|search s\b|%)|(?<=search) (?=s\b)", "&nbsp;", markup.escaped(sentence))


def _problems(results: MatrixResults) -> str:
    bad = search_rows.problems(results.cells)
    others = [f"Left out: {results.left_out} records of other versions of the matrix."] if results.left_out else []
    if not bad:
        again = f" and {_well(results.retrainings)} retrainings" if results.retrainings else ""
        bad = f"<p>None: {_well(results.searches)} planned searches{again} ended well.</p>"
    return bad + markup.listed(others)


def _well(cells: Sequence[SearchResult]) -> str:
    return f"{sum(cell.status is Status.OK for cell in cells)} of {len(cells)}"


def _report(report: Report) -> str:
    inner = "".join(
        f"<h4>{markup.escaped(section.heading)}</h4>{_section(report, number)}{markup.listed(section.notes)}"
        for number, section in enumerate(report.sections)
    )
    empty = "" if report.sections else f"<p>{markup.escaped(report.empty)}</p>"
    return markup.folded(report.title, f"{inner}{empty}{markup.listed(report.notes)}", name=f"report-{report.name}")


def _section(report: Report, number: int) -> str:
    section = report.sections[number]
    columns = [
        markup.TableColumn(
            label=label,
            numeric=place >= section.text_columns,
            extra=len(section.columns) > _MOST_COLUMNS and place >= _COLUMNS,
        )
        for place, label in enumerate(section.columns)
    ]
    return markup.table(
        f"report-{report.name}-{number}",
        label=f"{report.title}: {section.heading}",
        columns=columns,
        rows=[markup.TableRow(cells=list(row)) for row in section.rows],
    )


def _colours(looks: Mapping[str, Style]) -> str:
    """Return a class for each tuner, numbered in the order of the matrix, in light and in dark."""
    light = "".join(f".tuner-{number}{{--ink:{style.light}}}" for number, style in enumerate(looks.values()))
    dark = "".join(f".tuner-{number}{{--ink:{style.dark}}}" for number, style in enumerate(looks.values()))
    return f"\n{light}\n@media screen and (prefers-color-scheme: dark){{{dark}}}\n"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _asset(name: str) -> str:
    return resources.files("harness.page").joinpath("assets", name).read_text(encoding="utf-8")
