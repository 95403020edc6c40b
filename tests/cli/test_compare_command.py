from __future__ import annotations

import datetime as dt
import errno
import importlib.util
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness import files

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine
    from tests.compare.conftest import Run

# Test folders are no packages, so that what a sibling folder has is loaded by path.
_SPEC = importlib.util.spec_from_file_location("two_runs", Path(__file__).parents[1] / "compare" / "conftest.py")
assert _SPEC is not None
assert _SPEC.loader is not None
_MODULE = importlib.util.module_from_spec(_SPEC)
sys.modules[_SPEC.name] = _MODULE
_SPEC.loader.exec_module(_MODULE)

run = _MODULE.run


@pytest.fixture
def baseline(run: Callable[[str], Run]) -> str:
    return str(run("a").all().path)


@pytest.fixture
def slower(run: Callable[[str], Run]) -> str:
    return str(run("b").all(train_s=3.0).path)


def test_the_exit_code_is_the_verdict(line: CommandLine, baseline: str, slower: str, tmp_path: Path) -> None:
    codes = [
        line.call("compare", baseline, baseline).code,
        line.call("compare", baseline, slower).code,
        line.call("compare", str(tmp_path / "nothing"), slower).code,
    ]

    assert codes == [0, 1, 2]


def test_the_table_names_measure_place_change_and_verdict(line: CommandLine, baseline: str, slower: str) -> None:
    answer = line.call("compare", baseline, slower)

    row = next(text for text in answer.out.splitlines() if "seconds per epoch  " in text)
    assert re.search(
        r"all searches +16 +8 +\d\.\d\d s +\d\.\d\d s +\+\d\d\.\d % +\+\d\d\.\d % to \+\d\d\.\d % +0\.\d\d\d +worse",
        row,
    )
    assert answer.out.splitlines()[0].endswith(": worse")
    assert answer.err == ""


def test_all_forms_are_written(line: CommandLine, baseline: str, slower: str, tmp_path: Path) -> None:
    out = tmp_path / "out put"
    names = {"--markdown": "c.md", "--json": "c.json", "--benchmark-json": "b.json", "--history": "h.jsonl"}
    options = [part for option, name in names.items() for part in (option, str(out / name))]

    line.call("compare", baseline, slower, *options)

    told = json.loads((out / "c.json").read_text())
    assert (told["verdict"], told["exit_code"], told["pairs"], told["seeds"]) == ("worse", 1, 16, 8)
    epoch = next(one for one in told["findings"] if (one["measure"], one["level"]) == ("epoch", "all"))
    assert epoch["change"] == pytest.approx(0.34, abs=0.01)
    assert "seconds per epoch worse in all searches" in (out / "c.md").read_text()
    assert json.loads((out / "b.json").read_text())["benchmarks"]
    assert len((out / "h.jsonl").read_text().splitlines()) == 1


def test_links_among_the_outputs_stay_links(line: CommandLine, baseline: str, tmp_path: Path) -> None:
    names = {"--markdown": "c.md", "--json": "c.json", "--benchmark-json": "b.json", "--history": "h.jsonl"}
    for name in names.values():
        (tmp_path / name).symlink_to(f"kept {name}")

    line.call(
        "compare",
        baseline,
        baseline,
        *(part for option, name in names.items() for part in (option, str(tmp_path / name))),
    )
    line.call("drift", str(tmp_path / "h.jsonl"), "--markdown", str(tmp_path / "c.md"))

    assert [(tmp_path / name).is_symlink() for name in names.values()] == [True] * 4
    assert "Drift over 1 night" in (tmp_path / "kept c.md").read_text("utf-8")
    assert len((tmp_path / "kept h.jsonl").read_text("utf-8").splitlines()) == 1


