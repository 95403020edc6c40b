"""What the answer says in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.analysis.statistics import judged
from harness.prices import Prices
from harness.reports import answer, rendering, tuner_advice

if TYPE_CHECKING:
    from tests.analysis.conftest import Made


def _said(made: Made, price_list: Prices) -> list[str]:
    return tuner_advice.sentences(judged(made.results(), prices=price_list).answer, "macro-F1")


def _search(made: Made, tuner: str, seed: int, score: float, *, epochs: int = 2, dataset: str = "animals") -> None:
    kind = "kt-random" if tuner == "random" else "optuna-tpe"
    made.search([made.trial(0, *[score] * epochs)], tuner, seed, kind=kind, dataset=dataset)


@pytest.mark.parametrize(
    ("names", "text"), [(["a"], "a"), (["a", "b"], "a or b"), (["a", "Füchse & Co", "c"], "a, Füchse & Co or c")]
)
def test_names_are_listed_as_a_sentence_lists_them(names: list[str], text: str) -> None:
    assert tuner_advice.named(names) == text


def test_one_seed_is_not_enough_for_advice(made: Made, price_list: Prices) -> None:
    for tuner in ("random", "tpe"):
        _search(made, tuner, 0, 0.5)
    assert _said(made, price_list) == [
        "Nothing can be advised: it takes two tuners and two complete seeds, and there are 1."
    ]


def test_seeds_that_could_show_nothing_are_not_said_to_show_an_impossible_difference(
    made: Made, price_list: Prices
) -> None:
    for seed in range(2):
        for place, tuner in enumerate(("random", "tpe")):
            _search(made, tuner, seed, 0.1 + 0.8 * ((seed + place) % 2))
    *_, reach = _said(made, price_list)
    assert reach == "2 seeds can show no difference in test macro-F1, however large: run more."


def test_without_evidence_the_cheapest_are_named_whole_and_no_gain_is(made: Made, price_list: Prices) -> None:
    for seed in range(3):
        for place, tuner in enumerate(("random", "tpe", "gp")):
            _search(made, tuner, seed, 0.5 + 0.1 * ((seed + place) % 3))
    first, *others = _said(made, price_list)
    assert first == (
        "No tuner is shown to reach a higher test macro-F1 than another. Then use what costs least, as far as costs "
        "are told apart: random, tpe or gp (8.00 s a search)."
    )
    (reach,) = others
    assert reach.startswith("3 seeds would have shown a difference of 0.")
    assert reach.endswith(" in test macro-F1 four times in five; smaller ones stay unseen.")


def test_costs_that_vary_are_told_as_a_range(made: Made, price_list: Prices) -> None:
    for seed in range(2):
        _search(made, "random", seed, 0.5 + 0.2 * seed)
        _search(made, "tpe", seed, 0.7 - 0.2 * seed, epochs=3)
    for seed in (2, 3):
        _search(made, "random", seed, 0.5, epochs=3)
        _search(made, "tpe", seed, 0.5, epochs=1)
    assert "(8.00 to 9.50 s a search)" in _said(made, price_list)[0]


def test_evidence_names_the_winner_with_its_gain_and_its_cost(made: Made, price_list: Prices) -> None:
    for seed in range(6):
        _search(made, "random", seed, 0.5 + seed % 2 / 100)
        _search(made, "tpe", seed, 0.7 + seed % 3 / 100, epochs=9)
    first, second, *_ = _said(made, price_list)
    assert first == (
        "Use tpe (29.0 s a search): none is shown to be better in test macro-F1, and none that is as good to cost less."
    )
    assert second.startswith("tpe is better than random by +0.205 [+0.19")
    assert second.endswith("] in test macro-F1.")


@pytest.mark.parametrize(("seeds", "times"), [(4, 0), (5, 1), (10, 1)])
def test_tuners_that_make_no_practical_difference_are_told_so_from_five_seeds_on(
    made: Made, price_list: Prices, seeds: int, times: int
) -> None:
    for seed in range(seeds):
        _search(made, "random", seed, 0.5 + seed / 100)
        _search(made, "tpe", seed, 0.5 + seed / 100 + (-1) ** seed * 0.001)
    sentence = "Practically equivalent to random, within 0.01 of test macro-F1 with a probability of 95 % or more: tpe."
    assert _said(made, price_list).count(sentence) == times


def test_the_table_tells_every_group_and_all_together(made: Made, price_list: Prices) -> None:
    for dataset in ("animals", "Füchse|&"):
        for seed in range(2):
            _search(made, "random", seed, 0.5 + seed / 10, dataset=dataset)
            _search(made, "tpe", seed, 0.6, dataset=dataset)
    report = answer.report(made.results(), prices=price_list)
    assert [section.heading for section in report.sections] == [
        "All groups together",
        "animals, mobile, lr",
        "Füchse|&, mobile, lr",
    ]
    assert len(report.rows) == 3 * 2 * 3 * 2
    assert {name for row in report.rows for name in row} <= set(report.columns)
    random = report.sections[0].rows[0]
    assert random[2:7] == ["—"] * 5
    assert r"Füchse\|&" in rendering.markdown(report)


def test_of_one_group_all_together_says_it_all(made: Made, price_list: Prices) -> None:
    for seed in range(2):
        _search(made, "random", seed, 0.5)
        _search(made, "tpe", seed, 0.6)
    report = answer.report(made.results(), prices=price_list)
    assert [section.heading for section in report.sections] == ["All groups together"]


def test_a_verdict_is_in_the_csv_at_the_end_of_the_budget_alone(made: Made, price_list: Prices) -> None:
    for seed in range(6):
        _search(made, "random", seed, 0.5 + seed % 2 / 100)
        _search(made, "tpe", seed, 0.7 + seed % 3 / 100)
    rows = answer.report(made.results(), prices=price_list).rows
    found = {(row["axis"], row["part"]): row["verdict"] for row in rows if row["tuner"] == "tpe"}
    assert found.pop(("epochs", 1.0)) == "better"
    assert set(found.values()) == {None}
