"""A comparison as a report for people, and as JSON for programs."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.analysis import Interval
from harness.compare.measures import Measure
from harness.compare.verdict import ALPHA, Direction, MeasureChange, RunComparison, RunVerdict
from harness.reports import numerals
from harness.reports.report_types import Report, TableSection

SCHEMA_VERSION = 2
"""Of the JSON. Since 2 the measure of scores is called ``score``, no longer ``f1``."""

_MOST_ROWS = 40
_MOST_LOST = 20
_COLUMNS = ("measure", "where", "pairs", "seeds", "baseline", "candidate", "change", "95 % interval", "p", "verdict")


def report(found: RunComparison, *, baseline: str, candidate: str) -> Report:
    """Return the verdict, why, a row for each measure and for each part that changed, and what was lost."""
    return Report(
        name="comparison",
        title=f"{candidate} against {baseline}: {found.verdict.value}",
        sections=[*_reasons(found), *_changes(found), *_lost(found)],
        notes=[*found.notes, *_how(found)],
        columns=(),
        rows=(),
        empty="Nothing to compare.",
    )


def as_json(found: RunComparison, *, baseline: str, candidate: str, exit_code: int) -> dict[str, object]:
    """Return everything that was compared; changes are as readers have them: the score gained, or a cost's growth."""
    return {
        "schema_version": SCHEMA_VERSION,
        "verdict": found.verdict.value,
        "exit_code": exit_code,
        "reasons": list(found.reasons),
        "notes": list(found.notes),
        "baseline": baseline,
        "candidate": candidate,
        "pairs": found.pairs,
        "seeds": found.seeds,
        "alpha": ALPHA,
        "lost": [{**lost.name._asdict(), "reason": lost.reason} for lost in found.lost],
        "findings": [_finding_as_json(finding) for finding in found.findings],
    }


def _finding_as_json(finding: MeasureChange) -> dict[str, object]:
    change = _as_read(finding.change, finding.measure)
    return {
        "measure": finding.measure.name,
        "unit": finding.measure.unit,
        "level": finding.part.level,
        "where": finding.part.label,
        "pairs": len(finding.values),
        "seeds": len(finding.by_seed),
        "baseline": finding.baseline,
        "candidate": finding.candidate,
        "change": change.mean,
        "low": change.low,
        "high": change.high,
        "is_share": finding.measure.is_ratio,
        "minimum": finding.measure.minimum,
        "worse_p": finding.worse_p,
        "better_p": finding.better_p,
        "direction": finding.direction.value,
    }


def _reasons(found: RunComparison) -> list[TableSection]:
    if not found.reasons:
        return []
    heading = "Why it can't be compared" if found.verdict is RunVerdict.INCOMPARABLE else "Why"
    shown = found.reasons[:_MOST_ROWS]
    more = [f"and {len(found.reasons) - _MOST_ROWS} more"] if len(found.reasons) > _MOST_ROWS else []
    return [TableSection(heading=heading, columns=("reason",), rows=[(reason,) for reason in [*shown, *more]])]


def _changes(found: RunComparison) -> list[TableSection]:
    shown = [finding for finding in found.findings if _is_shown(finding, found.findings)]
    if not shown:
        return []
    rows = [_row(finding) for finding in shown[:_MOST_ROWS]]
    left = len(shown) - len(rows)
    notes = [f"{left} more rows stand in the JSON."] if left else []
    return [TableSection(heading="Changes", columns=_COLUMNS, rows=rows, text_columns=2, notes=notes)]


def _is_shown(finding: MeasureChange, findings: Sequence[MeasureChange]) -> bool:
    first = next(one for one in findings if one.measure is finding.measure)
    return finding is first or finding.direction is not Direction.NEITHER


def _row(finding: MeasureChange) -> tuple[str, ...]:
    change = _as_read(finding.change, finding.measure)
    interval = (
        "—" if change.low is None else f"{_told(change.low, finding.measure)} to {_told(change.high, finding.measure)}"
    )
    better = (change.mean or 0.0) != 0 and finding.better_p < finding.worse_p
    return (
        finding.measure.title,
        finding.part.label,
        str(len(finding.values)),
        str(len(finding.by_seed)),
        _value(finding.baseline, finding.measure),
        _value(finding.candidate, finding.measure),
        _told(change.mean, finding.measure),
        interval,
        f"{finding.better_p if better else finding.worse_p:.3f}",
        numerals.UNKNOWN if finding.direction is Direction.NEITHER else finding.direction.value,
    )


def _as_read(change: Interval, measure: Measure) -> Interval:
    """Return the change as readers have it: the score gained, or the share by which a cost grew."""
    if measure.is_ratio:
        low, middle, high = (None if one is None else math.expm1(one) for one in (change.low, change.mean, change.high))
    else:
        low, middle, high = (None if one is None else 0.0 - one for one in (change.high, change.mean, change.low))
    return Interval(mean=middle, low=low, high=high, n=change.n)


def _told(change: float | None, measure: Measure) -> str:
    if change is None:
        return numerals.UNKNOWN
    return f"{100 * change:+.1f} %" if measure.is_ratio else f"{change:+.3f}"


def _value(value: float, measure: Measure) -> str:
    if not measure.is_ratio:
        return numerals.score(value)
    return f"{numerals.number(value)} {measure.unit}".strip()


def _lost(found: RunComparison) -> list[TableSection]:
    if not found.lost:
        return []
    rows = [(str(lost.name), lost.reason) for lost in found.lost[:_MOST_LOST]]
    left = len(found.lost) - len(rows)
    notes = [f"{left} more are named in the JSON."] if left else []
    return [
        TableSection(heading="Lost", columns=("search", "what became of it"), rows=rows, text_columns=2, notes=notes)
    ]


def _how(found: RunComparison) -> list[str]:
    measures = list(dict.fromkeys(finding.measure for finding in found.findings))
    if not measures:
        return []
    least = ", ".join(f"{one.title} {_least(one)}" for one in measures)
    drift = max(100 * one.drift for one in measures)
    test = f"A change counts if its p, corrected over all comparisons, is at most {ALPHA} and it is at least: {least}."
    granted = f"Seconds are tested against the {drift:.0f} % that a machine may drift from night to night"
    return [
        f"{found.pairs} pairs of {found.seeds} seeds, {len(found.findings)} comparisons. {test}",
        f"{granted}; one that drifts by more looks like worse or better code. Intervals are corrected for nothing.",
    ]


def _least(measure: Measure) -> str:
    return f"{100 * measure.minimum:g} %" if measure.is_ratio else f"{measure.minimum:g}"
