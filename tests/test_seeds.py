from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from harness.seeds import derive


def test_seeds_are_the_same_on_every_machine() -> None:
    assert derive(1, "split") == 2130009451


@given(st.integers(), st.text())
def test_seeds_fit_every_library_and_are_never_zero(seed: int, role: str) -> None:
    assert 1 <= derive(seed, role) <= 2**31 - 2


def test_seed_zero_is_a_seed_like_any_other() -> None:
    assert derive(0, "tuner") not in (0, derive(1, "tuner"))


def test_roles_of_one_seed_differ() -> None:
    roles = ("split", "weights", "batches", "dropout", "tuner")

    assert len({derive(1, role) for role in roles}) == len(roles)


def test_near_seeds_are_far_apart() -> None:
    drawn = sorted(derive(seed, "tuner") for seed in range(200))

    assert min(b - a for a, b in pairwise(drawn)) > 200
