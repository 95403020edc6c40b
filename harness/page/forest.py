"""The page's first picture: for each group a row a tuner, its gain over random search, and what it costs.

A table that is a picture too: numbers stand in it as text, and lines in drawings of a row each, so that it is read with
eyes or ears, on a phone, without JavaScript and on paper. The script redraws the rows for another budget.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.analysis import Group
from harness.analysis.cost_axes import Axis
from harness.analysis.statistics import Judged, Question, Verdict, standing_by_budget
from harness.analysis.statistics.standing_by_budget import ByThen
from harness.page import markup, tuner_marks
from harness.prices import Prices
from harness.reports import numerals
from harness.reports.numerals import MoneyUnit
from harness.tuner_plot_styles import Style

AXES = (Axis.WALL_S, Axis.EPOCHS, Axis.COST_USD)
"""What budgets are counted in, the first unless something else is asked for."""

_YARDSTICK = "compared with"
_DIGITS = 4
# Wider intervals than so many times the largest gain would press all gains onto the line at zero.
_WIDEST = 4.0
_LEAST_REACH = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a forest is drawn of: one ``group`` or all; ``ends`` are the standings of whole searches by axis."""

    name: str
    groups: Sequence[Group]
    group: bool
    verdicts: Mapping[str, Verdict]
    ends: Mapping[Axis, Sequence[ByThen]]


def scopes(made: Judged, *, prices: Prices) -> list[Scope]:
    """Return what forests are drawn of: all groups together, where there are several, and each."""
    yardstick = made.answer.yardstick
    asked = [("All groups together", list(made.groups), made.verdicts.overall)] if len(made.groups) > 1 else []
    asked += [(str(group.name), [group], made.verdicts.within[group.name]) for group in made.groups]
    return [
        Scope(
            name=name,
            groups=found,
            group=answered is not made.verdicts.overall,
            verdicts={
                tuner: answered[Question.SCORE].of(tuner, yardstick)
                for tuner in answered[Question.SCORE].seeds.tuners
                if yardstick is not None and tuner != yardstick
            },
            ends={axis: _by_then(found, axis, math.inf, yardstick, prices) for axis in AXES},
        )
        for name, found, answered in asked
    ]


def _by_then(groups: Sequence[Group], axis: Axis, budget: float, yardstick: str | None, prices: Prices) -> list[ByThen]:
    return standing_by_budget.by_then(groups, axis=axis, budget=budget, yardstick=yardstick, prices=prices)


def document(found: Sequence[Scope], made: Judged, *, money: MoneyUnit) -> dict[str, object]:
    """Return in JSON's terms what the rows are at each budget: by axis, scope and budget a list for each tuner.

    The list holds gain, low, high, the probability of being best, what is spent, and 1 where there is no model yet;
    the last budget is the whole search. Dollars are in the unit ``money``.
    """
    yardstick, prices = made.answer.yardstick, made.prices
    axes = {}
    for axis in AXES:
        costs = standing_by_budget.budgets(made.groups, axis=axis, prices=prices)
        factor, label = (money.factor, money.label) if axis is Axis.COST_USD else (1.0, axis.label)
        rows = [
            [
                *(_numbers(_by_then(scope.groups, axis, cost, yardstick, prices), factor) for cost in costs),
                _numbers(scope.ends[axis], factor),
            ]
            for scope in found
        ]
        axes[axis.value] = {"label": label, "costs": [*(_cost(factor * each) for each in costs), None], "rows": rows}
    frame = _Frame.around(found)
    return {"axes": axes, "low": frame.low, "high": frame.high, "yardstick": yardstick}


def _numbers(rows: Sequence[ByThen], factor: float) -> dict[str, list[float | None]]:
    return {row.tuner: [*_interval(row), _short(row.best), _cost(row.spent, factor), int(row.no_model)] for row in rows}


def _interval(row: ByThen) -> list[float | None]:
    found = row.gain
    return [None, None, None] if found is None else [_short(each) for each in (found.value, found.low, found.high)]


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)


