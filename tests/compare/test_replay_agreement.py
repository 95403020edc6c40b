from __future__ import annotations

from dataclasses import replace

import pytest

from harness.compare import replay_agreement
from harness.results_folder import SearchName
from harness.search_types import Epoch, Outcome, Proposal, Trial

NAME = SearchName("birds", "MobileNetV2", "grid", "kt-random", 1)


def trial(number: int, *, rate: float = 0.1, score: float = 0.5, train_s: float = 1.0, ask_s: float = 0.0) -> Trial:
    epoch = Epoch(epoch=1, val_score=score, loss=1.0, train_s=train_s, evaluate_s=0.5)
    proposal = Proposal(parameters={"learning_rate": rate}, last_epoch=1)
    made = Trial.of(proposal, number=number, outcome=Outcome.COMPLETED, epochs=[epoch], charged_epochs=1)
    return replace(made, phases={"ask": ask_s, "train": train_s, "audit": 9.0})


def test_equal_searches_agree_whatever_was_thought_or_scored_off_the_clock() -> None:
    found = replay_agreement.of({NAME: ([trial(0, ask_s=7.0), trial(1)], [trial(0), trial(1, train_s=1.08)])})

    assert found.agrees
    assert (found.whole.searches, found.whole.proposals, found.whole.scores) == (1, 1, 1)
    assert found.whole.ratio == pytest.approx(1.04)
    assert found.section.rows[-1] == ["all", "1", "1", "1", "2.000", "2.080", "1.040"]


def test_seconds_that_are_more_than_a_twentieth_apart_are_no_agreement() -> None:
    found = replay_agreement.of({NAME: ([trial(0)], [trial(0, train_s=1.06)])})

    assert (found.agrees, found.differences) == (False, ())


@pytest.mark.parametrize(
    ("replayed", "said", "proposals", "scores"),
    [
        ([trial(0), trial(1, rate=0.2)], "trial 1: proposed", 0, 1),
        ([trial(0), trial(1, score=0.4)], "trial 1: scores or end differ", 1, 0),
        ([trial(0)], "2 trials, and 1 in the replay", 0, 0),
    ],
)
def test_the_first_difference_of_a_search_is_told(
    replayed: list[Trial], said: str, proposals: int, scores: int
) -> None:
    found = replay_agreement.of({NAME: ([trial(0), trial(1)], replayed)})

    (line,) = found.differences
    assert line.startswith(f"{NAME}: {said}")
    assert not found.agrees
    assert (found.tuners[0].proposals, found.tuners[0].scores) == (proposals, scores)
