"""Is one run of a matrix worse than another? Paired by seed, tested together, from the records alone."""

from harness.compare.verdict import Comparison, Direction, Finding, Verdict, compare, judge

__all__ = ["Comparison", "Direction", "Finding", "Verdict", "compare", "judge"]
