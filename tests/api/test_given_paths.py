from __future__ import annotations

from pathlib import Path

import pytest

from harness import matrix
from harness.api import given_paths

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["demo", "gpu", "nightly", "smoke"])
def test_matrices_that_the_harness_brings_are_known_by_their_names(name: str) -> None:
    found = given_paths.matrix_file(Path(name))

    assert found == ROOT / "benchmarks" / f"{name}.toml"
    assert matrix.load(found).name == name


def test_a_file_of_that_name_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("demo").write_text("seeds = [1]", "utf-8")

    assert given_paths.matrix_file(Path("demo")) == Path("demo")


@pytest.mark.parametrize("path", ["demo.toml", "there/demo", "./mine/demo", "nothing", "../demo", "/demo"])
def test_what_is_no_such_name_stays_a_path(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert given_paths.matrix_file(Path(path)) == Path(path)
