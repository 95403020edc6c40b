"""Where the seconds of a search's whole process went."""

from __future__ import annotations

from collections import Counter

from harness.analysis.reading import Search


def seconds(search: Search) -> Counter[str]:
    """Return the seconds of each phase of the whole process: before the first ask, trials, and after the last tell."""
    total: Counter[str] = Counter()
    if search.record is None:
        return total
    for phases in (
        search.record.setup_phases,
        *(trial.phases for trial in search.trials),
        search.record.closing_phases,
    ):
        for name, spent in phases.items():
            total[name] += spent  # type: ignore[assignment] # a Counter holds any number
    return total
