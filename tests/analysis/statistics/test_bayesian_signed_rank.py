from __future__ import annotations

import baycomp
import numpy as np
import pytest

from harness.analysis.statistics import bayesian_signed_rank

NEAR = 0.03  # four standard errors of a probability over 5,000 draws


@pytest.mark.parametrize(
    "differences",
    [
        [0.01, 0.02, -0.005],
        [0.05] * 4,
        [-0.03, -0.001, 0.0, 0.002, -0.04, -0.02],
        [0.01, 0.01, -0.01, -0.01],
        [0.008, -0.004, 0.012, 0.011, 0.02, 0.013, -0.001, 0.015, 0.0, 0.03],
    ],
)
def test_it_agrees_with_the_authors_own(differences: list[float]) -> None:
    found = bayesian_signed_rank.signed_rank(differences, rope=0.01)
    ours, theirs = np.array(differences), np.zeros(len(differences))
    worse, equivalent, better = baycomp.SignedRankTest.probs(ours, theirs, rope=0.01, nsamples=5000, random_state=1)[
        ::-1
    ]
    assert found is not None
    assert (found.better, found.equivalent, found.worse) == pytest.approx((better, equivalent, worse), abs=NEAR)


@pytest.mark.parametrize("differences", [[0.01, 0.03, -0.2], [0.0, 0.0], [0.5] * 20])
def test_the_three_sum_to_one(differences: list[float]) -> None:
    found = bayesian_signed_rank.signed_rank(differences, rope=0.01)
    assert found is not None
    assert found.better + found.equivalent + found.worse == pytest.approx(1.0)


def test_turned_around_it_is_turned_around() -> None:
    differences = [0.02, -0.01, 0.03, 0.005, 0.012]
    one, other = (
        bayesian_signed_rank.signed_rank([sign * each for each in differences], rope=0.01) for sign in (1, -1)
    )
    assert one is not None
    assert other is not None
    assert (one.better, one.equivalent, one.worse) == (other.worse, other.equivalent, other.better)


def test_ties_are_equivalent_and_large_differences_certain() -> None:
    tied, apart = (
        bayesian_signed_rank.signed_rank([0.0] * 10, rope=0.01),
        bayesian_signed_rank.signed_rank([0.3] * 10, rope=0.01),
    )
    assert tied is not None
    assert apart is not None
    assert tied.equivalent == 1.0
    assert apart.better == pytest.approx(1.0, abs=0.001)


@pytest.mark.parametrize("differences", [[], [0.5]])
def test_fewer_than_two_seeds_have_no_spread(differences: list[float]) -> None:
    assert bayesian_signed_rank.signed_rank(differences, rope=0.01) is None


def test_the_same_seeds_give_the_same_numbers() -> None:
    assert bayesian_signed_rank.signed_rank([0.1, -0.1, 0.02], rope=0.01) == bayesian_signed_rank.signed_rank(
        [0.1, -0.1, 0.02], rope=0.01
    )
