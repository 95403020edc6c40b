"""The tables of a matrix: made from the records alone, at any time, byte for byte the same."""

from harness.reports import tables_cache
from harness.reports.all_tables import REPORTS, Tables, made, rendered, write
from harness.reports.mixed_environments import refuse_unlike

__all__ = ["REPORTS", "Tables", "made", "refuse_unlike", "rendered", "tables_cache", "write"]
