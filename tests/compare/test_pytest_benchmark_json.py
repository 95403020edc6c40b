from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pytest_benchmark.stats import Stats

from harness.analysis import MatrixResults
from harness.compare.pytest_benchmark_json import benchmarks

if TYPE_CHECKING:
    from tests.compare.conftest import Run


@pytest.mark.seconds
def test_pytest_benchmark_compares_two_nights(run: Callable[[str], Run], tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    for number, train_s in enumerate((2.0, 3.0), start=1):
        (storage / "machine").mkdir(parents=True, exist_ok=True)
        path = storage / "machine" / f"000{number}_night.json"
        path.write_text(json.dumps(benchmarks(run(f"r{number}").all(train_s=train_s).results())))

    command = [str(Path(sys.executable).with_name("pytest-benchmark")), "--storage", str(storage), "compare"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert "seconds per epoch" in said
    assert "epoch[animals-mobile-lr-tpe [µ]] (0001_night)" in said
    assert "epoch[animals-mobile-lr-tpe [µ]] (0002_night)" in said


def written(results: MatrixResults) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(json.dumps(benchmarks(results)))["benchmarks"]
    return found


def test_every_field_of_pytest_benchmark_is_there_with_its_value(run: Callable[[str], Run]) -> None:
    found = written(run("a").all().results())[0]["stats"]

    expected: Any = Stats()  # type: ignore[no-untyped-call] # it has no types
    for value in found["data"]:
        expected.update(value)
    assert len(found["data"]) == 8
    for field in expected.fields:
        wanted = getattr(expected, field)
        assert found[field] == (wanted if isinstance(wanted, str) else pytest.approx(wanted)), field


def test_github_action_benchmark_finds_what_it_reads(run: Callable[[str], Run]) -> None:
    # extractPytestResult of its src/extract.ts reads fullname and, of stats, ops, stddev, mean and rounds.
    for one in written(run("a").all().results()):
        stats: dict[str, Any] = one["stats"]
        assert isinstance(one["fullname"], str)
        assert all(isinstance(stats[field], (int, float)) for field in ("ops", "stddev", "mean", "rounds"))
        assert stats["ops"] == pytest.approx(1 / stats["mean"])


def test_the_same_records_give_the_same_bytes(run: Callable[[str], Run]) -> None:
    results = run("a").all().results()

    assert json.dumps(benchmarks(results)) == json.dumps(benchmarks(results))


def test_one_seed_has_no_spread_and_failed_searches_no_benchmark(run: Callable[[str], Run]) -> None:
    one = run("a")
    one.search("random", 1)
    one.search("tpe", 1, status="failed", reason="crash")

    found = written(one.results())

    assert {bench["params"]["tuner"] for bench in found} == {"random"}
    assert {(bench["stats"]["rounds"], bench["stats"]["stddev"]) for bench in found} == {(1, 0.0)}


def test_no_search_is_no_benchmark(run: Callable[[str], Run]) -> None:
    found = benchmarks(run("a").results())

    assert (found["benchmarks"], found["datetime"]) == ([], "1970-01-01T00:00:00+00:00")
