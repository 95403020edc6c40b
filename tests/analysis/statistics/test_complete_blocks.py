from __future__ import annotations

from typing import TYPE_CHECKING

from harness import analysis
from harness.analysis.statistics import complete_blocks

if TYPE_CHECKING:
    from tests.analysis.conftest import Made


def test_a_missing_search_leaves_its_block_out_and_is_counted(made: Made) -> None:
    for seed in range(3):
        made.search([made.trial(0, 0.5)], "a", seed)
    made.search([made.trial(0, 0.5)], "b", 0)
    made.plan("b", 1)
    found = complete_blocks.blocks(analysis.groups(made.results()))
    assert [block.seed for block in found.complete] == [0]
    assert found.remarks == ["Left out, as a search is missing: 2 of 3."]


def test_a_tuner_that_a_group_lacks_is_left_out_by_name(made: Made) -> None:
    for dataset in ("animals", "Füchse"):
        made.search([made.trial(0, 0.5)], "a", dataset=dataset)
    made.search([made.trial(0, 0.5)], "naïve", dataset="Füchse")
    made.plan("naïve", dataset="animals")
    found = complete_blocks.blocks(analysis.groups(made.results()))
    assert (found.tuners, len(found.complete), found.groups) == (("a",), 2, 2)
    assert found.remarks == ["Left out, as some group has no search of theirs: naïve."]


def test_no_groups_have_no_blocks() -> None:
    found = complete_blocks.blocks([])
    assert (found.tuners, found.complete, found.remarks) == ((), (), [])


def test_failed_and_unscored_searches_are_without_a_model_and_unknown_ones_unknown(made: Made) -> None:
    made.search([made.trial(0, 0.5)], "scored")
    made.search([made.trial(0, 0.9)], "failed", status="failed", reason="boom")
    made.search([made.trial(0, charged_epochs=1)], "unscored")
    made.plan("missing")
    found = [complete_blocks.score(search) for search in made.results().searches]
    assert found == [0.4, complete_blocks.NO_MODEL, complete_blocks.NO_MODEL, None]


def _tests_of(made: Made) -> complete_blocks.Seeds:
    return complete_blocks.over_seeds(analysis.groups(made.results()), lambda _, search: complete_blocks.score(search))


def test_searches_on_one_recorded_seed_are_averaged_within_it(made: Made) -> None:
    for seed, score in enumerate((0.5, 0.6, 0.9, 0.4), start=1):
        made.search([made.trial(0, score)], "a", seed, recorded=1 + seed % 2)
        made.search([made.trial(0, 0.7)], "b", seed, recorded=1 + seed % 2)
    found = _tests_of(made)
    assert (found.seeds, found.remarks) == ((2, 1), ())
    assert found.values == (((0.4 + 0.8) / 2, 0.6), ((0.5 + 0.3) / 2, 0.6))
    assert complete_blocks.searches(found, "a") == [(0.4, 0.8), (0.5, 0.3)]


def test_a_recorded_seed_stays_though_some_of_its_searches_are_missing_and_they_are_counted(made: Made) -> None:
    for seed in range(1, 5):
        made.search([made.trial(0, 0.5)], "a", seed, recorded=1 + seed % 2)
    for seed in (1, 2):
        made.search([made.trial(0, 0.5)], "b", seed, recorded=1 + seed % 2)
    for seed in (3, 4):
        made.plan("b", seed)
    found = _tests_of(made)
    assert found.seeds == (2, 1)
    assert found.remarks == ("Averaged without searches that are missing or of unknown value: 2 of 8.",)


def test_a_replayed_seed_that_was_not_reached_yet_is_no_seed_that_is_left_out(made: Made) -> None:
    for tuner in ("a", "b"):
        made.search([made.trial(0, 0.5)], tuner, 1, recorded=1)
        made.plan(tuner, 2)
    found = _tests_of(made)
    assert found.seeds == (1,)
    assert found.remarks == ("Averaged without searches that are missing or of unknown value: 2 of 4.",)
