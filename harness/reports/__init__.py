"""The tables of a matrix: made from the records alone, at any time, byte for byte the same."""

from harness.reports.mixing import refuse_unlike
from harness.reports.terminal import terminal
from harness.reports.writing import REPORTS, write

__all__ = ["REPORTS", "refuse_unlike", "terminal", "write"]
