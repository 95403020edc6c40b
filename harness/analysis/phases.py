"""Where the seconds of a search's whole process went."""

from __future__ import annotations

from collections import Counter

from harness.analysis.results_reading import SearchResult


def seconds(search: SearchResult) -> Counter[str]:
    """Return the seconds of each phase of the whole process: before the first ask, trials, and after the last tell."""
    return Counter(search.phases)
