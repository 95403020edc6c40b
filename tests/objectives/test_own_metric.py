"""Metrics of users' own; the one of the documentation among them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from harness.errors import MachineError, UserError
from harness.objectives import own_metric
from harness.objectives.scores import Counts, Scorer
from harness.testing import MetricContract

PAGE = Path(__file__).parents[2] / "docs" / "add-a-metric.md"
DOCUMENTED = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[0]
COUNTS = np.array([[3, 1], [2, 2]])

Own = Callable[..., Scorer]


@pytest.fixture
def own(tmp_path: Path) -> Own:
    """Make the scorer that a file of this text defines."""

    def make(text: str, classes: Sequence[str] = ("melanoma", "naevus")) -> Scorer:
        path = tmp_path / "my metric.py"
        path.write_text(text, "utf-8")
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        return own_metric.scorer({"path": str(path), "sha256": sha256}, classes=classes)

    return make


class TestTheDocumentedMetric(MetricContract):
    @pytest.fixture(autouse=True)
    def _file(self, own: Own) -> None:
        self.own = own

    def score(self, counts: Counts, classes: Sequence[str]) -> float:
        return self.own(DOCUMENTED, classes)(counts)


def test_the_documented_metric_weighs_classes_by_their_names(own: Own) -> None:
    assert own(DOCUMENTED)(COUNTS) == pytest.approx((2 * 3 / 4 + 2 / 4) / 3)
    assert own(DOCUMENTED, ("naevus", "melanoma"))(COUNTS) == pytest.approx((3 / 4 + 2 * 2 / 4) / 3)


@pytest.mark.parametrize("text", ["0", "1", "True", "0.5", "__import__('numpy').float32(0.5)"])
def test_numbers_of_any_type_become_floats(own: Own, text: str) -> None:
    found = own(f"def score(counts, classes): return {text}")(COUNTS)

    assert type(found) is float
    assert 0 <= found <= 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("None", "score returned NoneType, no number"),
        ("'much'", "score returned str, no number"),
        ("counts", "score returned ndarray, no number"),
        ("float('nan')", "score returned nan; scale it to 0 (worst) to 1 (best)"),
        ("float('inf')", "score returned inf; scale it"),
        ("-0.25", "score returned -0.25; scale it"),
        ("1.01", "score returned 1.01; scale it"),
    ],
)
def test_what_is_no_score_is_an_error_that_names_file_and_value(own: Own, text: str, said: str) -> None:
    scorer = own(f"def score(counts, classes): return {text}")

    with pytest.raises(UserError, match=re.escape(f"my metric.py: {said}")):
        scorer(COUNTS)


def test_what_it_does_to_the_counts_changes_them_for_nobody_else(own: Own) -> None:
    counts = COUNTS.copy()

    own("def score(counts, classes): counts[:] = 0; return 0")(counts)

    assert (counts == COUNTS).all()


def test_a_file_that_changed_since_the_plan_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("raise SystemExit('run')", "utf-8")

    with pytest.raises(MachineError, match="changed since the run began"):
        own_metric.scorer({"path": str(path), "sha256": "0" * 64}, classes=("a", "b"))
