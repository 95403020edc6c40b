from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness import carbon
from harness.analysis import groups
from harness.prices import Prices
from harness.reports import efficiency, phases, rendering, to_target

if TYPE_CHECKING:
    from tests.analysis.conftest import Made

GOLDEN = Path(__file__).parent / "golden" / "efficiency-header.csv"

INTENSITY = carbon.load()


def _csv(made: Made, price_list: Prices) -> list[dict[str, str]]:
    text = rendering.spreadsheet(efficiency.report(made.results(), prices=price_list, carbon=INTENSITY))
    return list(csv.DictReader(io.StringIO(text)))


def _markdown(made: Made, price_list: Prices) -> str:
    return rendering.markdown(efficiency.report(made.results(), prices=price_list, carbon=INTENSITY))


def _compare(made: Made) -> None:
    """Random search, a sooner tuner and the default over two seeds, with one search failed and one missing."""
    for seed in (0, 1):
        made.search([made.trial(0, 0.5, 0.6)], "untuned", seed, kind="default")
        made.search([made.trial(0, 0.2, 0.4), made.trial(1, 0.3, 0.5 + seed / 10)], "random", seed)
        made.search([made.trial(0, 0.7)], "tpe", seed, kind="optuna-tpe")
    made.search([], "tpe", 2, kind="optuna-tpe", status="failed", reason="exit code 1: boom")
    made.plan("tpe", 3)


def test_the_header_is_the_golden_one(made: Made, price_list: Prices) -> None:
    _compare(made)
    text = rendering.spreadsheet(efficiency.report(made.results(), prices=price_list, carbon=INTENSITY))
    assert text.splitlines()[0] == GOLDEN.read_text("utf-8").strip()


def test_no_searches_make_a_header_only_and_say_so(made: Made, price_list: Prices) -> None:
    assert _csv(made, price_list) == []
    assert "No searches were planned." in _markdown(made, price_list)


def test_a_row_holds_the_means_of_its_seeds(made: Made, price_list: Prices) -> None:
    _compare(made)
    random = next(row for row in _csv(made, price_list) if row["tuner"] == "random")
    assert float(random["val_score"]) == pytest.approx(0.55)
    assert float(random["test_score"]) == pytest.approx(0.45)
    # Two trials of 1 + 6 + 0.5 s, and 0.5 s of closing; the audit and the shutdown are not the search's.
    assert float(random["wall_s"]) == 15.5
    assert float(random["device_s"]) == 12.0
    assert float(random["thinking_s"]) == 3.25
    assert (random["epochs"], random["trials"], random["cpu_s"], random["energy_j"]) == ("4", "2", "20", "10")
    assert float(random["cost_usd"]) == pytest.approx(15.5 / 3600 * 2 * 0.0504)
    assert float(random["best_learning_rate"]) == 0.002
    assert random["best_optimizer"] == "adam"


def test_the_seconds_of_a_search_and_those_of_its_whole_process_stand_apart(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)], wall_s=44.0)
    (row,) = _csv(made, price_list)
    assert (row["wall_s"], row["total_s"]) == ("5", "44")
    text = _markdown(made, price_list)
    assert [head.strip() for head in text.splitlines()[4].split("|")][7:10] == ["search s", "total s", "device s"]
    assert "wall" not in text


def test_the_whole_process_of_a_resumed_search_is_unknown_and_so_is_its_mean(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)], seed=0)
    made.search([made.trial(0, 0.5)], seed=1, attempts=2)
    (row,) = _csv(made, price_list)
    assert (row["wall_s"], row["total_s"]) == ("5", "")


def test_whole_epochs_are_shown_without_decimals_and_a_mean_of_unlike_ones_with_them(
    made: Made, price_list: Prices
) -> None:
    made.search([made.trial(0, 0.5, 0.6)], "whole", 0)
    for seed, epochs in enumerate((1, 1, 2)):
        made.search([made.trial(0, *[0.5] * epochs)], "unlike", seed)
    table = _markdown(made, price_list).split("\n\n")[2]
    rows = {line.split("|")[1].strip(): line.split("|") for line in table.splitlines()}
    place = [head.strip() for head in rows["tuner"]].index("epochs")
    assert (rows["whole"][place].strip(), rows["unlike"][place].strip()) == ("2", "1.33")


