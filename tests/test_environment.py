from __future__ import annotations

from pathlib import Path

import pytest

from harness import environment
from harness.environment import Identity
from harness.record_schema import EnvironmentTable


def test_the_facts_name_the_machine_and_what_trains_on_it() -> None:
    facts = EnvironmentTable.model_validate(environment.facts())

    assert facts.cpu_model
    assert facts.logical_cpus is not None
    assert facts.memory_bytes is not None
    assert facts.memory_bytes > 2**28
    assert {"keras", "keras-tuner", "optuna", "numpy"} <= set(facts.packages or {})


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


def test_what_one_library_needs_beside_the_others_is_told_apart() -> None:
    assert environment.packages_beside(environment.lock_hash(), ("pytest",)) == {
        name: version
        for name, version in environment._with_needs(["pytest"]).items()
        if name not in environment.packages()
    }
    assert environment.packages_beside(environment.lock_hash(), ()) is None


def test_of_an_image_no_package_is_told_apart_as_its_hash_covers_them_all() -> None:
    assert environment.packages_beside("1" * 64, ("pytest",)) is None


def test_a_process_is_known_by_its_image_or_by_its_packages_where_it_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HARNESS_IMAGE_CONTENT", raising=False)
    assert environment.identity().environment == environment.lock_hash()
    monkeypatch.setenv("HARNESS_IMAGE_CONTENT", "1" * 64)

    assert environment.identity() == Identity(environment="1" * 64, code=environment.code_hash())


def test_evidence_names_hash_version_and_commit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.provenance.cache_clear()
    told = environment.provenance()
    assert told["hash"] == environment.sources_hash()
    assert told["version"]

    monkeypatch.setattr(environment, "_PACKAGE", tmp_path / "harness")
    environment.provenance.cache_clear()
    outside = environment.provenance()
    assert (outside["commit"], outside["is_altered"]) == (None, None)
    environment.provenance.cache_clear()


@pytest.mark.parametrize("git", ["", "exit 3", "sleep 60"])
def test_a_git_that_fails_or_hangs_leaves_the_commit_unknown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, git: str
) -> None:
    (tmp_path / ".git").mkdir()
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    if git:
        fake.write_text(f"#!/bin/sh\nexec {git}\n" if git.startswith("sleep") else f"#!/bin/sh\n{git}\n")
        fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:/usr/bin:/bin" if git else str(fake.parent))
    monkeypatch.setattr(environment, "_PACKAGE", tmp_path / "harness")
    monkeypatch.setattr(environment, "_GIT_PATIENCE_S", 0.2)
    environment.provenance.cache_clear()

    assert environment.provenance()["commit"] is None
    environment.provenance.cache_clear()


def test_a_worker_of_other_sources_than_its_host_knows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(environment.SOURCES, raising=False)
    assert environment.has_expected_sources()
    monkeypatch.setenv(environment.SOURCES, environment.sources_hash())
    assert environment.has_expected_sources()
    monkeypatch.setenv(environment.SOURCES, "0" * 64)
    assert not environment.has_expected_sources()
