"""Pictures of a matrix's results, as SVG and PNG: made from the records alone, byte for byte the same."""

from harness.plots.writing import write

__all__ = ["write"]
