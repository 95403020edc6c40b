"""Pictures of a matrix's results, as SVG and PNG: made from the records alone, byte for byte the same."""

from harness.plots.drawers import drawers
from harness.plots.writing import begin, write

__all__ = ["begin", "drawers", "write"]
