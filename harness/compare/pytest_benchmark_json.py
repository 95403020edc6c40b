"""A run's seconds in the form of pytest-benchmark, which other tools read."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from harness import __version__
from harness.analysis import Group, MatrixResults, Row, groups
from harness.compare import measures
from harness.compare.measures import EPOCH, STARTUP, THINKING, Measure
from harness.record_schema import EnvironmentTable

_SECONDS = (EPOCH, THINKING, STARTUP)
_VERSION = "5.3.1"
_FENCE = 1.5


def benchmarks(results: MatrixResults) -> dict[str, object]:
    """Return what ``pytest --benchmark-json`` writes: a benchmark for each tuner of each group and each of its seconds.

    A round is a search, so that rounds are seeds. The fields are those of pytest-benchmark 5.3; the time is when the
    last search was begun, so that the same records give the same bytes. Scores and memory are no seconds and are in
    ``extra_info``.
    """
    began = [search.record.started_at for search in results.searches if search.record is not None]
    return {
        "machine_info": _machine(results),
        "commit_info": {"id": "unknown", "time": None, "author_time": None, "dirty": False, "project": "harness"}
        | {"branch": "(unknown)"},
        "benchmarks": [
            _benchmark(group, row, measure, values)
            for group in groups(results)
            for row in group.rows
            for measure in _SECONDS
            if (values := _read(row, measure))
        ],
        "datetime": max(began, default=datetime.fromtimestamp(0, UTC).isoformat()),
        "version": _VERSION,
    }


def _benchmark(group: Group, row: Row, measure: Measure, values: Sequence[float]) -> dict[str, object]:
    parameters = {**group.name._asdict(), "tuner": row.tuner}
    where = "-".join(parameters.values())
    return {
        "group": measure.title,
        "name": f"{measure.name}[{where}]",
        "fullname": f"harness::{measure.name}[{where}]",
        "params": parameters,
        "param": where,
        "extra_info": {"unit": "seconds", "seeds": len(values), **_beside(row)},
        "options": {"disable_gc": False, "timer": "perf_counter", "warmup": False},
        "stats": _stats(values),
    }


def _beside(row: Row) -> dict[str, object]:
    return {"test_score": row.test_score.mean, "searches_ok": len(row.ok), "searches_planned": len(row.searches)}


def _read(row: Row, measure: Measure) -> list[float]:
    found = [measures.readings(search).get(measure.name) for search in row.ok]
    return [value for value in found if value is not None]


def _stats(values: Sequence[float]) -> dict[str, object]:
    q1, middle, q3 = _quartiles(values)
    low, high = q1 - _FENCE * (q3 - q1), q3 + _FENCE * (q3 - q1)
    mean = statistics.fmean(values)
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    beyond = sum(abs(value - mean) > spread for value in values)
    outside = sum(not low <= value <= high for value in values)
    return {
        "min": min(values),
        "max": max(values),
        "mean": mean,
        "stddev": spread,
        "rounds": len(values),
        "median": middle,
        "iqr": q3 - q1,
        "q1": q1,
        "q3": q3,
        "iqr_outliers": outside,
        "stddev_outliers": beyond,
        "outliers": f"{beyond};{outside}",
        "ld15iqr": min(value for value in values if value >= low),
        "hd15iqr": max(value for value in values if value <= high),
        "ops": 1 / mean,
        "total": math.fsum(values),
        "data": list(values),
        "iterations": 1,
    }


def _quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the medians of the lower half, of all and of the upper half; of an odd number both have the middle."""
    ordered = sorted(values)
    lower, upper = ordered[: (len(ordered) + 1) // 2], ordered[len(ordered) // 2 :]
    return statistics.median(lower), statistics.median(ordered), statistics.median(upper)


def _machine(results: MatrixResults) -> Mapping[str, object]:
    known = (search.environment for search in results.searches if search.environment.told)
    environment = next(known, EnvironmentTable())
    return {
        "node": "unknown",
        "machine": environment.device or "unknown",
        "system": environment.platform or "unknown",
        "python_version": environment.python or "unknown",
        "harness_version": __version__,
        "cpu": {"brand_raw": environment.cpu_model, "count": environment.logical_cpus},
    }