def _cost(value: float | None, factor: float = 1.0) -> float | None:
    return None if value is None else float(f"{factor * value:.3g}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sheet:
    """What all forests of a page share."""

    made: Judged
    looks: Mapping[str, Style]
    frame: _Frame
    score: str

    @property
    def yardstick(self) -> str | None:
        return self.made.answer.yardstick


def sections(found: Sequence[Scope], made: Judged, looks: Mapping[str, Style], *, score: str) -> str:
    """Return a section for each scope with its forest of whole searches."""
    sheet = _Sheet(made=made, looks=looks, frame=_Frame.around(found), score=score)
    return "".join(_section(scope, place, sheet) for place, scope in enumerate(found))


def _section(scope: Scope, place: int, sheet: _Sheet) -> str:
    names = scope.groups[0].name._asdict() if scope.group else {}
    data = "".join(f' data-{part}="{markup.escaped(called)}"' for part, called in names.items())
    why = _why_empty(scope, sheet)
    inner = _table(scope, place, sheet) if why is None else f"<p>{why}</p>"
    name = markup.escaped(scope.name)
    address = "/".join(map(markup.address, names.values()))
    heading = f'<h3><a href="#group-{address}">{name}</a></h3>' if names else f"<h3>{name}</h3>"
    return f'<section class="forest" id="forest-{place}"{data}>{heading}{inner}</section>'


def _why_empty(scope: Scope, sheet: _Sheet) -> str | None:
    """Return what is missing for a picture and how to get it; None where nothing is."""
    if sheet.yardstick is None:
        return "No gains: the matrix has no random search. Add the tuner <code>kt-random</code> and run it again."
    if not scope.ends[AXES[0]]:
        return (
            "No gains yet: on no seed has every tuner a search that ended. <code>harness run</code> runs what is "
            "missing; what failed, and why, stands below."
        )
    return None


def _table(scope: Scope, place: int, sheet: _Sheet) -> str:
    gains = f"test {sheet.score} over {sheet.yardstick}"
    label = markup.escaped(f"{scope.name}: {gains}, and what a search costs")
    heads = (
        f'<th scope="col">tuner</th><th scope="col">{markup.escaped(gains)}</th>'
        f'<th scope="col" class="number chance">may be best</th><th scope="col" class="cost">{AXES[0].label}</th>'
    )
    bodies = "".join(f"<tbody>{_rows(rows, scope, sheet)}</tbody>" for rows in _parts(scope, sheet) if rows)
    foot = f'<tr><td></td><td class="gain">{_axis(sheet.frame)}</td><td class="chance"></td><td></td></tr>'
    return (
        f'<table class="forest-table" data-scope="{place}"><caption class="unseen">{label}</caption>'
        f"<thead><tr>{heads}</tr></thead>{bodies}<tfoot>{foot}</tfoot></table>"
    )


def _parts(scope: Scope, sheet: _Sheet) -> tuple[list[ByThen], list[ByThen]]:
    """Return the baselines, random search and no tuning, and below them the others, the largest gain first."""
    plain = {row.tuner for group in sheet.made.groups for row in group.rows if row.is_random or row.is_untuned}
    rows = [*scope.ends[AXES[0]], *_missing(scope)]
    others = sorted((row for row in rows if row.tuner not in plain), key=lambda row: -_value(row))
    return [row for row in rows if row.tuner in plain], others


def _missing(scope: Scope) -> list[ByThen]:
    """Return a row without numbers for each tuner that no seed is complete with."""
    present = {row.tuner for row in scope.ends[AXES[0]]}
    names = dict.fromkeys(row.tuner for group in scope.groups for row in group.rows)
    absent = (name for name in names if name not in present)
    return [ByThen(tuner=name, gain=None, best=None, spent=None, no_model=False) for name in absent]


def _value(row: ByThen) -> float:
    return -math.inf if row.gain is None or row.gain.value is None else row.gain.value


def _rows(rows: Sequence[ByThen], scope: Scope, sheet: _Sheet) -> str:
    largest = max((row.spent for row in scope.ends[AXES[0]] if row.spent is not None), default=0.0)
    return "".join(_row(row, scope, sheet, largest) for row in rows)


def _row(row: ByThen, scope: Scope, sheet: _Sheet, largest: float) -> str:
    name, look = markup.escaped(row.tuner), sheet.looks[row.tuner]
    number = list(sheet.looks).index(row.tuner)
    link = f'<a href="#tuner-{markup.address(row.tuner)}">{name}</a>{_kind(row, sheet)}'
    bar = 0.0 if not largest or row.spent is None else 100 * row.spent / largest
    return (
        f'<tr class="tuner-{number}" data-name="{name}">'
        f'<th scope="row">{tuner_marks.swatch(number, look)}<span>{link}</span></th>'
        f'<td class="gain">{_drawn(row, look, sheet.frame, sheet.made.rope)}'
        f'<span class="told">{markup.escaped(_told(row, scope, sheet))}</span></td>'
        f'<td class="number chance">{numerals.chance(row.best)}</td>'
        f'<td class="cost"><svg class="bar" aria-hidden="true"><rect height="100%" width="{bar:.1f}%"/></svg>'
        f'<span class="told">{numerals.number(row.spent)}</span></td></tr>'
    )


def _kind(row: ByThen, sheet: _Sheet) -> str:
    if row.tuner == sheet.yardstick:
        return ' <span class="kind-of">random search</span>'
    rows = (each for group in sheet.made.groups for each in group.rows)
    is_untuned = any(each.is_untuned for each in rows if each.tuner == row.tuner)
    return ' <span class="kind-of">no tuning</span>' if is_untuned else ""


def _told(row: ByThen, scope: Scope, sheet: _Sheet) -> str:
    if row.tuner == sheet.yardstick:
        return _YARDSTICK
    if row.gain is None:
        return "no search to compare"
    said = scope.verdicts.get(row.tuner, Verdict.OPEN)
    word = "" if said is Verdict.OPEN else f" {numerals.verdict(said)}"
    return f"{numerals.signed_estimate(row.gain)}{word}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """From where to where all forests of a page go, so that their gains can be compared by eye."""

    low: float
    high: float

    @classmethod
    def around(cls, found: Sequence[Scope]) -> _Frame:
        gains = [row.gain for scope in found for row in scope.ends[AXES[0]] if row.gain is not None]
        most = max((abs(each.value) for each in gains if each.value is not None), default=0.0)
        reach = max(_LEAST_REACH, _WIDEST * most)
        low = min((each.low for each in gains if each.low is not None), default=-most)
        high = max((each.high for each in gains if each.high is not None), default=most)
        low, high = max(-reach, min(low, -_LEAST_REACH)), min(reach, max(high, _LEAST_REACH))
        room = 0.04 * (high - low)
        return cls(low=round(low - room, _DIGITS), high=round(high + room, _DIGITS))

    def at(self, value: float) -> float:
        """Return how far to the right a gain stands, in percent; what lies outside stands at the edge."""
        return min(100.0, max(0.0, 100 * (value - self.low) / (self.high - self.low)))

    def ticks(self) -> Iterator[float]:
        """Yield round gains to mark: at least three, zero among them."""
        rough = (self.high - self.low) / 4
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
        for number in range(math.ceil(self.low / step), math.floor(self.high / step) + 1):
            yield number * step


def _drawn(row: ByThen, look: Style, frame: _Frame, rope: float) -> str:
    band = frame.at(-rope), frame.at(rope)
    parts = [
        f'<rect class="same" x="{band[0]:.2f}%" width="{band[1] - band[0]:.2f}%" height="100%"/>',
        f'<line class="zero" x1="{frame.at(0):.2f}%" x2="{frame.at(0):.2f}%" y1="0" y2="100%"/>',
    ]
    if row.gain is not None and row.gain.value is not None:
        middle = frame.at(row.gain.value)
        ends = [middle if end is None else frame.at(end) for end in (row.gain.low, row.gain.high)]
        parts += [
            f'<line class="whisker" x1="{ends[0]:.2f}%" x2="{ends[1]:.2f}%" y1="50%" y2="50%"/>',
            f'<svg class="dot" x="{middle:.2f}%" y="50%" overflow="visible">{tuner_marks.mark(look.marker)}</svg>',
        ]
    else:
        parts += [
            '<line class="whisker" visibility="hidden" y1="50%" y2="50%"/>',
            f'<svg class="dot" x="{frame.at(0):.2f}%" y="50%" overflow="visible">{tuner_marks.mark(look.marker)}</svg>',
        ]
    return f'<svg class="interval" aria-hidden="true">{"".join(parts)}</svg>'


def _axis(frame: _Frame) -> str:
    texts = "".join(
        f'<line class="tick" x1="{frame.at(each):.2f}%" x2="{frame.at(each):.2f}%" y1="0" y2="5"/>'
        f'<text x="{frame.at(each):.2f}%" y="18" text-anchor="middle">{numerals.signed(each, 2)}</text>'
        for each in frame.ticks()
    )
    return f'<svg class="interval axis-row" aria-hidden="true">{texts}</svg><span class="told"></span>'