def test_failed_and_missing_seeds_are_counted_and_explained(made: Made, price_list: Prices) -> None:
    _compare(made)
    tpe = next(row for row in _csv(made, price_list) if row["tuner"] == "tpe")
    assert (tpe["seeds_ok"], tpe["seeds_failed"], tpe["seeds_missing"]) == ("2", "1", "1")
    text = _markdown(made, price_list)
    assert "Failed: 1 cell (animals, mobile, lr, tpe, seed 2): exit code 1: boom." in text
    assert "Missing: 1 cell (animals, mobile, lr, tpe, seed 3): not run yet." in text


def test_the_target_and_the_speed_up_are_those_of_random_search(made: Made, price_list: Prices) -> None:
    for seed in (0, 1):
        made.search([made.trial(0, 0.2, 0.4, 0.3, 0.5 + seed / 10)], "random", seed)
        made.search([made.trial(0, 0.6)], "tpe", seed, kind="optuna-tpe")
    made.search([], "tpe", 2, kind="optuna-tpe", status="failed", reason="boom")
    rows = {row["tuner"]: row for row in _csv(made, price_list)}
    # After two of four epochs; on seed 0, on which both tuners end lower by 0.05, it is 0.025 less.
    assert float(rows["random"]["target_val_score"]) == pytest.approx(0.4)
    # Seed 0: 1 s of asking and two epochs of 3 s. Seed 1: all four epochs.
    assert (rows["random"]["target_expected_wall_s"], rows["random"]["target_reached"]) == ("10", "2")
    assert rows["random"]["speedup_over_random"] == ""
    # Twice 4 s, and what the search spent that failed.
    assert (rows["tpe"]["target_expected_wall_s"], rows["tpe"]["target_reached"], rows["tpe"]["target_searches"]) == (
        "4.25",
        "2",
        "3",
    )
    assert float(rows["tpe"]["speedup_over_random"]) == 10 / 4
    text = _markdown(made, price_list)
    said = "Target: validation F1 of at least 0.400, what 2 random searches have on average after half of their epochs."
    assert said in text
    assert "No speed-up" not in text


def test_a_row_without_a_speed_up_says_why(made: Made, price_list: Prices) -> None:
    for seed in range(2):
        made.search([made.trial(0, 0.5)], "random", seed)
        made.search([made.trial(0, 0.1 + 0.8 * seed)], "lucky once", seed, kind="optuna-tpe")
    made.search([made.trial(0, 0.5)], "elsewhere", 9, kind="optuna-tpe")
    made.search([made.trial(0, 0.1)], "alone", kind="optuna-tpe", dataset="plants")
    text = _markdown(made, price_list)
    assert "No speed-up for lucky once: half of the searches or more missed the target." in text
    assert "No speed-up for elsewhere: a cost is unknown, or neither met the target on a seed of both." in text
    assert "No speed-up: there is no random search to compare with." in text


def test_where_neither_met_the_target_on_a_seed_of_both_that_is_said(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)], "random", 0)
    made.search([made.trial(0, 0.5)], "random", 1, status="failed", reason="boom")
    made.search([made.trial(0, 0.1)], "tpe", 1, kind="optuna-tpe")
    for seed in (2, 3):
        made.search([made.trial(0, 0.5)], "tpe", seed, kind="optuna-tpe")
    assert "neither met the target on a seed of both" in _markdown(made, price_list)


def test_a_verdict_stands_where_a_difference_is_shown_and_a_dash_where_none_is(made: Made, price_list: Prices) -> None:
    for seed in range(10):
        made.search([made.trial(0, 0.5 + seed / 100)], "random", seed)
        made.search([made.trial(0, 0.7 + seed / 90)], "better", seed, kind="optuna-tpe")
        made.search([made.trial(0, 0.5 + (9 - seed) / 100)], "alike", seed, kind="optuna-gp")
    verdicts = {row["tuner"]: row["verdict"] for row in _csv(made, price_list)}
    assert verdicts == {"random": "", "better": "better", "alike": "open"}
    place = [head.strip() for head in _markdown(made, price_list).splitlines()[4].split("|")].index("verdict")
    shown = [line.split("|")[place].strip() for line in _markdown(made, price_list).splitlines()[6:9]]
    assert shown == ["—", "better", "—"]


def test_losses_against_the_default_are_columns_of_the_spreadsheet_and_no_note_beneath_nearly_every_row(
    made: Made, price_list: Prices
) -> None:
    _compare(made)
    random = next(row for row in _csv(made, price_list) if row["tuner"] == "random")
    assert (random["seeds_worse_than_default"], random["seeds_paired_with_default"]) == ("1", "2")
    assert "worse than the default" not in _markdown(made, price_list)


