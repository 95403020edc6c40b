from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness import carbon
from harness.analysis import groups
from harness.prices import Prices
from harness.reports import efficiency, rendering, trial_outcomes
from harness.search_types import Outcome

if TYPE_CHECKING:
    from tests.analysis.conftest import Made


def _notes(made: Made, price_list: Prices) -> str:
    return rendering.markdown(efficiency.report(made.results(), prices=price_list, carbon=carbon.load()))


def _diverging(made: Made, tuner: str, diverged: int, seed: int = 0) -> None:
    """One completed trial of three epochs, and trials that diverged in their first."""
    lost = [made.trial(n, outcome=Outcome.DIVERGED, charged_epochs=1) for n in range(1, diverged + 1)]
    made.search([made.trial(0, 0.1, 0.2, 0.3), *lost], tuner, seed)


def test_epochs_and_seconds_are_shared_out_by_how_trials_ended_over_all_seeds(made: Made) -> None:
    for seed in (0, 1):
        _diverging(made, "größe", 1, seed)
    (row,) = trial_outcomes.report(made.results()).rows
    assert (row["completed_trials"], row["diverged_trials"], row["pruned_trials"]) == (2, 2, 0)
    assert (row["completed_epochs_share"], row["diverged_epochs_share"], row["pruned_epochs_share"]) == (0.75, 0.25, 0)
    # 1 + 9 + 0.5 s, and 1.5 s of asking and telling.
    assert row["wall_s"] == 24.0
    assert row["diverged_wall_s_share"] == 3.0 / 24.0
    assert (row["epochs"], row["seeds_ok"]) == (8, 2)


def test_shares_sum_to_one_whatever_the_outcomes(made: Made) -> None:
    made.search([made.trial(n, 0.5, outcome=outcome) for n, outcome in enumerate(Outcome)])
    (row,) = trial_outcomes.report(made.results()).rows
    assert sum(float(str(row[f"{each.value}_epochs_share"])) for each in Outcome) == pytest.approx(1)
    assert sum(float(str(row[f"{each.value}_wall_s_share"])) for each in Outcome) == pytest.approx(1)


def test_outcomes_are_the_same_from_records_and_from_what_was_kept(made: Made) -> None:
    _diverging(made, "random", 14)
    first = rendering.spreadsheet(trial_outcomes.report(made.results()))
    assert rendering.spreadsheet(trial_outcomes.report(made.results())) == first


def test_a_readable_share_stands_with_its_trials_and_none_is_a_dash(made: Made) -> None:
    _diverging(made, "random", 1)
    text = rendering.markdown(trial_outcomes.report(made.results()))
    assert "75.0 % (1)" in text
    assert "25.0 % (1)" in text
    (row,) = groups(made.results())[0].rows
    assert Outcome.CUT not in row.outcomes


def test_a_search_without_an_epoch_has_unknown_shares_and_one_without_a_record_no_numbers(made: Made) -> None:
    made.search([], "none")
    made.plan("missing")
    none, missing = trial_outcomes.report(made.results()).rows
    assert (none["epochs"], none["completed_trials"], none["completed_epochs_share"]) == (0, 0, None)
    assert (missing.get("epochs"), missing.get("completed_trials"), missing["seeds_ok"]) == (None, None, 0)


def test_a_row_whose_trials_mostly_diverged_says_so_in_the_efficiency_table(made: Made, price_list: Prices) -> None:
    _diverging(made, "random", 14)
    said = "random: 82.4 % of the epochs went into 14 of 15 trials that diverged, failed or ran out of memory."
    assert said in _notes(made, price_list)


def test_a_quarter_of_the_epochs_is_not_more_than_a_quarter(made: Made, price_list: Prices) -> None:
    _diverging(made, "random", 1)
    assert "of the epochs went into" not in _notes(made, price_list)


@pytest.mark.parametrize("outcome", [Outcome.PRUNED, Outcome.CUT, Outcome.COMPLETED])
def test_pruned_and_cut_trials_are_not_lost(made: Made, price_list: Prices, outcome: Outcome) -> None:
    made.search([made.trial(0, 0.5, outcome=outcome)])
    assert "of the epochs went into" not in _notes(made, price_list)


@pytest.mark.parametrize("outcome", [Outcome.DIVERGED, Outcome.FAILED, Outcome.OUT_OF_MEMORY])
def test_trials_that_found_nothing_are_lost(made: Made, price_list: Prices, outcome: Outcome) -> None:
    made.search([made.trial(0, outcome=outcome, charged_epochs=1)])
    assert "random: 100.0 % of the epochs went into 1 of 1 trial that" in _notes(made, price_list)
