"""What shields.io makes a badge of: https://shields.io/badges/endpoint-badge."""

from __future__ import annotations

from harness.compare.change_points import Drift
from harness.compare.verdict import RunComparison, RunVerdict
from harness.text_sanitising import counted

_COLOURS = {RunVerdict.NO_WORSE: "brightgreen", RunVerdict.WORSE: "red", RunVerdict.INCOMPARABLE: "lightgrey"}


def of_comparison(found: RunComparison) -> dict[str, object]:
    """Return the badge of a run against its baseline."""
    return _badge("tuners", found.verdict.value, _COLOURS[found.verdict])


def of_drift(found: Drift) -> dict[str, object]:
    """Return the badge of a history."""
    nights = counted(found.nights, "night")
    if found.is_too_short:
        return _badge("drift", f"{nights}, too few to say", "lightgrey")
    return _badge("drift", f"{'worse' if found.worse else 'none'} in {nights}", "red" if found.worse else "brightgreen")


def _badge(label: str, message: str, colour: str) -> dict[str, object]:
    return {"schemaVersion": 1, "label": label, "message": message, "color": colour}
