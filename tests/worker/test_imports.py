from __future__ import annotations

import gc

import pytest

from harness.worker.imports import uncollected


def test_nothing_is_collected_within_and_everything_again_afterwards() -> None:
    with uncollected():
        assert not gc.isenabled()

    assert gc.isenabled()
    assert gc.get_freeze_count() > 0
    gc.unfreeze()


def test_an_import_that_fails_turns_the_collector_on_again() -> None:
    with pytest.raises(ImportError), uncollected():
        raise ImportError

    assert gc.isenabled()
    gc.unfreeze()
