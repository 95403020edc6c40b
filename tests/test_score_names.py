from __future__ import annotations

from typing import get_args

import pytest

from harness import score_names
from harness.matrix_schema import Metric


def test_every_metric_of_the_protocol_has_a_name_of_its_own() -> None:
    known = get_args(Metric)
    assert [score_names.name_of(each) for each in known] == ["macro-F1", "weighted-F1", "micro-F1", "accuracy"]


@pytest.mark.parametrize("unknown", [None, "", "größe"])
def test_an_unknown_metric_is_called_f1(unknown: str | None) -> None:
    assert score_names.name_of(unknown) == "F1"


@pytest.mark.parametrize("path", ["weighted recall.py", "../metrics/weighted recall.py"])
def test_a_users_own_is_called_as_its_file(path: str) -> None:
    assert score_names.name_of(path) == "weighted recall"


def test_a_packages_is_called_as_it_calls_it() -> None:
    assert score_names.name_of("package:weighted.recall py") == "weighted.recall py"


def test_scores_of_one_metric_share_its_name_whatever_some_records_leave_out() -> None:
    assert score_names.name_of_all(["accuracy", None, "accuracy"]) == "accuracy"


def test_scores_of_unlike_metrics_bear_the_names_of_all() -> None:
    assert score_names.name_of_all(["macro_f1", "accuracy", "macro_f1"]) == "macro-F1 / accuracy"


def test_no_record_at_all_is_called_f1() -> None:
    assert score_names.name_of_all([]) == "F1"
