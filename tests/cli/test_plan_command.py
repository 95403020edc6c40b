from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.campaign.conftest import Script
    from tests.cli.conftest import CommandLine


def planned(line: CommandLine, *options: str) -> dict[str, Any]:
    answer = line.plan("--json", *options)
    assert answer.code == 0
    document: dict[str, Any] = json.loads(answer.out)
    return document


def test_a_plan_lists_every_cell_and_runs_none(line: CommandLine) -> None:
    answer = line.plan()

    assert (answer.code, answer.err) == (0, "")
    assert all(cell.id[:8] in answer.out for cell in line.cells)
    assert "pending: 3 cells, at most 15 epochs\ntime unknown: " in answer.out
    assert "harness plan --calibrate finds out\n" in answer.out
    assert line.executor.started == []
    assert not line.results.exists()


def test_a_plan_in_json_holds_the_ids_that_a_run_uses(line: CommandLine) -> None:
    plan = planned(line)

    line.run()

    assert [cell["id"] for cell in plan["cells"]] == [cell.id for cell in line.matrix_folder.plan()]
    assert (plan["matrix"], plan["pending"], plan["pending_epochs"], plan["pending_wall_s"]) == ("größe 1", 3, 15, None)
    assert [cell["most_epochs"] for cell in plan["cells"]] == [3, 6, 6]


def test_what_is_done_is_pending_no_more(line: CommandLine, does: type[Script]) -> None:
    line.executor.will("kt-random", does.fail("no"))
    line.run()

    plan = planned(line)

    assert [cell["state"] for cell in plan["cells"]] == ["completed", "completed", "failed"]
    assert (plan["pending"], plan["pending_epochs"]) == (0, 0)
    assert plan["pending_wall_s"] == plan["pending_cost_usd"] == {"mean": 0.0, "low": 0.0, "high": 0.0}
    assert all(cell["forecast_s"] > 0 for cell in plan["cells"])


def test_a_calibration_makes_the_time_known(line: CommandLine) -> None:
    plan = planned(line, "--calibrate")

    assert plan["pending"] == 3
    assert plan["pending_wall_s"]["mean"] > plan["pending_device_s"]["mean"] > 0
    assert plan["pending_wall_s"]["low"] is None
    assert [program for program, _ in line.executor.started] == ["prepare", "search"]
    assert "how far off is unknown: nothing was run twice here" in line.plan().out


def test_a_calibration_speaks_on_standard_error_where_json_is_asked_for(line: CommandLine) -> None:
    answer = line.plan("--json", "--calibrate")

    assert answer.err.splitlines()[0] == "calibration: 1 cell"
    json.loads(answer.out)


def test_learning_rate_checks_are_announced(line: CommandLine) -> None:
    text = line.matrix.read_text("utf-8")
    line.matrix.write_text(text.replace("image_size = 32", "image_size = 32\nlearning_rate_factors = [1, 10]"), "utf-8")

    assert planned(line)["learning_rate_cells"] == 1
    assert "then 1 learning-rate check cell," in line.plan().out


@pytest.mark.usefixtures("without_network")
def test_what_can_not_be_downloaded_is_listed_with_its_reason(line: CommandLine) -> None:
    text = line.matrix.read_text("utf-8")
    line.matrix.write_text(text.replace("[tuners]", "[backbones.MobileNetV2]\nalpha = 0.35\n[tuners]"), "utf-8")

    plan = planned(line)

    assert len(plan["unreachable"]) == 3
    assert all("can't be downloaded" in cell["reason"] for cell in plan["unreachable"])
    assert line.plan().out.splitlines()[-1] == f"3 of 6 cells can't run here: {plan['unreachable'][0]['reason']}"


@pytest.mark.usefixtures("without_network")
def test_a_plan_of_which_nothing_can_run_is_the_one_line_that_says_why_and_exits_with_4(line: CommandLine) -> None:
    text = line.matrix.read_text("utf-8")
    line.matrix.write_text(text.replace('EfficientNetLite0]\nweights = "none"', "MobileNetV2]\nalpha = 0.35"), "utf-8")

    answer, in_json = line.plan(), line.plan("--json")

    assert (answer.code, in_json.code) == (4, 4)
    (said,) = answer.out.splitlines()
    assert said.startswith("3 of 3 cells can't run here: https://")
    assert "put the file" in said
    assert len(json.loads(in_json.out)["unreachable"]) == 3


def test_damaged_records_of_other_matrices_do_not_keep_a_plan_from_being_made(line: CommandLine) -> None:
    other = line.results / "other" / "cells" / "0123456789abcdef"
    other.mkdir(parents=True)
    (other / "record.json").write_text("{")

    assert planned(line)["pending"] == 3


