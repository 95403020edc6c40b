from __future__ import annotations

from pathlib import Path

import pytest

from harness import environment
from harness.environment import Identity


def test_the_facts_name_the_machine_and_what_trains_on_it() -> None:
    facts = environment.facts()

    assert facts["cpu_model"]
    assert facts["logical_cpus"] >= 1
    assert facts["memory_bytes"] > 2**28
    assert {"keras", "keras-tuner", "optuna", "numpy"} <= set(facts["packages"])


def test_the_facts_say_on_which_processors_and_beside_how_many_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HARNESS_AT_ONCE", raising=False)
    assert environment.facts()["at_once"] == 1
    monkeypatch.setenv("HARNESS_AT_ONCE", "4")
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {9, 1, 2, 3}, raising=False)

    facts = environment.facts()

    assert (facts["at_once"], facts["cpu_set"], facts["logical_cpus"]) == (4, "1-3,9", 4)


@pytest.mark.parametrize(
    ("cpus", "said"), [((), ""), ((7,), "7"), ((0, 1), "0-1"), ((5, 0, 2, 1, 6, 7), "0-2,5-7"), (range(128), "0-127")]
)
def test_processors_are_listed_as_the_kernel_does(cpus: tuple[int, ...], said: str) -> None:
    assert environment.cpu_list(cpus) == said


def test_the_lock_covers_what_a_search_imports_and_leaves_out_what_it_does_not() -> None:
    packages = environment.packages()

    assert {"keras", "numpy", "scipy", "sqlalchemy"} <= set(packages)
    assert not {"pytest", "ruff", "mypy", "tuner-harness"} & set(packages)


def test_another_version_of_a_package_is_another_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    before = environment.lock_hash()
    changed = {**environment.packages(), "numpy": "0.0.1"}
    environment.lock_hash.cache_clear()
    monkeypatch.setattr(environment, "packages", lambda: changed)

    assert environment.lock_hash() != before
    environment.lock_hash.cache_clear()


def test_a_process_is_known_by_its_image_or_by_its_packages_where_it_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HARNESS_IMAGE_CONTENT", raising=False)
    assert environment.identity().environment == environment.lock_hash()
    monkeypatch.setenv("HARNESS_IMAGE_CONTENT", "1" * 64)

    assert environment.identity() == Identity(environment="1" * 64, code=environment.code_hash())


def test_code_that_a_search_runs_through_changes_the_hash_and_other_code_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "reports").mkdir()
    for name in ("search.py", "plans.py", "reports/page.py"):
        (tmp_path / name).write_text("1")
    monkeypatch.setattr(environment, "_PACKAGE", tmp_path)

    def hashed() -> str:
        environment.code_hash.cache_clear()
        return environment.code_hash()

    before = hashed()
    (tmp_path / "reports/page.py").write_text("2")
    assert hashed() == before
    (tmp_path / "search.py").write_text("2")
    assert hashed() != before
    environment.code_hash.cache_clear()
