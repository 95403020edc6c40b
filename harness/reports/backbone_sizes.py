"""The backbones of the matrix: their size as published, and what of them was trained."""

from __future__ import annotations

from collections.abc import Sequence

from harness.analysis import MatrixResults, SearchResult
from harness.catalogue import backbones
from harness.record_schema import BuiltTable
from harness.reports import table_notes
from harness.reports.numerals import UNKNOWN
from harness.reports.report_types import CsvValue, Report, TableSection

COLUMNS = (
    *("backbone", "model", "train", "alpha", "weights"),
    *("catalogue_parameters", "catalogue_parameters_with_classifier", "catalogue_features"),
    *("parameters", "trainable", "width", "trained_weights", "searches"),
)
"""Heads of the spreadsheet."""

_READABLE = ("backbone", "model", "train", "weights", "published", "with classifier", "features", "built", "trained")


def report(results: MatrixResults) -> Report:
    """Return a row for each backbone of the plan and each size that it was built in."""
    rows = _rows(results)
    return Report(
        name="models",
        title="Backbones",
        sections=[
            TableSection(heading="Parameters", columns=_READABLE, rows=list(map(_readable, rows)), text_columns=4)
        ]
        if rows
        else [],
        notes=[
            "Published sizes are the catalogue's, at the default image size and width, the classifier left out.",
            "Built is the backbone as the searches counted it.",
            "Trained are all weights that the default configuration trains.",
            *table_notes.left_out(results, results.searches),
            *table_notes.holds_for(results.searches),
        ],
        columns=COLUMNS,
        rows=rows,
        empty="No searches were planned.",
    )


def _rows(results: MatrixResults) -> list[dict[str, CsvValue]]:
    found: dict[tuple[tuple[str, CsvValue], ...], int] = {}
    for search in results.searches:
        key = tuple(_values(search).items())
        found[key] = found.get(key, 0) + 1
    rows = [{**dict(key), "searches": count} for key, count in found.items()]
    known = {row["backbone"] for row in rows if row.get("model") is not None}
    # A backbone whose searches are all missing keeps its row; one that was built needs none for its missing searches.
    return [row for row in rows if row.get("model") is not None or row["backbone"] not in known]


def _values(search: SearchResult) -> dict[str, CsvValue]:
    section = search.asked.section("backbone")
    built = BuiltTable() if search.record is None else search.record.model
    values: dict[str, CsvValue] = {"backbone": search.planned.backbone}
    for name in ("model", "train", "alpha", "weights"):
        values[name] = _plain(section.get(name))
    for name in ("parameters", "trainable", "width", "trained_weights"):
        values[name] = getattr(built, name)
    known = backbones.KNOWN.get(str(section.get("model")))
    if known is not None:
        values["catalogue_parameters"] = known.parameters
        values["catalogue_parameters_with_classifier"] = known.parameters_with_classifier
        values["catalogue_features"] = known.features
    return values


def _readable(row: dict[str, CsvValue]) -> Sequence[str]:
    names = ("catalogue_parameters", "catalogue_parameters_with_classifier", "catalogue_features")
    texts = [str(row.get(name) or UNKNOWN) for name in ("backbone", "model", "train", "weights")]
    return [*texts, *(_count(row.get(name)) for name in (*names, "parameters", "trained_weights"))]


def _count(value: CsvValue) -> str:
    return UNKNOWN if value is None else f"{value:,}" if isinstance(value, (int, float)) else value


def _plain(value: object) -> CsvValue:
    return value if isinstance(value, (str, int, float)) else None
