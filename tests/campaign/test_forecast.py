from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness import prices
from harness.campaign import forecast
from harness.campaign.forecast import Rates
from harness.cells import Cell, domains_of
from harness.matrix_schema import Augmentation, Budget, Scalar, TunerSection
from harness.search_types import Trial
from harness.space import Choice, Domain, Range, Space

if TYPE_CHECKING:
    from tests.campaign.conftest import Bench, Script

PRICES = prices.load()
Trained = Callable[..., Trial]
GRID: dict[str, Domain] = {
    "learning_rate": Range(low=1e-4, high=1e-1, log=True, default=1e-3),
    "batch_size": Choice(choices=(16, 32), default=32),
}


def earlier(bench: Bench) -> Rates:
    return forecast.rates(forecast.earlier(bench.folder.path.parent), price_list=PRICES)


def asking(cell: Cell, tuner: str = "optuna-tpe", **budget: Any) -> Cell:
    name, _, points = tuner.partition(":")
    options: dict[str, Scalar] = {"points": int(points)} if points else {}
    tuned = {"tuner": TunerSection(tuner=name, options=options), "domains": domains_of(Space(GRID))}
    return cell.model_copy(update={**tuned, "budget": Budget(**budget)})


@pytest.mark.parametrize(
    ("tuner", "budget", "epochs"),
    [
        ("optuna-tpe", {"epochs": 60}, 60),
        ("optuna-tpe", {"trials": 7}, 7 * 3),
        ("optuna-tpe", {"epochs": 60, "trials": 7}, 7 * 3),
        ("optuna-tpe", {"epochs": 20, "trials": 7}, 20),
        ("optuna-tpe", {"wall_s": 60.0}, None),
        ("default", {"wall_s": 60.0}, 3),
        ("default", {"epochs": 60}, 3),
        # Five values of a range are the grid's default.
        ("kt-grid", {"epochs": 60}, 5 * 2 * 3),
        ("optuna-grid:2", {"device_s": 9.0}, 2 * 2 * 3),
        ("kt-grid:100", {"epochs": 60}, 60),
    ],
)
def test_a_search_trains_at_most_what_its_first_limit_allows(
    cell: Cell, tuner: str, budget: dict[str, Any], epochs: int | None
) -> None:
    assert forecast.most_epochs(asking(cell, tuner, **budget)) == epochs


def test_nothing_like_it_means_unknown(cell: Cell) -> None:
    assert forecast.seconds(cell, {}) is None


def test_seconds_come_from_what_like_cells_took(bench: Bench, cell: Cell, does: type[Script], trained: Trained) -> None:
    bench.executor.will("search", does.succeed(trained(0, 0.2, 0.3), trained(1, 0.4, 0.1)))
    bench.run([cell])

    rates = earlier(bench)

    # Set-up 4.5 s, shutdown 0.5 s; a trial of two epochs takes 3.375 s.
    assert forecast.seconds(cell, rates) == pytest.approx(5.0 + 6 * 3.375 / 2)
    other = asking(cell, "kt-random", epochs=6)
    assert forecast.seconds(other, rates) == forecast.seconds(cell, rates)
    # A budget in seconds ends there; what is set up before comes on top.
    assert forecast.seconds(asking(cell, wall_s=60.0), rates) == pytest.approx(5.0 + 60.0)
    assert forecast.seconds(asking(cell, wall_s=60.0, epochs=6), rates) == forecast.seconds(other, rates)


def test_builds_are_forecast_once_for_a_search_and_beside_a_budget_in_seconds(
    bench: Bench, cell: Cell, does: type[Script], trained: Trained
) -> None:
    phases = trained(0).phases
    trials = [trained(number, 0.2, 0.3, phases={**phases, "build": 10.0}) for number in range(2)]
    bench.executor.will("search", does.succeed(*trials))
    bench.run([cell])

    rates = earlier(bench)

    assert forecast.seconds(cell, rates) == pytest.approx(5.0 + 20.0 + 6 * 3.375 / 2)
    assert forecast.seconds(asking(cell, wall_s=60.0), rates) == pytest.approx(5.0 + 20.0 + 60.0)


