"""The tables of a matrix: made from the records alone, at any time, byte for byte the same."""

from harness.reports import kept
from harness.reports.mixing import refuse_unlike
from harness.reports.writing import REPORTS, Tables, made, rendered, write

__all__ = ["REPORTS", "Tables", "kept", "made", "refuse_unlike", "rendered", "write"]
