from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness import analysis, reports
from harness.errors import ResultsError
from harness.reports import mixed_environments

if TYPE_CHECKING:
    from tests.analysis.conftest import Made


def test_a_group_of_unlike_environments_is_refused_with_what_differs_and_the_way_out(made: Made) -> None:
    made.search([made.trial(0, 0.5)], seed=0)
    made.search([made.trial(0, 0.5)], seed=1, environment={"device": "Tesla T4", "logical_cpus": 2})

    with pytest.raises(ResultsError, match="--mix-environments") as caught:
        reports.refuse_unlike(analysis.groups(made.results()))

    assert "animals, mobile, lr" in str(caught.value)
    assert "device: cpu in 1, Tesla T4 in 1" in str(caught.value)
    assert "logical_cpus" not in str(caught.value)


def test_groups_may_differ_from_each_other(made: Made) -> None:
    made.search([made.trial(0, 0.5)], dataset="animals")
    made.search([made.trial(0, 0.5)], dataset="plants", environment={"device": "Tesla T4"})

    reports.refuse_unlike(analysis.groups(made.results()))

    assert mixed_environments.unlike(analysis.groups(made.results())) == []


def test_missing_searches_and_nothing_at_all_are_like_everything(made: Made) -> None:
    reports.refuse_unlike([])
    made.search([made.trial(0, 0.5)])
    made.plan(seed=7)

    reports.refuse_unlike(analysis.groups(made.results()))