def test_an_output_that_can_not_be_written_is_the_users_mistake(
    line: CommandLine, baseline: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    place = tmp_path / "file" / "c.md"

    answer = line.call("compare", baseline, baseline, "--markdown", str(place))

    assert (answer.code, answer.err) == (2, f"{place}: can't be written (File exists); name another file\n")


def test_an_output_that_the_disk_refuses_is_the_machines_trouble(line: CommandLine, baseline: str) -> None:
    answer = line.call("compare", baseline, baseline, "--markdown", "/dev/full")

    assert (answer.code, answer.err) == (4, "/dev/full: No space left on device; free some space, then run again\n")


def test_a_history_that_the_disk_refuses_hides_no_verdict_and_no_exit_code(
    line: CommandLine, baseline: str, slower: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "h.jsonl"

    def refuse(path: Path, _: bytes) -> None:
        raise PermissionError(errno.EACCES, "Forbidden", str(path))

    monkeypatch.setattr(files, "write_output", refuse)

    alike, worse = (line.call("compare", baseline, one, "--history", str(place)) for one in (baseline, slower))

    assert (alike.code, worse.code) == (4, 1)
    assert alike.err == worse.err == f"{place}: Forbidden; allow it, or choose another folder, then run again\n"
    assert "no worse" in alike.out


def test_a_first_night_has_no_baseline_and_is_written_all_the_same(
    line: CommandLine, slower: str, tmp_path: Path
) -> None:
    history, told = tmp_path / "h.jsonl", tmp_path / "c.json"

    answer = line.call("compare", str(tmp_path / "none"), slower, "--history", str(history), "--json", str(told))

    assert answer.code == 2
    assert "no results of a matrix" in answer.out
    assert json.loads(told.read_text())["verdict"] == "can't be compared"
    assert history.exists()


def test_a_candidate_that_can_not_be_read_leaves_no_older_outputs_that_mislead(
    line: CommandLine, baseline: str, tmp_path: Path
) -> None:
    names = {"--markdown": "c.md", "--json": "c.json", "--benchmark-json": "b.json", "--history": "h.jsonl"}
    options = [part for option, name in names.items() for part in (option, str(tmp_path / name))]
    line.call("compare", baseline, baseline, *options)
    (Path(baseline) / "plan.json").rename(tmp_path / "plan.json")
    kept = (tmp_path / "h.jsonl").read_bytes()

    one, both = (
        line.call("compare", earlier, str(tmp_path / "none"), *options) for earlier in (baseline, str(tmp_path / "no"))
    )

    told = json.loads((tmp_path / "c.json").read_text("utf-8"))
    assert (one.code, both.code) == (2, 2)
    assert (told["verdict"], told["exit_code"]) == ("can't be compared", 2)
    assert [reason.split(": no results")[0] for reason in told["reasons"]] == [
        f"baseline: {tmp_path / 'no'}",
        f"candidate: {tmp_path / 'none'}",
    ]
    assert f"candidate: {tmp_path / 'none'}: no results of a matrix" in (tmp_path / "c.md").read_text("utf-8")
    assert json.loads((tmp_path / "b.json").read_text("utf-8"))["benchmarks"] == []
    assert (tmp_path / "h.jsonl").read_bytes() == kept
    assert f"{tmp_path / 'h.jsonl'}: not added to: no search was finished\n" in one.err


def test_a_night_is_added_to_the_history_once(line: CommandLine, baseline: str, tmp_path: Path) -> None:
    history = tmp_path / "h.jsonl"

    said = [line.call("compare", baseline, baseline, "--history", str(history)).err for _ in range(2)]

    assert said == ["", f"{history}: has this night already\n"]


def test_a_plan_and_a_folder_of_one_matrix_stand_for_it(line: CommandLine, baseline: str) -> None:
    answer = line.call("compare", str(Path(baseline) / "plan.json"), str(Path(baseline).parent))

    assert answer.code == 0


def test_a_folder_of_two_matrices_asks_which(line: CommandLine, baseline: str) -> None:
    both = Path(baseline).parent
    (both / "second").mkdir()
    (both / "second" / "plan.json").write_text("{}")

    answer = line.call("compare", baseline, str(both))

    assert answer.code == 2
    assert f"candidate: {both}: holds several matrices; name one of" in answer.out


def test_a_minimum_decides_what_counts(line: CommandLine, baseline: str, slower: str) -> None:
    options = [part for name in ("epoch", "target") for part in ("--minimum", name, "0.5")]

    assert line.call("compare", baseline, slower, *options).code == 0
    assert line.call("compare", baseline, slower, "--minimum", "speed", "1").code == 2


def test_unlike_runs_go_on_only_if_asked(line: CommandLine, baseline: str, run: Callable[[str], Run]) -> None:
    other = str(run("c").all(environment={"device": "NVIDIA L4"}).path)

    refused, insisted = line.call("compare", baseline, other), line.call("compare", baseline, other, "--unlike")

    assert (refused.code, insisted.code) == (2, 0)
    assert "unlike device: cpu → NVIDIA L4 (16)" in refused.out
    assert "UNLIKE, compared all the same: device: cpu → NVIDIA L4 (16)" in insisted.out


def night(number: int, epoch: float) -> str:
    """A line of a history, ``number`` days after New Year's Day."""
    fields = {
        "schema_version": 1,
        "night": f"{dt.date(2026, 1, 1) + dt.timedelta(days=number)}T01:17:00+00:00",
        "like": "l",
        "searches": 1,
        "planned": 1,
        "values": {"epoch": {"all searches": epoch + 0.001 * (number % 3)}},
    }
    return json.dumps(fields) + "\n"


def test_drift_says_what_crept(line: CommandLine, tmp_path: Path) -> None:
    history = tmp_path / "h.jsonl"
    nights = [night(number, 1.0 if number < 20 else 1.1) for number in range(40)]
    history.write_text("".join(nights))

    worse = line.call("drift", str(history), "--markdown", str(tmp_path / "d.md"))
    history.write_text("".join(nights[:20]))
    short = line.call("drift", str(history))

    assert (worse.code, short.code) == (1, 0)
    assert "Drift over 40 nights: worse" in worse.out
    assert "seconds per epoch" in (tmp_path / "d.md").read_text()
    assert "too few to say" in short.out


def test_a_history_is_drawn_and_leads_to_the_runs_that_it_is_of(
    line: CommandLine, baseline: str, tmp_path: Path
) -> None:
    history, page, badge = tmp_path / "h.jsonl", tmp_path / "h.html", tmp_path / "b.json"
    line.call("compare", baseline, baseline, "--history", str(history), "--badge", str(badge))
    compared = json.loads(badge.read_text())["message"]

    line.call("drift", str(history), "--page", str(page), "--badge", str(badge))

    (night,) = map(json.loads, history.read_text().splitlines())
    assert (tmp_path / night["run"] / "plan.json").is_file()
    assert "<polyline" in page.read_text()
    assert (compared, json.loads(badge.read_text())["message"]) == ("no worse", "1 night, too few to say")


@pytest.fixture
def stepped(tmp_path: Path) -> Path:
    """Thirty nights on one level, then forty on a worse one, from the thirty-first of January on."""
    history = tmp_path / "h.jsonl"
    history.write_text("".join(night(number, 1.0 if number < 30 else 1.1) for number in range(70)))
    return history


def test_a_level_that_is_accepted_is_no_longer_worse(line: CommandLine, stepped: Path) -> None:
    before, after = line.call("drift", str(stepped)), line.call("drift", str(stepped), "--since", "2026-01-31")

    assert (before.code, after.code) == (1, 0)
    assert "--since 2026-01-31" in before.out
    assert "Drift over 40 nights: no worse" in after.out
    assert "30 nights before 2026-01-31 are left out." in after.out


@pytest.mark.parametrize(("since", "code", "said"), [
    ("2025-12-31", 1, "Drift over 70 nights: worse"),
    ("2026-01-31T01:17:00+00:00", 0, "Drift over 40 nights: no worse"),
    ("2026-02-11", 0, "Drift over 29 nights: no worse"),
    ("2026-02-13", 0, "Drift over 27 nights: too few to say"),
    ("2026-03-11", 0, "Drift over 1 night: too few to say"),
])  # fmt: skip
def test_drift_begins_with_the_night_that_is_asked_for(
    line: CommandLine, stepped: Path, since: str, code: int, said: str
) -> None:
    answer = line.call("drift", str(stepped), "--since", since)

    assert answer.code == code
    assert answer.out.startswith(said)
    assert ("left out" in answer.out) == (since != "2025-12-31")


@pytest.mark.parametrize("since", ["last week", "2026-02-30", "", "nan"])
def test_a_date_that_is_none_is_the_users_mistake(line: CommandLine, stepped: Path, since: str) -> None:
    answer = line.call("drift", str(stepped), "--since", since)

    assert (answer.code, answer.out) == (2, "")
    assert answer.err.endswith(f"Invalid value for '--since': {since!r} is not a date such as 2026-11-24.\n")


def test_a_date_after_the_last_night_is_the_users_mistake(line: CommandLine, stepped: Path) -> None:
    answer = line.call("drift", str(stepped), "--since", "2062-02-01")

    assert (answer.code, answer.out) == (2, "")
    assert (
        answer.err == f"{stepped}: holds no night since 2062-02-01, the last is of 2026-03-11; name an earlier date\n"
    )


def test_drift_without_a_night_is_the_users_mistake(line: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "h.jsonl").write_text("")

    answer = line.call("drift", str(tmp_path / "h.jsonl"))

    assert (answer.code, answer.out) == (2, "")
    assert "holds no night" in answer.err


@pytest.mark.parametrize("kind", ["folder", "no night", "negative"])
def test_a_history_that_can_not_be_used_is_the_users_mistake_in_one_line(
    line: CommandLine, tmp_path: Path, kind: str
) -> None:
    history = tmp_path / "h.jsonl"
    if kind == "folder":
        history.mkdir()
    else:
        history.write_text(night(1, 1.0) + ('{"a": 1}' if kind == "no night" else night(2, -1.0)))

    answer = line.call("drift", str(history))

    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"{history}: " + ("can't be read" if kind == "folder" else "line 2: "))
    assert answer.err.count("\n") == 1


def test_a_broken_history_is_told_and_kept_and_the_comparison_is_written_all_the_same(
    line: CommandLine, baseline: str, slower: str, tmp_path: Path
) -> None:
    history, told = tmp_path / "h.jsonl", tmp_path / "c.json"
    history.write_text("{")
    options = ["--history", str(history), "--json", str(told)]

    no_worse, worse = (
        line.call("compare", baseline, baseline, *options),
        line.call("compare", baseline, slower, *options),
    )

    assert (no_worse.code, worse.code) == (2, 1)
    assert no_worse.err == worse.err
    assert no_worse.err.startswith(f"{history}: line 1: not JSON")
    assert (json.loads(told.read_text())["verdict"], json.loads(told.read_text())["exit_code"]) == ("worse", 1)
    assert history.read_text() == "{"
