from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.reports import phases, rendering

if TYPE_CHECKING:
    from tests.analysis.conftest import Made


def test_no_searches_say_so(made: Made) -> None:
    assert "No searches were planned." in rendering.markdown(phases.report(made.results()))


def test_phases_cover_the_whole_process_and_sum_to_the_wall_clock(made: Made) -> None:
    made.search([made.trial(0, 0.5), made.trial(1, 0.5)], seed=0)
    made.search([made.trial(0, 0.5)], seed=1)
    (row,) = phases.report(made.results()).rows
    assert (row["startup_s"], row["data_s"], row["build_s"], row["shutdown_s"]) == (3.0, 2.0, 4.0, 1.0)
    assert (row["ask_s"], row["audit_s"], row["replay_s"]) == (1.75, 10.5, 0.0)
    assert row["sum_s"] == row["wall_s"]
    assert row["difference_percent"] == 0.0


def test_seconds_that_were_booked_nowhere_are_shown_as_a_difference(made: Made) -> None:
    made.search([made.trial(0, 0.5)], wall_s=44.0)
    report = phases.report(made.results())
    # 9 s of set-up, 11.5 s of the trial and 1.5 s of closing are booked.
    assert report.rows[0]["sum_s"] == 22.0
    assert report.rows[0]["difference_percent"] == pytest.approx(-50.0)
    assert "-50.00 %" in rendering.markdown(report)


def test_a_resumed_search_has_no_wall_clock_to_compare_with(made: Made) -> None:
    made.search([made.trial(0, 0.5)], attempts=2)
    report = phases.report(made.results())
    assert report.rows[0]["sum_s"] == 22.0
    assert report.rows[0]["wall_s"] is None
    assert "went through several processes: 1" in rendering.markdown(report)


def test_a_tuner_without_a_finished_search_keeps_its_row(made: Made) -> None:
    made.plan()
    report = phases.report(made.results())
    assert report.rows[0]["sum_s"] is None
    assert "Missing: 1 cell" in rendering.markdown(report)
