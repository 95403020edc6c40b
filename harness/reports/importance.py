"""Which hyperparameters the score depends on, and which of them cost depends on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.analysis import Group, MatrixResults, groups
from harness.analysis.statistics import Effect, Importance, importance
from harness.reports import numerals, table_notes
from harness.reports.report_types import CsvValue, Report, TableSection
from harness.results_folder import GroupName

COLUMNS = (
    *GroupName._fields,
    "hyperparameter",
    "effect",
    "share",
    "trials",
    "searches",
    "left_out",
    "reason",
    "metric",
)
"""Heads of the spreadsheet."""


def _notes(score: str) -> tuple[str, ...]:
    return (
        "How much each hyperparameter does to bring a trial into the best quarter of all tuners' trials (PED-ANOVA).",
        f"Validation {score} is taken less the mean of its seed.",
        "Cost is the device seconds of the trial's median epoch.",
        "A column sums to 100 %: it compares hyperparameters with each other, and one leads even where none matters.",
        "Only trials to the last epoch of a full trial count, and a promoted configuration once, by its last trial.",
    )


def report(results: MatrixResults) -> Report:
    """Return the importance of each hyperparameter for the score and for cost, group by group."""
    compared = groups(results)
    found = [(group, {effect: importance(group, effect=effect) for effect in Effect}) for group in compared]
    return Report(
        name="importance",
        title="Which hyperparameters matter",
        sections=[_section(group, shares) for group, shares in found],
        notes=[*(_notes(results.score) if found else ()), *table_notes.beneath(results, compared)],
        columns=COLUMNS,
        rows=[row for group, shares in found for each in shares.values() for row in _values(group, each)],
        empty="No searches were planned.",
    )


def _section(group: Group, found: Mapping[Effect, Importance]) -> TableSection:
    names = dict.fromkeys(name for each in found.values() for name in each.shares)
    return TableSection(
        heading=str(group.name),
        columns=["hyperparameter", *(effect.called(group.score) for effect in found)],
        rows=[[name, *(numerals.percent(each.shares.get(name)) for each in found.values())] for name in names],
        notes=[_note(each, group.score) for each in found.values()],
    )


def _note(each: Importance, score: str) -> str:
    others = ", ".join(f"{count} {reason}" for reason, count in each.left_out.items())
    rest = f"; left out: {others}" if others else ""
    if each.reason is not None:
        return f"No importances for {each.effect.called(score)}: {each.reason}{rest}."
    return f"{each.effect.called(score)}: from {each.trials} trials of {each.searches} searches{rest}."


def _values(group: Group, each: Importance) -> Iterator[Mapping[str, CsvValue]]:
    shared = {
        "effect": each.effect.value,
        "trials": each.trials,
        "searches": each.searches,
        "reason": each.reason,
        "left_out": sum(each.left_out.values()),
        "metric": group.metric,
    }
    if each.reason is not None:
        yield {**group.name._asdict(), **shared}
    for name, share in each.shares.items():
        yield {**group.name._asdict(), "hyperparameter": name, "share": share, **shared}
