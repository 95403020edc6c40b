from __future__ import annotations

from typing import TYPE_CHECKING

from harness.analysis.statistics import judged
from harness.page import headline

if TYPE_CHECKING:
    from harness.prices import Prices
    from tests.analysis.conftest import Made


def _said(made: Made, price_list: Prices) -> list[str]:
    results = made.results()
    return headline.sentences(judged(results, prices=price_list), score=results.score)


def test_without_evidence_there_is_no_winner_and_what_costs_least_is_safe(made: Made, price_list: Prices) -> None:
    for seed in range(6):
        for place, tuner in enumerate(("random", "tpe", "dear")):
            epochs = 40 if tuner == "dear" else 2 + (seed + place) % 2
            score = 0.5 + 0.1 * ((seed + place) % 3)
            kind = "kt-random" if tuner == "random" else "optuna-tpe"
            made.search([made.trial(0, *[score] * epochs)], tuner, seed, kind=kind)
    first, safe, avoid = _said(made, price_list)
    assert first == "No winner: 3 tuners, 6 seeds, nothing beyond chance in test F1."
    assert safe.startswith("Safe choice: random or tpe (")
    assert avoid == "Avoid dear: 12.8 times the search seconds of random."


def test_a_tuner_that_beats_every_other_is_told_so(made: Made, price_list: Prices) -> None:
    for seed in range(6):
        made.search([made.trial(0, 0.5 + seed % 2 / 100)], "random", seed)
        made.search([made.trial(0, 0.5 + seed % 3 / 100)], "default", seed, kind="default")
        made.search([made.trial(0, 0.7 + seed % 3 / 100)], "tpe", seed, kind="optuna-tpe")
    first, gain, *others = _said(made, price_list)
    assert first == "Use tpe: shown to have a higher test F1 than each of the other 2."
    assert gain.startswith("tpe is better than random by +0.2")
    assert others == []


def test_a_tuner_that_is_shown_to_be_worse_is_to_be_avoided(made: Made, price_list: Prices) -> None:
    for seed in range(6):
        made.search([made.trial(0, 0.7 + seed % 2 / 100)], "random", seed)
        made.search([made.trial(0, 0.7 + seed % 3 / 100)], "tpe", seed, kind="optuna-tpe")
        made.search([made.trial(0, 0.5 + seed % 3 / 100)], "poor", seed, kind="optuna-gp")
    first, *_, avoid = _said(made, price_list)
    assert first.startswith("Use random or tpe: no tuner is shown to beat them in test F1")
    assert avoid.startswith("Avoid poor: −0.1")
    assert avoid.endswith("in test F1 over random.")


def test_no_tuning_is_said_where_the_default_is_the_safe_choice(made: Made, price_list: Prices) -> None:
    for seed in range(6):
        made.search([made.trial(0, *[0.5 + 0.1 * (seed % 3)] * (20 + seed))], "random", seed)
        made.search([made.trial(0, 0.5 + 0.1 * ((seed + 1) % 3))], "untuned", seed, kind="default")
    assert _said(made, price_list)[1].startswith("Safe choice: untuned (no tuning) (")


def test_too_few_seeds_are_told_with_what_it_takes(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)], "random", 0)
    (only,) = _said(made, price_list)
    assert only == "Nothing to compare yet: it takes two tuners with two complete seeds, and there are 1."


def test_the_grounds_are_pictures_searches_and_what_could_have_shown(made: Made, price_list: Prices) -> None:
    data = {"images": 151, "per_class": [76, 75], "duplicates": 3, "unreadable": [["a.txt", "no image"]]}
    for seed in range(3):
        for tuner in ("random", "tpe"):
            made.search([made.trial(0, 0.5 + seed / 100)], tuner, seed, data=data)
    made.plan("tpe", 9)
    results = made.results()
    found = dict(headline.grounds(results, judged(results, prices=price_list)))
    assert found["animals"] == "151 images, 2 classes, 4 left out"
    assert found["searches"] == "6 of 7 ended well; 3 seeds, 1 group"
    assert found["no practical difference"] == "up to 0.01 in F1, as the matrix declares"
    assert "smallest difference that could have shown" in found
