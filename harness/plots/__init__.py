"""Pictures of a matrix's results, as SVG and PNG: made from the records alone, byte for byte the same."""

from harness.plots.all_plots import begin, write
from harness.plots.drawing_processes import drawers

__all__ = ["begin", "drawers", "write"]
