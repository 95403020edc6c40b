from __future__ import annotations

from typing import TYPE_CHECKING

from harness import prices
from harness.analysis import groups
from harness.analysis.cost_axes import Axis
from harness.analysis.statistics import verdicts
from harness.analysis.statistics.profiles import profiles as profile
from harness.analysis.statistics.tuner_ranks import ranks as rank
from harness.analysis.tuner_style_lookup import styles
from harness.plots import anytime, critical_difference, profiles

if TYPE_CHECKING:
    from tests.analysis.conftest import Made

PRICES = prices.load()


def _compared(made: Made, seeds: int = 3) -> None:
    for seed in range(seeds):
        for place, tuner in enumerate(("kt-random", "optuna-tpe", "kt-hyperband")):
            made.search([made.trial(0, 0.2, 0.4 + place / 10 + seed / 100)], tuner, seed, kind=tuner)


def _anytime(made: Made, axis: Axis) -> str:
    results = made.results()
    (group,) = groups(results)
    svg, _ = anytime.draw(
        group,
        made.folder.path / "x",
        title="t",
        axis=axis,
        looks=styles(groups(results)),
        prices=PRICES,
    )
    return svg.read_text("utf-8")


def _ranks(made: Made) -> str:
    found = groups(made.results())
    said = rank(found, verdicts(found, prices=PRICES))
    return critical_difference.draw(said, made.folder.path / "x", looks=styles(found), score="F1")[0].read_text("utf-8")


def test_a_curve_names_its_tuner_its_seeds_and_its_axis(made: Made) -> None:
    _compared(made)

    text = _anytime(made, Axis.WALL_S)

    assert all(f">{name} (3)<" in text for name in ("kt-random", "optuna-tpe", "kt-hyperband"))
    assert ">search s spent<" in text
    assert "Shaded: pointwise 95 % t interval" in text


def test_searches_that_are_in_no_curve_are_counted_beneath_it(made: Made) -> None:
    _compared(made)
    made.search([], "kt-random", 7, status="failed", reason="boom")
    made.plan("optuna-tpe", 8)

    text = _anytime(made, Axis.EPOCHS)

    assert "Searches left out, as failed, missing or of unknown cost: kt-random (1), optuna-tpe (1)." in text


def test_an_axis_that_nobody_measured_is_said(made: Made) -> None:
    made.search([made.trial(0, 0.5, energy_j=None)])

    assert "No search has a test F1 and a known cost." in _anytime(made, Axis.ENERGY_J)


def test_ranks_are_drawn_at_their_means_with_what_they_rest_on(made: Made) -> None:
    _compared(made)

    text = _ranks(made)

    assert ">kt-hyperband  0.510<" in text
    assert ">mean test F1 over seeds and groups<" in text
    assert "3 seeds, 1 group: some differ, all pairs tested together." in text
    assert "fewer than 10 show only large differences" in text
    assert "not told apart" not in text


def test_a_bar_stands_under_tuners_that_cant_be_told_apart(made: Made) -> None:
    for seed in range(3):
        for place, tuner in enumerate(("kt-random", "Füchse & Bären", "kt-hyperband")):
            made.search([made.trial(0, 0.5 + 0.1 * ((seed + place) % 3))], tuner, seed)

    text = _ranks(made)

    assert text.count(">not told apart<") == 1
    assert "no two are shown to differ" in text


def test_one_tuner_has_no_ranks_and_the_picture_says_why(made: Made) -> None:
    made.search([made.trial(0, 0.5)])

    assert "No ranks: fewer than two tuners." in _ranks(made)


def test_a_profile_says_how_many_problems_it_is_a_share_of(made: Made) -> None:
    _compared(made)
    results = made.results()
    problems = profile(groups(results), axis=Axis.WALL_S, prices=PRICES)

    text = profiles.draw(problems, made.folder.path / "x", looks=styles(groups(results)))[0].read_text("utf-8")

    assert "share of 3 problems (groups × seeds)" in text
