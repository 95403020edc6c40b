from __future__ import annotations

import itertools
import statistics

import pytest

from harness.compare import sign_flip_test


def test_one_comparison_has_the_p_of_fishers_sign_flip_test() -> None:
    # Darwin's maize, in eighths of an inch: Fisher 1935, The Design of Experiments, section 21, counts the sums that
    # are as large as the one seen, and finds 863 of 32,768 patterns.
    maize = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
    larger = sum(sum(s * d for s, d in zip(signs_, maize, strict=True)) >= sum(maize) for signs_ in _patterns(15))

    p = sign_flip_test.flip([dict(enumerate(map(float, maize)))], ["f"])[0]

    assert larger == 863
    assert p == pytest.approx(863 / 32768, abs=0.01)  # 15 seeds: patterns are drawn


def test_few_seeds_are_flipped_in_every_pattern() -> None:
    changes = {1: 3.0, 2: 1.0, 3: -0.5, 4: 2.0}
    larger = sum(
        statistics.fmean(s * d for s, d in zip(pattern, changes.values(), strict=True)) >= 5.5 / 4 - 1e-9
        for pattern in _patterns(4)
    )

    assert sign_flip_test.flip([changes], ["f"]) == [larger / 16]


def test_a_change_that_all_seeds_share_has_the_smallest_p() -> None:
    changes = {seed: 1.0 + 0.01 * seed for seed in range(10)}

    assert sign_flip_test.flip([changes], ["f"]) == [1 / 1024] == [sign_flip_test.smallest_p(10)]


def test_more_comparisons_make_each_less_certain() -> None:
    changes = [{seed: 0.4 + ((seed * 37 + 11 * number) % 17 - 8) / 8 for seed in range(10)} for number in range(8)]

    alone = sign_flip_test.flip(changes[:1], ["f"])[0]
    together = sign_flip_test.flip(changes, ["f"] * 8)[0]

    assert alone < together


def test_nothing_changed_is_no_alarm() -> None:
    assert sign_flip_test.flip([dict.fromkeys(range(10), 0.0)] * 3, ["f"] * 3) == [1.0, 1.0, 1.0]


def test_no_comparison_and_one_seed_are_survived() -> None:
    assert sign_flip_test.flip([], []) == []
    assert sign_flip_test.flip([{7: 1.0}], ["f"]) == [0.5]


def test_comparisons_of_different_seeds_stand_side_by_side() -> None:
    whole = {seed: 1.0 + 0.01 * seed for seed in range(10)}

    found = sign_flip_test.flip([whole, {3: 0.1}], ["f", "g"])

    assert found[0] <= 2 / 1024
    assert found[1] > 0.05


def test_many_seeds_are_flipped_the_same_way_each_time() -> None:
    changes = [{seed: 0.3 + (seed % 5 - 2) / 2 for seed in range(30)}]

    assert sign_flip_test.flip(changes, ["f"]) == sign_flip_test.flip(changes, ["f"])


def _patterns(seeds: int) -> itertools.product[tuple[int, ...]]:
    return itertools.product((1, -1), repeat=seeds)
