from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness import code_identity
from harness.campaign import code_identity_cache


@pytest.fixture(autouse=True)
def _as_if_never_asked() -> Iterator[None]:
    _forget()
    yield
    _forget()


def _forget() -> None:
    code_identity_cache.of_cell.cache_clear()
    code_identity_cache.of_training.cache_clear()


def test_they_are_the_hashes_of_the_harness_s_own_sources() -> None:
    found = code_identity_cache.of_cell(library="optuna", model="MobileNetV2")

    assert found == code_identity.of_cell(library="optuna", model="MobileNetV2")
    assert code_identity_cache.of_training(model="MobileNetV2") == code_identity.of_training(model="MobileNetV2")


def test_cells_of_one_kind_walk_through_the_sources_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A matrix may have a thousand cells, and a walk takes tens of milliseconds."""
    walked: list[tuple[str, str]] = []

    def walk(*, library: str, model: str, data: str, program: str) -> str:
        assert (data, program) == ("", "")
        walked.append((library, model))
        return f"{library} {model}"

    monkeypatch.setattr(code_identity, "of_cell", walk)

    kinds = [("optuna", "MobileNetV2"), ("harness", "MobileNetV2"), ("optuna", "EfficientNetLite0")]
    found = [code_identity_cache.of_cell(library=library, model=model) for library, model in kinds * 100]

    assert found == [f"{library} {model}" for library, model in kinds * 100]
    assert walked == kinds
