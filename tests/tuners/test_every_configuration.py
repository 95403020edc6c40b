"""The tuner that proposes all there is, to be recorded."""

from __future__ import annotations

import pytest

from harness.catalogue.grid_points import configurations
from harness.errors import UserError
from harness.search_types import Outcome, Proposal, Trial
from harness.space import Choice, Fixed, Range, Space
from harness.tuners.every_configuration import EveryConfiguration

SPACE = Space(
    {
        "learning_rate": Choice(choices=(0.1, 0.01), default=0.1),
        "dropout": Range(low=0.0, high=0.3, step=0.1, default=0.0),
        "optimizer": Fixed(value="adam"),
    }
)


def asked(tuner: EveryConfiguration, outcome: Outcome = Outcome.COMPLETED) -> list[Proposal]:
    """Return all proposals, each of which ends as it is told to."""
    proposals: list[Proposal] = []
    while (proposal := tuner.ask()) is not None:
        tuner.tell(Trial.of(proposal, number=len(proposals), outcome=outcome, epochs=[]))
        proposals.append(proposal)
    return proposals


def test_every_configuration_is_proposed_once_for_each_chain() -> None:
    proposals = asked(EveryConfiguration(space=SPACE, rungs=[[10]]))
    values = [(each.parameters["learning_rate"], each.parameters["dropout"]) for each in proposals]
    assert values == [(rate, drop) for rate in (0.1, 0.01) for drop in (0.0, 0.1, 0.2, 0.3)]
    assert {each.parameters["optimizer"] for each in proposals} == {"adam"}
    assert {(each.first_epoch, each.last_epoch, each.parent) for each in proposals} == {(1, 10, None)}


def test_a_chain_goes_on_from_the_trial_before_it() -> None:
    proposals = asked(EveryConfiguration(space=SPACE, rungs=[[10], [2, 4, 10]]))
    epochs = [(each.first_epoch, each.last_epoch, each.parent) for each in proposals[:8]]
    assert epochs == [
        *((1, 10, None), (1, 2, None), (3, 4, 1), (5, 10, 2)),
        *((1, 10, None), (1, 2, None), (3, 4, 5), (5, 10, 6)),
    ]


@pytest.mark.parametrize("outcome", [Outcome.DIVERGED, Outcome.OUT_OF_MEMORY, Outcome.FAILED])
def test_a_trial_that_ended_before_its_time_is_not_continued(outcome: Outcome) -> None:
    proposals = asked(EveryConfiguration(space=SPACE, rungs=[[2, 10]]), outcome)
    assert len(proposals) == SPACE.size
    assert {each.parent for each in proposals} == {None}


def test_where_all_is_fixed_there_is_one_configuration() -> None:
    assert list(configurations(Space({"dropout": Fixed(value=0.5)}))) == [{"dropout": 0.5}]


def test_a_continuum_is_refused() -> None:
    space = Space({"learning_rate": Range(low=0.1, high=1.0, log=True, default=0.1)})
    with pytest.raises(UserError, match="learning_rate: a range without steps"):
        list(configurations(space))