def test_a_damaged_record_of_this_matrix_is_told(line: CommandLine) -> None:
    line.run()
    path = line.matrix_folder.cell(line.cells[0].id).path / "record.json"
    path.write_text("{")

    document, answer = planned(line), line.plan()

    assert [row["state"] for row in document["cells"]] == ["unreadable", "completed", "completed"]
    assert document["pending"] == 0
    assert answer.code == 0
    assert f"{path}: not JSON (" in answer.out
    assert "move its folder away and run the matrix again" in answer.out


def test_a_budget_that_ends_hyperband_in_its_first_iteration_is_said(line: CommandLine) -> None:
    text = line.matrix.read_text("utf-8").replace("kt-random = {}", "kt-hyperband = {}")
    line.matrix.write_text(text, "utf-8")

    notes = planned(line)["notes"]

    assert notes == ["kt-hyperband: one iteration takes 6 trials and 11 epochs; the budget ends it at 6"]


def test_retrainings_that_follow_are_part_of_the_forecast(line: CommandLine) -> None:
    text = line.matrix.read_text("utf-8")
    line.matrix.write_text(text.replace("[protocol]", "[protocol]\nlearning_rate_factors = [0.1, 1.0]"), "utf-8")

    plan = planned(line)

    assert (plan["learning_rate_cells"], plan["pending"], plan["pending_epochs"]) == (1, 4, 15 + 2 * 3)


@pytest.fixture
def retrained(line: CommandLine) -> CommandLine:
    """A matrix whose best configurations are to be retrained."""
    text = line.matrix.read_text("utf-8")
    line.matrix.write_text(text.replace("[protocol]", "[protocol]\nlearning_rate_factors = [0.1, 1.0]"), "utf-8")
    return line


def test_retrainings_that_are_not_run_yet_are_pending_once_the_searches_are_done(
    retrained: CommandLine, does: type[Script]
) -> None:
    retrained.executor.will("learning-rate check", does.have_trouble(), does.have_trouble())
    assert retrained.run().code == 4

    plan = planned(retrained)

    assert {cell["state"] for cell in plan["cells"]} == {"completed"}
    assert (plan["learning_rate_cells"], plan["pending"], plan["pending_epochs"]) == (1, 1, 2 * 3)
    assert plan["pending_wall_s"]["mean"] > 0
    assert "then 1 learning-rate check cell," in retrained.plan().out


@pytest.mark.parametrize("fails", [False, True])
def test_retrainings_that_are_done_or_will_never_be_are_pending_no_more(
    retrained: CommandLine, does: type[Script], *, fails: bool
) -> None:
    if fails:
        retrained.executor.will("search", *[does.fail("no such kernel")] * 3)
    retrained.run()

    plan = planned(retrained)

    assert (plan["learning_rate_cells"], plan["pending"], plan["pending_epochs"]) == (0, 0, 0)
    assert "learning-rate check" not in retrained.plan().out


def test_retrainings_of_what_is_still_searched_are_pending_with_it(retrained: CommandLine, does: type[Script]) -> None:
    retrained.executor.will("search", *[does.fail("no such kernel")] * 2, *[does.have_trouble()] * 2)
    retrained.run()

    assert planned(retrained)["pending"] == 2


def test_a_damaged_plan_of_the_last_run_is_told(retrained: CommandLine) -> None:
    retrained.run()
    path = retrained.matrix_folder.path / "plan.json"
    path.write_text("{")

    answer = retrained.plan()

    assert answer.code == 2
    assert answer.err.startswith(f"{path}: not JSON")
    assert answer.err.endswith("run the matrix again to write it anew\n")


@pytest.mark.seconds
def test_what_is_left_is_forecast_in_hours_with_an_interval(line: CommandLine) -> None:
    written = line.matrix.read_text("utf-8")
    line.matrix.write_text(written.replace("seeds = [1]", "seeds = [1, 2]"), "utf-8")
    line.run()
    line.matrix.write_text(written.replace("seeds = [1]", "seeds = [1, 2, 3]"), "utf-8")

    plan = planned(line)

    assert plan["pending"] == 3
    for name in ("wall_s", "device_s"):
        estimate = plan[f"pending_{name}"]
        assert estimate["low"] <= estimate["mean"] <= estimate["high"]
    assert "dollars unknown: no price for the machine" in line.plan().out


def test_a_budget_that_is_exceeded_is_answered_with_what_saves_how_much(line: CommandLine) -> None:
    line.plan("--calibrate")

    short, enough = line.plan("--budget", "1 s").out, line.plan("--budget", "1 day").out

    assert "times as much as 1 s; what saves how much of the time:\n" in short
    assert short.splitlines()[-1] == "  half the epochs: 31 %"
    assert enough.splitlines()[-1].startswith("within 1 day: ")


def test_a_budget_is_not_judged_by_what_is_unknown(line: CommandLine) -> None:
    assert line.plan("--budget", "$5").out.splitlines()[-1] == "whether $5 is enough isn't known"


def test_a_budget_that_is_none_is_refused_before_anything_runs(line: CommandLine) -> None:
    answer = line.plan("--budget", "much", "--calibrate")

    assert (answer.code, answer.out, line.executor.started) == (2, "", [])
