"""What the records of a matrix say: read once, derived from raw values only, nothing dropped."""

from harness.analysis.costs import NOTHING, Cost, Spent, cost_usd
from harness.analysis.environment_comparison import differences, environments, likeness, likeness_of
from harness.analysis.incumbent_curves import Step
from harness.analysis.means_and_t_intervals import Interval
from harness.analysis.results_reading import MatrixResults, SearchResult, Status, read
from harness.analysis.search_findings import Tried
from harness.analysis.search_groups import Group, Row, groups, mean_usd
from harness.analysis.target_score import Target

__all__ = [
    "NOTHING",
    "Cost",
    "Group",
    "Interval",
    "MatrixResults",
    "Row",
    "SearchResult",
    "Spent",
    "Status",
    "Step",
    "Target",
    "Tried",
    "cost_usd",
    "differences",
    "environments",
    "groups",
    "likeness",
    "likeness_of",
    "mean_usd",
    "read",
]
