from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from harness.search_types import Trial

if TYPE_CHECKING:
    from tests.campaign.conftest import Script
    from tests.cli.conftest import Answer, CommandLine

Trained = Callable[..., Trial]


def best(line: CommandLine, *options: str) -> Answer:
    return line.call("best", str(line.matrix), "--results", str(line.results), *options)


@pytest.fixture
def ran(line: CommandLine, does: type[Script], trained: Trained) -> CommandLine:
    """A run of which one search won, one lost and one failed."""
    line.executor.will("default", does.succeed(trained(0, 0.25, 0.125)))
    line.executor.will("optuna-tpe", does.succeed(trained(0, 0.5), trained(1, 0.25, 0.75)))
    line.executor.will("kt-random", does.fail("no such kernel"))
    line.run()
    return line


def test_the_best_configuration_is_printed_with_what_found_it(ran: CommandLine) -> None:
    answer = best(ran)

    assert (answer.code, answer.err) == (0, "")
    assert "digits, EfficientNetLite0, lr only" in answer.out
    assert "learning_rate" in answer.out
    assert "Found by optuna-tpe on seed 1, in trial 1, epoch 2" in answer.out
    assert "Validation macro-F1 0.750, by which it was chosen" in answer.out
    assert "Failed: 1 cell (digits, EfficientNetLite0, lr only, kt-random, seed 1): no such kernel." in answer.out


def test_one_tuner_can_be_asked_for(ran: CommandLine) -> None:
    answer = best(ran, "--tuner", "default")

    assert answer.code == 0
    assert "Found by default on seed 1, in trial 0, epoch 1" in answer.out
    assert "no such kernel" not in answer.out


def test_a_tuner_without_a_finished_search_is_said_in_a_line(ran: CommandLine) -> None:
    answer = best(ran, "--tuner", "kt-random")

    assert answer.code == 0
    assert "No best configuration: of 1 search 1 failed.\n" in answer.out


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_tuner_that_is_not_there_is_an_error_of_one_line(ran: CommandLine, options: tuple[str, ...]) -> None:
    answer = best(ran, "--tuner", "optuna-tpa", *options)

    assert (answer.code, answer.out) == (2, "")
    assert answer.err.endswith("größe 1: unknown tuner 'optuna-tpa'; did you mean 'optuna-tpe'?\n")
    assert answer.err.count("\n") == 1


def test_json_holds_each_group_exactly(ran: CommandLine) -> None:
    answer = best(ran, "--json")

    document = json.loads(answer.out)
    (group,) = document["best"]
    assert (document["matrix"], document["exit_code"], answer.code) == ("größe 1", 0, 0)
    assert (group["tuner"], group["seed"], group["trial"], group["epoch"]) == ("optuna-tpe", 1, 1, 2)
    assert (group["val_score"], group["metric"]) == (0.75, "macro_f1")
    assert (group["searches_ok"], group["searches_failed"], group["searches_missing"]) == (2, 1, 0)
    assert "learning_rate" in group["parameters"]
    assert any("no such kernel" in note for note in document["notes"])


def test_json_of_a_group_without_a_winner_has_nulls(ran: CommandLine) -> None:
    (group,) = json.loads(best(ran, "--tuner", "kt-random", "--json").out)["best"]

    assert (group["parameters"], group["val_score"], group["tuner"]) == (None, None, None)


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_matrix_that_was_not_run_is_an_error_of_one_line(line: CommandLine, options: tuple[str, ...]) -> None:
    answer = best(line, *options)

    assert (answer.code, answer.out) == (2, "")
    assert "run the matrix first: harness run" in answer.err
    assert answer.err.count("\n") == 1


def test_a_matrix_none_of_whose_searches_has_a_record_is_an_error_of_one_line(
    line: CommandLine, does: type[Script]
) -> None:
    line.executor.will("search", *(does.be_killed() for _ in range(6)))
    line.run()

    answer = best(line)

    assert (answer.code, answer.out) == (2, "")
    assert "no search has a record yet; run the matrix first: harness run" in answer.err
    assert answer.err.count("\n") == 1


def test_on_a_narrow_terminal_nothing_is_lost(ran: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")

    answer = best(ran)

    assert answer.code == 0
    assert "learning_rate" in answer.out
