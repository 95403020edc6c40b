"""Is one run of a matrix worse than another? Paired by seed, tested together, from the records alone."""

from harness.compare.verdict import Direction, MeasureChange, RunComparison, RunVerdict, compare, judge

__all__ = ["Direction", "MeasureChange", "RunComparison", "RunVerdict", "compare", "judge"]