def test_the_same_tuner_counts_for_more_than_others(
    bench: Bench, cells: list[Cell], does: type[Script], trained: Trained
) -> None:
    slow = trained(0, 0.5, phases={"ask": 100.0, "train": 1.0})
    bench.executor.will("search", does.succeed(slow), does.succeed(trained(0, 0.5, phases={"ask": 1.0})))
    bench.run(cells[:2])
    rates = earlier(bench)

    assert forecast.seconds(cells[0], rates) == pytest.approx(5.0 + 6 * 101.0)
    assert forecast.seconds(cells[1], rates) == pytest.approx(5.0 + 6 * 1.0)
    assert forecast.seconds(cells[2], rates) == pytest.approx(5.0 + 6 * (101.0 + 1.0) / 2)


@pytest.mark.parametrize("change", [{"image_size": 64}, {"augmentation": Augmentation(flip="vertical")}], ids=str)
def test_another_size_of_images_or_augmentation_is_nothing_like_it(
    bench: Bench, cell: Cell, change: dict[str, Any]
) -> None:
    bench.run([cell])
    rates = earlier(bench)
    other = cell.model_copy(update={"protocol": cell.protocol.model_copy(update=change)})

    assert forecast.seconds(other, rates) is None
    assert forecast.seconds(cell, rates) is not None


def test_failed_and_empty_searches_forecast_nothing(bench: Bench, cells: list[Cell], does: type[Script]) -> None:
    bench.executor.will("search", does.fail("no"), does.succeed(trials=()))
    bench.run(cells[:2])

    assert earlier(bench) == {}


@pytest.mark.parametrize("damage", ["{", "[]", '{"schema_version": 999}', '{"schema_version": 1}'])
def test_what_can_not_be_read_is_left_out(bench: Bench, cells: list[Cell], damage: str) -> None:
    bench.run(cells[:2])
    (bench.folder_of(cells[0]).path / "record.json").write_text(damage)
    (bench.folder_of(cells[1]).path / "trials.jsonl").write_text('{"number": 0}\n')

    assert earlier(bench) == {}


def test_no_results_are_no_earlier_ones(bench: Bench) -> None:
    assert forecast.earlier(bench.folder.path.parent) == []


def test_a_calibration_is_an_untuned_search_of_two_epochs_for_each_kind(cells: list[Cell]) -> None:
    larger = cells[0].model_copy(update={"protocol": cells[0].protocol.model_copy(update={"image_size": 64})})

    found = forecast.calibrations([*cells, larger])

    assert [cell.protocol.image_size for cell in found] == [32, 64]
    assert {(cell.tuner.tuner, cell.budget.epochs) for cell in found} == {("default", 2)}


def test_a_calibration_forecasts_every_tuner(bench: Bench, cells: list[Cell]) -> None:
    bench.run(forecast.calibrations(cells))

    rates = earlier(bench)

    assert all(forecast.seconds(cell, rates) is not None for cell in cells)


def test_folders_that_go_while_earlier_cells_are_looked_for_are_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for cell in ("one", "two"):
        (tmp_path / "demo" / "cells" / cell).mkdir(parents=True)
        (tmp_path / "demo" / "cells" / cell / "record.json").write_text("{}")
    (tmp_path / "demo" / "preparations" / "going").mkdir(parents=True)
    scandir = os.scandir

    def gone(path: str | Path) -> Iterator[os.DirEntry[str]]:
        if Path(path).name == "going":
            Path(path).rmdir()
        return scandir(path)

    monkeypatch.setattr(os, "scandir", gone)
    assert [folder.path.name for folder in forecast.earlier(tmp_path)] == ["one", "two"]
