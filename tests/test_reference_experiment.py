"""The planned contrasts of the reference experiment, on made-up searches of which the truth is known."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import harness
from benchmarks.reference import replay
from benchmarks.reference.replay import Contrast
from harness import events
from harness.api import curves


def searches(effects: dict[str, float], *, spread: float = 0.001) -> pl.DataFrame:
    """Return ten table seeds × two tables × two tuner seeds of each tuner, around 0.8 and its effect."""
    random = np.random.default_rng(1)
    names = [*replay.TUNERS, *replay.OTHERS]
    rows = [
        {
            "tuner": tuner,
            "training_seed": seed,
            "dataset": "animals",
            "backbone": backbone,
            "test_score": 0.8 + 0.1 * (backbone == "b") + effects.get(tuner, 0.0) + random.normal(0, spread),
        }
        for tuner, seed, backbone, _ in product(names, range(10), "ab", range(2))
    ]
    return pl.DataFrame(rows)


def words(found: pl.DataFrame) -> dict[tuple[str, str], str]:
    return {(each.tuner, each.other): each.word for each in replay.contrasts(found, budget="25 epochs")}


def test_what_was_planted_is_called_by_the_plan_s_words() -> None:
    found = words(searches({"kt-hyperband": 0.02, "default": 0.05, "kt-grid": 0.003}))

    assert found[("kt-hyperband", "kt-random")] == "superior"
    assert found[("kt-hyperband", "default")] == "inferior"
    assert found[("kt-bayesian", "kt-random")] == "equivalent"
    assert found[("kt-bayesian", "kt-grid")] == "inferior, equivalent"
    assert len(found) == 6


def test_what_scatters_too_much_is_not_decided() -> None:
    assert set(words(searches({}, spread=0.05)).values()) == {"not decided"}


def test_a_table_with_fewer_searches_counts_as_much_as_another() -> None:
    found = searches({"kt-hyperband": 0.02})
    half = found.filter(~((pl.col("backbone") == "a") & (pl.arange(pl.len()) % 2 == 0)))

    few = {each.other: each.mean for each in replay.contrasts(half, budget="25 epochs") if each.tuner == "kt-hyperband"}
    assert few["kt-random"] == pytest.approx(0.02, abs=0.002)


def test_every_budget_has_a_matrix_and_the_slow_tuner_fewer_seeds() -> None:
    for budget, limit in replay.BUDGETS.items():
        made = replay.matrix(budget, seeds=100)
        assert {key: value for key, value in made.spec.budget.model_dump().items() if value is not None} == limit
        assert made.spec.exclude[0].seed == list(range(replay.SEEDS_OF_SLOW + 1, 101))


def test_contrasts_are_drawn(tmp_path: Path) -> None:
    found = [
        Contrast(budget=budget, tuner=tuner, other=other, mean=0.001, low=-0.002, high=0.004)
        for budget, tuner, other in product(replay.BUDGETS, replay.TUNERS, replay.OTHERS)
    ]
    replay.draw(found, tmp_path / "one.svg")
    replay.draw(found, tmp_path / "two.svg")

    assert "kt-hyperband − kt-grid" in (tmp_path / "one.svg").read_text("utf-8")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


@pytest.mark.slow
def test_the_recorded_tables_are_searched_by_every_tuner_of_the_plan(tmp_path: Path) -> None:
    tables = sorted(replay.HERE.glob("*.parquet"))
    ran = curves.replay(tables, matrix=replay.matrix("25 epochs", seeds=1), results=tmp_path, thinking="none")

    assert dict(ran.states) == {events.State.OK: 4 * 13}
    found = harness.load(ran.path, matrix=ran.matrix).searches()
    assert found["training_seed"].unique().to_list() == [1]
    # No tuning is one training of ten epochs, whatever the budget.
    untuned = [row for row in found.to_dicts() if row["tuner"] == "default"]
    assert [row["epochs"] for row in untuned] == [10] * 4
    assert all(0.8 < row["test_score"] < 0.95 for row in untuned)
