from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.compare import history
from harness.compare.history import Night
from harness.errors import ResultsError

if TYPE_CHECKING:
    from tests.compare.conftest import Run


def night(number: int = 1, like: str = "l", epoch: float = 1.0) -> Night:
    values = {"epoch": {"all searches": epoch}}
    return Night(schema_version=3, night=f"2026-01-{number:02}", like=like, searches=1, planned=1, values=values)


def _line(values: dict[str, object] | None = None, **changes: object) -> str:
    fields = {**night().model_dump(), **({} if values is None else {"values": values}), **changes}
    return json.dumps({name: value for name, value in fields.items() if value is not ...})


def test_a_night_holds_means_of_each_part_by_measure(run: Callable[[str], Run]) -> None:
    found = history.summary(run("a").all().results())

    assert found is not None
    assert (found.night, found.searches, found.planned) == ("2026-01-01T00:00:00+00:00", 16, 16)
    assert found.values["score"] == pytest.approx({"all searches": 0.5, "random": 0.5, "tpe [µ]": 0.5})
    assert set(found.values) == {"score", "epoch", "thinking", "startup", "memory"}


def test_another_machine_and_another_budget_make_another_series(run: Callable[[str], Run]) -> None:
    same, plain = history.summary(run("a").all().results()), history.summary(run("b").all().results())
    machine = history.summary(run("c").all(environment={"device": "NVIDIA L4"}).results())
    budget = history.summary(run("d").all(cell={"budget": {"epochs": 1}}).results())

    assert same is not None
    assert plain is not None
    assert machine is not None
    assert budget is not None
    assert same.like == plain.like
    assert len({plain.like, machine.like, budget.like}) == 3


def test_a_run_without_a_finished_search_is_no_night(run: Callable[[str], Run]) -> None:
    assert history.summary(run("a").all(status="failed", reason="crash").results()) is None


def test_nights_are_added_once_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "größe" / "history.jsonl"

    added = [history.append(path, night(1)), history.append(path, night(2)), history.append(path, night(2))]

    assert added == [True, True, False]
    assert history.read(path) == [night(1), night(2)]
    assert [file.name for file in path.parent.iterdir()] == ["history.jsonl"]


def test_the_same_night_of_another_machine_is_another_line(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"

    assert [history.append(path, night(1)), history.append(path, night(1, like="other"))] == [True, True]


def test_an_empty_history_has_no_night(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_text("\n")

    assert history.read(path) == []


def test_no_history_names_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="no such file; harness compare --history"):
        history.read(tmp_path / "history.jsonl")


@pytest.mark.parametrize("where", ["", "history.jsonl/history.jsonl"])
def test_what_is_no_file_is_named_with_the_way_out(tmp_path: Path, where: str) -> None:
    (tmp_path / "history.jsonl").write_text("")

    with pytest.raises(ResultsError, match=r"can't be read \(.+\); name a file that harness compare --history wrote$"):
        history.read(tmp_path / where)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "not JSON (EOF while parsing an object at line 1 column 1)"),
        ("3", "line: input should be an object (given: 3)"),
        (_line(like=...), "like: field required"),
        (_line(luck=7), "luck: extra inputs are not permitted (given: 7)"),
        (_line(luck=7, like=...), "like: field required, and 1 more"),
        (_line(schema_version=4), "schema_version: input should be 1, 2 or 3 (given: 4)"),
        (_line(searches="many"), "searches: input should be a valid integer (given: 'many')"),
        (_line(night="3"), "night: no date and time such as 2026-11-24T01:17:00+00:00 (given: '3')"),
        (_line({"epoch": 1}), "values.epoch: input should be an object (given: 1)"),
        (_line({"epoch": {"tpe [µ]": "fast"}}), "values.epoch.tpe [µ]: input should be a valid number (given: 'fast')"),
        (_line({"score": {"all": math.nan}}), "values.score.all: input should be a finite number (given: nan)"),
        (_line({"epoch": {"all": -1}}), "values.epoch.all: -1 is no cost, which is above 0"),
        (_line({"memory": {"all": 0.0}}), "values.memory.all: 0 is no cost, which is above 0"),
        (_line({"score": {"all": 87.1}}), "values.score.all: 87.1 is no score, which is from 0 to 1"),
        (_line(searches=-1), "searches: input should be greater than or equal to 0 (given: -1)"),
        ("[" * 100_000, "not JSON (recursion limit exceeded at line 1 column 202)"),
    ],
)
def test_a_line_that_is_no_night_is_told_with_key_and_value_and_the_file_kept(
    tmp_path: Path, line: str, said: str
) -> None:
    path = tmp_path / "history.jsonl"
    history.append(path, night(1))
    path.write_text(path.read_text("utf-8") + line + "\n", "utf-8")
    before = path.read_bytes()

    with pytest.raises(ResultsError) as caught:
        history.append(path, night(2))

    assert str(caught.value) == f"{path}: line 2: {said}; correct the line, or take it out"
    assert path.read_bytes() == before


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_bytes(b"\xff\xfe\n")

    with pytest.raises(ResultsError, match=r"history\.jsonl: line 1: not JSON \(.*; correct the line, or take it out$"):
        history.read(path)


def test_a_line_of_the_first_version_is_read_and_written_as_of_the_last(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    first: dict[str, object] = {"f1": {"all searches": 0.5}, "epoch": {"all searches": 1.0}}
    path.write_text(_line(first, schema_version=1) + "\n")

    earlier = history.read(path)
    history.append(path, night(2))

    assert [(one.schema_version, one.values) for one in earlier] == [
        (3, {"score": first["f1"], "epoch": first["epoch"]})
    ]
    assert history.read(path) == [*earlier, night(2)]
    assert [json.loads(line)["schema_version"] for line in path.read_text().splitlines()] == [3, 3]


def test_a_score_of_0_is_a_night(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_text(_line({"score": {"all searches": 0}}))

    assert history.read(path)[0].values == {"score": {"all searches": 0.0}}
