"""A history of runs as a page: a line for each measure and part of the matrix, with the nights where its level changed.

The idea is that of asv's pages: look along the line, then click to the commit and to the report of a night.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from harness import text_sanitising
from harness.compare import change_points
from harness.compare.change_points import Drift, Series
from harness.compare.history import Night
from harness.compare.measures import Measure
from harness.reports import numerals
from harness.text_sanitising import counted

_WIDTH, _HEIGHT, _EDGE = 640, 92, 8
_STYLE = """
:root { color-scheme: light dark; --ink: #1f2933; --faint: #52606d; --line: #1f6f8b; --mark: #b4461b; --back: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ec; --faint: #a3adb8; --line: #6cc0dc; --mark: #ff9a6c; --back: #14181c; }
}
body { margin: 0 auto; max-width: 72rem; padding: 1rem; background: var(--back); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
.series { display: grid; grid-template-columns: 15rem 1fr; gap: 0 1rem; align-items: center; margin: .5rem 0; }
.series p { margin: 0; overflow-wrap: anywhere; } .faint { color: var(--faint); }
.worse { color: var(--mark); font-weight: 600; }
svg { width: 100%; height: 5.75rem; overflow: visible; } polyline, .level { fill: none; stroke: var(--line); }
polyline { opacity: .45; } .level { stroke-width: 2; } .mark { stroke: var(--mark); stroke-dasharray: 4 3; }
.dot { stroke: var(--line); stroke-width: 7; stroke-linecap: round; }
a:hover .dot, a:focus .dot { stroke: var(--mark); } svg * { vector-effect: non-scaling-stroke; }
table { border-collapse: collapse; } td, th { padding: .2rem .8rem .2rem 0; text-align: start; } a { color: inherit; }
.nights { overflow-x: auto; }
@media (max-width: 40rem) { .series { grid-template-columns: 1fr; } }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Where a night's commit and report are.

    ``commit_url`` has ``{commit}`` where the hash goes; None where no host shows commits. Reports are found from
    ``history``, beside which their folders are, and linked from ``page``, both files.
    """

    history: Path
    page: Path
    commit_url: str | None = None

    def commit(self, night: Night) -> str | None:
        """Return the address of a night's commit, as far as it is known."""
        if night.commit is None or self.commit_url is None:
            return None
        return self.commit_url.replace("{commit}", night.commit)

    def report(self, night: Night) -> str | None:
        """Return where a night's page lies, from the history's page; None where it is gone."""
        if night.run is None:
            return None
        found = self.history.parent / night.run / "report.html"
        return Path(os.path.relpath(found, self.page.parent)).as_posix() if found.is_file() else None


def page(nights: Sequence[Night], drift: Drift, links: Links) -> str:
    """Return the newest nights that are alike as HTML that needs nothing else; ``drift`` is what was found in them."""
    shown = nights[-drift.nights :] if drift.nights else []
    alike = [night for night in shown if night.like == nights[-1].like]
    series = change_points.series_of(alike)
    measures = dict.fromkeys(one.measure for one in series)
    body = [_head(drift), *(_section(measure, series, alike, links) for measure in measures), _nights(alike, links)]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>History</title><style>{_STYLE}</style></head>\n<body>\n{chr(10).join(body)}\n</body></html>\n"
    )


def _head(drift: Drift) -> str:
    found = change_points.report(drift)
    notes = "".join(f"<p class=faint>{_text(note)}</p>" for note in found.notes)
    key = "Each line has its own scale. Dashed: a level changed. A dot is a night: click for its report."
    return f"<h1>{_text(found.title)}</h1>{notes}<p class=faint>{key}</p>"


def _section(measure: Measure, series: Sequence[Series], nights: Sequence[Night], links: Links) -> str:
    rows = [_row(one, nights, len(series), links) for one in series if one.measure == measure]
    unit = f", {measure.unit}" if measure.unit else ""
    return f"<h2>{_text(measure.title)}{_text(unit)}</h2>\n" + "\n".join(rows)


def _row(one: Series, nights: Sequence[Night], series: int, links: Links) -> str:
    starts = change_points.starts(one, series=series)
    first, last = one.levels(starts)[0], one.levels(starts)[-1]
    change = f"{numerals.number(first)} → {numerals.number(last)}" if starts else numerals.number(last)
    worse = ' class="worse"' if starts and one.is_worse(starts) else ""
    picture = "".join(_drawn(one, nights, starts, links))
    label = f"{one.measure.title}, {one.where}: {change}"
    return (
        f"<div class=series><p>{_text(one.where)}<br><span{worse}>{change}</span></p>"
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="img" aria-label="{_text(label)}">'
        f"{picture}</svg></div>"
    )


def _drawn(one: Series, nights: Sequence[Night], starts: Sequence[int], links: Links) -> Iterator[str]:
    low, high = min(one.values), max(one.values)
    step = (_WIDTH - 2 * _EDGE) / max(1, len(one.values) - 1)

    def x(place: float) -> str:
        return f"{_EDGE + place * step:.1f}"

    def y(value: float) -> str:
        share = 0.5 if high == low else (value - low) / (high - low)
        return f"{_HEIGHT - _EDGE - share * (_HEIGHT - 2 * _EDGE):.1f}"

    points = " ".join(f"{x(place)},{y(value)}" for place, value in enumerate(one.values))
    yield f'<polyline points="{points}"/>'
    for begin, end, level in zip([0, *starts], [*starts, len(one.values)], one.levels(starts), strict=True):
        yield f'<line class="level" x1="{x(begin)}" x2="{x(end - 1)}" y1="{y(level)}" y2="{y(level)}"/>'
    for start in starts:
        yield f'<line class="mark" x1="{x(start - 0.5)}" x2="{x(start - 0.5)}" y1="0" y2="{_HEIGHT}"/>'
    for place, (night, value) in enumerate(zip(nights, one.values, strict=True)):
        dot = f'<path class="dot" d="M{x(place)},{y(value)}h0"><title>{_told(night, one, value)}</title></path>'
        yield _linked(dot, links.report(night) or links.commit(night))


def _told(night: Night, one: Series, value: float) -> str:
    commit = "" if night.commit is None else f", {night.commit[:10]}"
    return _text(f"{night.date}: {numerals.number(value)} {one.measure.unit}".rstrip() + commit)


def _nights(nights: Sequence[Night], links: Links) -> str:
    rows = "".join(
        f"<tr><td>{_text(night.night)}<td>{_linked(_text((night.commit or '')[:10]), links.commit(night))}"
        f"<td>{_linked('report', links.report(night)) if links.report(night) else ''}"
        f"<td>{night.searches} of {night.planned}"
        for night in reversed(nights)
    )
    head = "<tr><th>night<th>commit<th>report<th>searches"
    heading = f"<h2>{counted(len(nights), 'night')}</h2>"
    return f"{heading}<div class=nights><table><thead>{head}</thead><tbody>{rows}</tbody></table></div>"


def _linked(inner: str, target: str | None) -> str:
    return inner if target is None else f'<a href="{escape(target)}">{inner}</a>'


def _text(text: str) -> str:
    return escape(text_sanitising.line(text))
