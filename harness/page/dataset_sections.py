"""What was trained on: each data set's classes, how many images of each every part has, and what was left out."""

from __future__ import annotations

from collections.abc import Sequence

from harness.analysis import MatrixResults
from harness.datasets import data_summary
from harness.page import markup
from harness.record_schema import DataTable
from harness.reports import table_notes
from harness.text_sanitising import counted

# More classes than these are shown on demand.
_MOST_SHOWN = 12


def sections(results: MatrixResults) -> str:
    """Return for each data set its line and the table of its classes; a word where no record tells."""
    found = table_notes.data_facts(results)
    return "".join(map(_section, range(len(found)), found, found.values())) or "<p>Unknown: no search has run.</p>"


def _section(number: int, name: str, facts: Sequence[DataTable]) -> str:
    first, *alike = facts
    classes = _classes(number, name, facts) if first.classes else ""
    if classes and len(first.per_class) > _MOST_SHOWN:
        classes = markup.folded(f"Images of each of its {counted(len(first.per_class), 'class', 'classes')}", classes)
    line = markup.escaped(f"{data_summary.line(first, alike)}.")
    return f"<h3>{markup.escaped(name)}</h3><p>{line}</p>{classes}"


def _classes(number: int, name: str, facts: Sequence[DataTable]) -> str:
    first = facts[0]
    parts = list(first.per_class_of_part)
    # Searches of another version of the data may have others.
    known = [each.per_class_of_part for each in facts if _is_alike(each, first)]
    rows = [
        markup.TableRow(
            cells=[label, _number([size]), *(_number([each[part][place] for each in known]) for part in parts)]
        )
        for place, (label, size) in enumerate(zip(first.classes, first.per_class, strict=True))
    ]
    columns = [
        markup.TableColumn(label="class", numeric=False),
        *(markup.TableColumn(label=each) for each in ("images", *parts)),
    ]
    return markup.table(f"images-{number}", label=f"Images of each class of {name}", columns=columns, rows=rows)


def _is_alike(facts: DataTable, first: DataTable) -> bool:
    return facts.per_class_of_part.keys() == first.per_class_of_part.keys() and facts.classes == first.classes


def _number(counts: Sequence[int]) -> markup.Value:
    """Return a count, or from where to where it goes over the searches: parts of whole groups differ with the seed."""
    low, high = min(counts), max(counts)
    return markup.Value(text=f"{low:,}" if low == high else f"{low:,} to {high:,}", sort=(low + high) / 2)
