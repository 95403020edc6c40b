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