def test_scores_and_gains_stand_for_each_unit_of_cost_and_are_empty_where_that_is_unknown(
    made: Made, price_list: Prices
) -> None:
    made.search([made.trial(0, 0.5, energy_j=None)], "untuned", kind="default")
    made.search([made.trial(0, 0.7, energy_j=None)], "random")
    untuned, random = _csv(made, price_list)
    assert float(random["test_score_per_device_hour"]) == pytest.approx(0.6 / 3 * 3600)
    assert float(random["gain_over_default_per_device_hour"]) == pytest.approx(0.2 / 3 * 3600)
    assert (random["test_score_per_kwh"], random["gain_over_default_per_kwh"]) == ("", "")
    assert (untuned["test_score_per_usd"] != "", untuned["gain_over_default_per_usd"]) == (True, "")


def test_one_seed_has_no_interval_and_few_seeds_are_warned_of(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.0)], seed=0)
    (row,) = _csv(made, price_list)
    assert (row["val_score"], row["val_score_low"], row["val_score_high"], row["seeds_ok"]) == ("0", "", "", "1")
    text = _markdown(made, price_list)
    assert "0.000 (1 seed)" in text
    assert "Seeds per row: 1. Fewer than 10 seeds prove little." in text


def test_ten_seeds_are_not_warned_of(made: Made, price_list: Prices) -> None:
    for seed in range(10):
        made.search([made.trial(0, 0.5)], seed=seed)
    text = _markdown(made, price_list)
    assert "Seeds per row: 10." in text
    assert "prove little" not in text


def test_a_group_where_all_failed_keeps_its_rows(made: Made, price_list: Prices) -> None:
    made.search([], status="failed", reason="boom")
    (row,) = _csv(made, price_list)
    assert (row["seeds_ok"], row["seeds_failed"], row["val_score"], row["wall_s"], row["cost_usd"]) == (
        "0",
        "1",
        "",
        "",
        "",
    )
    text = _markdown(made, price_list)
    assert "0 (1 failed)" in text
    assert "Target: none, because no search has a score." in text


def test_unknown_energy_is_empty_with_its_reason(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5, energy_j=None)], energy={"value": None, "reason": "no RAPL counter"})
    assert _csv(made, price_list)[0]["energy_j"] == ""
    assert "Energy unknown: no RAPL counter." in _markdown(made, price_list)


def test_the_joules_say_what_they_are_of(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)], energy={"covers": "the GPU (NVML)", "reason": None})
    assert "Joules are those of the GPU (NVML) alone." in _markdown(made, price_list)


def test_joules_by_a_meter_of_the_users_own_are_said_to_be_its(made: Made, price_list: Prices) -> None:
    own = {"value": 0.0, "reason": None, "covers": "the machine at the wall, 100 %", "meter": "my plug.py"}
    made.search([made.trial(0, 0.5)], seed=0, energy=own)
    told = "the machine at the wall, 100 % (my plug.py, a meter of the user's own)"
    assert f"Joules are those of {told} alone." in _markdown(made, price_list)

    made.search([made.trial(0, 0.5)], seed=1, energy={"covers": "the machine at the wall, 100 %", "reason": None})
    assert f"Joules of {told} and of the machine at the wall, 100 % stand side by side" in _markdown(made, price_list)


def test_joules_of_two_kinds_are_said_not_to_be_comparable(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)], seed=0, energy={"covers": "the GPU (NVML)", "reason": None})
    made.search([made.trial(0, 0.5)], seed=1, energy={"value": 0.0, "reason": None})
    said = "Joules of the GPU (NVML) and of processor packages (RAPL) stand side by side: they are not comparable."
    assert said in _markdown(made, price_list)


def test_no_joules_say_nothing_of_what_they_cover(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5, energy_j=None)], energy={"covers": "the GPU (NVML)", "reason": "MIG"})
    assert "Joules" not in _markdown(made, price_list)


def test_an_unpriced_device_is_said_and_a_price_is_dated(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)], seed=0, environment={"device": "Abacus"})
    made.search([made.trial(0, 0.5)], "tpe", seed=0)
    rows = _csv(made, price_list)
    assert rows[0]["cost_usd"] == ""
    assert rows[1]["cost_usd"] != ""
    text = _markdown(made, price_list)
    assert "Cost unknown: prices.toml has no price for the device 'Abacus'." in text
    assert "Cost: 0.1008 USD per hour for cpu, as m7i.large (2 logical CPUs, 8 GiB) in us-east-1" in text
    assert "2026-11-24" in text


