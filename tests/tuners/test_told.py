"""What every library is told in the same way."""

from __future__ import annotations

import pytest

from harness.tuners import told


@pytest.mark.parametrize(
    ("expected", "startup"), [(None, 10), (0, 3), (1, 3), (9, 3), (12, 4), (29, 9), (30, 10), (31, 10), (10**6, 10)]
)
def test_a_third_of_the_expected_trials_starts_a_model(expected: int | None, startup: int) -> None:
    assert told.startup_trials(expected, most=10) == startup


def test_the_start_is_never_longer_than_the_librarys_own() -> None:
    assert told.startup_trials(1, most=2) == 2