def test_unlike_environments_within_a_group_are_warned_of(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)], seed=0)
    made.search([made.trial(0, 0.5)], seed=1, environment={"device": "Tesla T4"})
    text = _markdown(made, price_list)
    assert "Unlike environments within animals, mobile, lr" in text
    assert "not comparable (device: cpu in 1, Tesla T4 in 1)" in text
    assert "Holds for (1 record): device Tesla T4." in text


def test_records_of_other_versions_are_said_to_be_left_out(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)])
    made.planned.clear()
    assert "Left out: 1 record of other versions of the matrix." in _markdown(made, price_list)


def test_a_search_without_a_score_is_noted(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0)], seed=0)
    made.search([made.trial(0, 0.5)], seed=1)
    assert _csv(made, price_list)[0]["seeds_unscored"] == "1"
    assert "random: 1 of 2 searches have no score; F1 leaves them out." in _markdown(made, price_list)


def test_many_alike_reasons_are_told_once(made: Made, price_list: Prices) -> None:
    for seed in range(40):
        made.plan(seed=seed)
    text = _markdown(made, price_list)
    assert "Missing: 40 cells" in text
    assert "and 35 more): not run yet." in text


def test_names_with_special_characters_stay_in_their_cells(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)], "tüner|50%_&", dataset="Füchse & Bären", backbone="b_1|x")
    assert _csv(made, price_list)[0]["tuner"] == "tüner|50%_&"
    report = efficiency.report(made.results(), prices=price_list, carbon=INTENSITY)
    assert r"tüner\|50%\_&" in rendering.markdown(report)
    assert r"tüner\textbar{}50\%\_\&" in rendering.latex(report)
    assert r"Füchse \& Bären, b\_1\textbar{}x, lr" in rendering.latex(report)


def test_joules_become_carbon_by_a_dated_figure_that_the_notes_name(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5, energy_j=3.6e6), made.trial(1, 0.5, energy_j=3.6e6)])

    rows = _csv(made, price_list)

    assert float(rows[0]["co2e_g"]) == pytest.approx(2 * 481)
    assert "Carbon: 481 g CO2e per kWh, the mean of world in 2023" in _markdown(made, price_list)


def test_unknown_joules_are_unknown_carbon_and_name_no_grid(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5, energy_j=None)])

    assert _csv(made, price_list)[0]["co2e_g"] == ""
    assert "Carbon" not in _markdown(made, price_list)


def test_models_that_a_tuner_has_built_stand_apart_and_are_charged_nowhere(made: Made, price_list: Prices) -> None:
    phases = made.trial(0, 0.5).phases
    made.search([made.trial(0, 0.5)], "random", 0)
    made.search([made.trial(0, 0.5, phases={**phases, "build": 2.0})], "tpe", 0, kind="optuna-tpe")
    made.search([made.trial(0, 0.5, phases={**phases, "build": 0.2})], "cma", 0, kind="optuna-cmaes")

    random, tpe, cma = _csv(made, price_list)

    assert [row["wall_s"] for row in (random, tpe, cma)] == ["5"] * 3
    assert [(row["builds"], row["build_s"]) for row in (random, tpe, cma)] == [("1", "4"), ("2", "6"), ("2", "4.2")]
    (noted,) = (line for line in _markdown(made, price_list).splitlines() if "built" in line)
    assert noted.startswith("- tpe: models built during the search took 2.00 s more per search, 40.0 % of what it is")


def test_searches_on_a_busy_machine_are_counted_and_named_beneath_what_counts_seconds(
    made: Made, price_list: Prices
) -> None:
    for seed in range(7):
        busy = {"others_share": {"value": 0.1 + seed / 10, "reason": None}}
        made.search([made.trial(0, 0.5)], "random", seed, busyness=busy)
    made.search([made.trial(0, 0.5)], "tpe", 0, kind="optuna-tpe")
    results = made.results()
    reports = [
        efficiency.report(results, prices=price_list, carbon=INTENSITY),
        phases.report(results),
        to_target.report(results, prices=price_list),
    ]

    noted = {note for report in reports for note in report.notes if "trusted" in note}

    (note,) = noted
    assert note.startswith("Seconds not to be trusted: 6 searches (")
    assert "others used 20 % of its processors' time; " in note
    assert note.endswith("; and 1 more).")
    (group,) = groups(results)
    assert [row.is_disturbed for row in group.rows] == [True, False]
