from __future__ import annotations

import errno
import gc
import json
import shlex
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import harness
from harness import analysis, reports
from harness.campaign import run as campaign
from harness.campaign.folder_holding import only_one
from harness.campaign.limits import Limits
from harness.cli.run_command import RunOptions, run
from harness.executors import processor_sets
from harness.placement import executor_choice as placement
from harness.placement.executor_choice import Where
from harness.search_types import Trial

if TYPE_CHECKING:
    from tests.campaign.conftest import FakeExecutor, Script
    from tests.cli.conftest import CommandLine

Trained = Callable[..., Trial]


@pytest.mark.seconds
@pytest.mark.usefixtures("real_pictures")
def test_a_run_that_finishes_prints_plain_lines_and_tables_and_exits_with_0(line: CommandLine) -> None:
    answer = line.run()

    assert (answer.code, answer.err) == (0, "")
    assert "\x1b" not in answer.out
    lines = answer.out.splitlines()
    assert lines[0] == "größe 1: 3 cells"
    assert lines[1] == "preparing digits for EfficientNetLite0"
    what = "digits · EfficientNetLite0 · lr only"
    assert lines[2] == f"begins: {what} · default · seed 1"
    assert lines[3].startswith(f"[1/3] {what} · default · seed 1: validation macro-F1 0.500, ")
    assert lines[7].startswith(f"[3/3] {what} · kt-random · seed 1: validation macro-F1 0.500, ")
    assert "optuna-tpe" in "\n".join(lines[8:])
    assert lines[-3:] == [
        f"tables: {3 * len(reports.REPORTS)} files in {line.matrix_folder.tables}",
        f"page: {line.matrix_folder.path / 'report.html'}",
        f"pictures: {len(list(line.matrix_folder.plots.rglob('*.*')))} files in {line.matrix_folder.plots}",
    ]
    assert (line.matrix_folder.tables / "efficiency.csv").is_file()


@pytest.mark.seconds
def test_a_second_run_says_what_was_finished_earlier_and_runs_nothing(line: CommandLine) -> None:
    line.run()
    line.executor.started.clear()

    answer = line.run()

    assert answer.code == 0
    assert answer.out.splitlines()[0] == "größe 1: 3 cells, 3 of them finished earlier"
    assert line.executor.started == []


def test_a_failed_search_exits_with_3_and_says_why(line: CommandLine, does: type[Script]) -> None:
    line.executor.will("optuna-tpe", does.fail("no such kernel"))

    answer = line.run()

    assert answer.code == 3
    assert "optuna-tpe · seed 1: failed, no macro-F1: no such kernel" in answer.out
    assert "kt-random · seed 1: validation macro-F1 0.500" in answer.out


@pytest.mark.seconds
def test_failed_searches_are_retried_when_asked(line: CommandLine, does: type[Script]) -> None:
    line.executor.will("optuna-tpe", does.fail("no such kernel"))
    line.run()

    assert line.run().code == 3
    assert line.run("--retry-failed").code == 0


@pytest.mark.seconds
def test_failures_that_a_limit_leaves_unrepeated_are_counted_as_left_and_stay_in_the_tables(
    line: CommandLine, does: type[Script]
) -> None:
    line.executor.will("optuna-tpe", does.fail("no such kernel"))
    line.run()

    answer = line.run("--retry-failed", "--max-hours", str(5 / 3600))

    assert answer.code == 5
    assert "2 of 3 cells are done and kept; left: 1, " in answer.err
    assert "optuna-tpe  0 (1 failed)" in answer.out
    assert line.run("--retry-failed").code == 0


def test_a_missing_search_exits_with_4_even_beside_a_failed_one(line: CommandLine, does: type[Script]) -> None:
    line.executor.will("optuna-tpe", does.fail("no such kernel"))
    line.executor.will("kt-random", does.have_trouble(), does.have_trouble())

    answer = line.run()

    assert answer.code == 4
    assert "kt-random · seed 1: missing, no macro-F1: exit code 75: the disk is away" in answer.out


@pytest.mark.seconds
def test_a_damaged_trial_exits_with_4_and_is_a_missing_row_that_names_file_line_and_way_out(
    line: CommandLine, does: type[Script], trained: Trained
) -> None:
    line.executor.will("optuna-tpe", does.be_killed(trained(0, 0.2)), does.be_killed(trained(1, 0.3)))
    assert line.run().code == 4
    path = line.matrix_folder.cell(line.cells[1].id).path / "trials.jsonl"
    path.write_bytes(path.read_bytes().replace(b"{", b"\xff", 1))

    answer, tables = line.run(), line.tables()

    assert (answer.code, answer.err, tables.code) == (4, "", 0)
    reason = f"{path}: line 1 can't be read ("
    assert f"missing, no macro-F1: unreadable outcome: {reason}" in answer.out
    (row,) = [search for search in analysis.read(line.matrix_folder).searches if search.reason is not None]
    assert reason in str(row.reason)
    assert "move its folder away and run the matrix again" in str(row.reason)


@pytest.mark.seconds
@pytest.mark.parametrize("voice", [[], ["--quiet"]])
@pytest.mark.parametrize("name", ["record.json", "trials.jsonl"])
def test_a_damaged_search_is_told_by_a_run_that_exits_with_4_and_does_the_others(
    line: CommandLine, name: str, voice: list[str]
) -> None:
    line.run()
    first, second, _ = line.cells
    shutil.rmtree(line.matrix_folder.cell(first.id).path)
    path = line.matrix_folder.cell(second.id).path / name
    path.write_text("{\n")

    answer = line.run(*voice)
    plan = line.plan()

    assert answer.code == 4
    assert f"optuna-tpe · seed 1: missing, no macro-F1: {path}: " in (answer.err if voice else answer.out)
    assert [tuner for program, tuner in line.executor.started if program == "search"][3:] == ["default"]
    assert f"{path}: " in plan.out


def test_an_interrupt_is_one_though_a_record_is_damaged(line: CommandLine) -> None:
    line.run()
    first, second, _ = line.cells
    shutil.rmtree(line.matrix_folder.cell(first.id).path)
    (line.matrix_folder.cell(second.id).path / "record.json").write_text("{")
    line.executor.interrupts_at = 0

    answer = line.run()

    assert answer.code == 130
    assert "interrupted: 2 finished cells" in answer.err


def test_an_interrupt_is_one_though_a_trial_that_was_kept_is_damaged(
    line: CommandLine, does: type[Script], trained: Trained
) -> None:
    line.executor.will("optuna-tpe", does.be_killed(trained(0, 0.2)), does.be_killed())
    line.run()
    (line.matrix_folder.cell(line.cells[1].id).path / "trials.jsonl").write_bytes(b"\0\n")
    line.executor.interrupts_at = 0

    answer = line.run()

    assert answer.code == 130
    assert answer.err.startswith("interrupted: 2 finished cells and 0 trials of unfinished ones are kept in ")


@pytest.mark.usefixtures("without_network")
def test_what_can_not_be_downloaded_exits_with_4_and_the_rest_is_run(line: CommandLine) -> None:
    text = line.matrix.read_text("utf-8")
    line.matrix.write_text(text.replace("[tuners]", "[backbones.MobileNetV2]\nalpha = 0.35\n[tuners]"), "utf-8")

    answer = line.run()

    assert answer.code == 4
    assert [name for program, name in line.executor.started if program == "search"] == [
        "default",
        "optuna-tpe",
        "kt-random",
    ]
    assert "can't be downloaded" in (line.matrix_folder.tables / "efficiency.md").read_text("utf-8")
    # Before anything runs, and again where it is the last.
    before, after = answer.err.splitlines()
    assert before == after
    assert before.startswith("3 of 6 cells can't run here: https://")


@pytest.mark.usefixtures("without_network")
def test_where_nothing_can_be_reached_the_one_line_that_helps_is_all_that_is_left(line: CommandLine) -> None:
    text = line.matrix.read_text("utf-8")
    line.matrix.write_text(text.replace('EfficientNetLite0]\nweights = "none"', "MobileNetV2]\nalpha = 0.35"), "utf-8")

    answer = line.run()

    assert (answer.code, answer.out) == (4, "")
    (said,) = answer.err.splitlines()
    assert said.startswith("3 of 3 cells can't run here: https://")
    assert "put the file" in said
    assert not line.results.exists()


@pytest.mark.usefixtures("without_network")
def test_what_can_no_longer_be_reached_takes_no_earlier_plan_away(line: CommandLine) -> None:
    line.run()
    plan = line.matrix_folder.plan()
    text = line.matrix.read_text("utf-8")
    line.matrix.write_text(text.replace('EfficientNetLite0]\nweights = "none"', "MobileNetV2]\nalpha = 0.35"), "utf-8")

    assert line.run().code == 4

    assert line.matrix_folder.plan() == plan


def test_a_preparation_that_is_lost_for_every_cell_exits_with_4_and_writes_no_table_of_dashes(
    line: CommandLine, does: type[Script]
) -> None:
    line.executor.will("prepare", does.be_killed(), does.be_killed())

    answer = line.run()

    why = "preparing digits for EfficientNetLite0: killed by SIGKILL"
    assert answer.code == 4
    assert f"missing, no macro-F1: {why}" in answer.out
    assert answer.err == f"3 of 3 searches have no record: no record after an attempt: {why}\n"
    assert not line.matrix_folder.tables.exists()
    assert line.tables().code == 2


def test_a_preparation_that_is_lost_leaves_its_cells_as_missing_rows_beside_others(
    line: CommandLine, does: type[Script]
) -> None:
    text = line.matrix.read_text("utf-8")
    line.matrix.write_text(text.replace("[backbones", '[datasets.more]\nsource = "digits"\n[backbones'), "utf-8")
    line.executor.will("prepare", does.be_killed(), does.be_killed())

    assert line.run().code == 4

    table = (line.matrix_folder.tables / "efficiency.md").read_text("utf-8")
    assert "preparing digits for EfficientNetLite0: killed by SIGKILL" in table


def test_tables_of_nothing_are_refused_with_the_way_out(line: CommandLine, does: type[Script]) -> None:
    line.executor.will("search", *[does.have_trouble()] * 6)
    line.run()

    answer = line.tables()

    assert (answer.code, answer.out) == (2, "")
    assert answer.err == (
        f"{line.matrix_folder.path}: no search has a record yet; run the matrix first: harness run {line.matrix}\n"
    )


def test_a_preparation_that_fails_exits_with_2_in_one_line(line: CommandLine, does: type[Script]) -> None:
    line.executor.will("prepare", does.fail("digits: holds no images"))

    answer = line.run()

    assert (answer.code, answer.err) == (2, "digits, EfficientNetLite0: digits: holds no images\n")


def test_a_preparation_that_crashes_exits_with_4_and_another_data_set_is_searched(
    line: CommandLine, does: type[Script]
) -> None:
    text = line.matrix.read_text("utf-8")
    line.matrix.write_text(text.replace("[backbones", '[datasets.more]\nsource = "digits"\n[backbones'), "utf-8")
    line.executor.will("prepare", does.crash("InternalError: the device is lost (ops.py:1)"))

    answer = line.run()

    assert (answer.code, answer.err) == (4, "")
    assert searched(line) == ["kt-random", "optuna-tpe", "default"]
    assert (
        answer.out.count("missing, no macro-F1: preparing digits for EfficientNetLite0: crash: InternalError: the ")
        == 3
    )
    assert "more · EfficientNetLite0 · lr only · default · seed 1: validation macro-F1 0.500" in answer.out


def again(line: CommandLine, *options: str) -> str:
    return shlex.join(["harness", "run", str(line.matrix), *line.places, *options])


def test_how_to_go_on_repeats_every_option_that_was_given(line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HARNESS_EXECUTOR")
    prices = line.folder / "my prices.toml"
    prices.write_bytes((Path(harness.__file__).parent / "prices.toml").read_bytes())
    options = ["--executor", "local", "--at-once", "1", "--retry-failed", "--mix-environments"]
    options += ["--max-hours", "0.001", "--max-cost", "12", "--prices", str(prices)]

    stopped = line.run(*options)
    line.executor.interrupts_at = 0
    longer = [word.replace("0.001", "5") for word in options]
    interrupted = line.run(*longer)

    assert (stopped.code, interrupted.code) == (5, 130)
    assert stopped.err.endswith(f"go on with: {again(line, *options)}\n")
    assert interrupted.err.rstrip().endswith(f"go on with: {again(line, *longer)}")


@pytest.mark.seconds
def test_the_limit_holds_for_what_comes_before_the_first_cell_too(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.run()
    line.matrix.write_text(line.matrix.read_text("utf-8").replace("seeds = [1]", "seeds = [1, 2]"), "utf-8")
    line.executor.started.clear()
    now = [100.0]

    def built_in_an_hour() -> FakeExecutor:
        now[0] += 3600
        return line.executor

    monkeypatch.setattr(placement, "LOCAL", built_in_an_hour)
    where, asked = Where(executor="local"), RunOptions(limits=Limits(max_hours=0.5))

    monkeypatch.setattr(campaign, "run", partial(campaign.run, clock=lambda: now[0]))

    code = run(line.matrix, results=line.results, cache=line.cache, where=where, asked=asked)

    assert code == 5
    assert line.executor.started == []
    said = line.capsys.readouterr().err
    assert "stopped before 0.5 hours: 3 of 6 cells are done and kept; left: 3, about " in said
    assert "; go on with: " in said


def test_an_interrupt_says_what_is_kept_and_how_to_go_on_and_exits_with_130(
    line: CommandLine, does: type[Script], trained: Trained
) -> None:
    line.executor.will("optuna-tpe", does.be_killed(trained(0, 0.2), trained(1, 0.2)), does.be_killed())
    line.executor.will("kt-random", does.succeed(progress=("0 1 3 0.5\n",)))
    line.executor.interrupts_at = 1

    answer = line.run()

    assert answer.code == 130
    assert answer.err.strip() == (
        f"interrupted: 1 finished cell and 2 trials of unfinished ones are kept in {line.matrix_folder.path}; "
        f"go on with: harness run {shlex.quote(str(line.matrix))} --results {shlex.quote(str(line.results))} "
        f"--cache {shlex.quote(str(line.cache))}"
    )
    line.executor.interrupts_at = None
    line.executor.will("optuna-tpe", does.succeed(trained(2, 0.2)))
    assert line.run().code == 0


def test_an_interrupt_in_the_default_folders_needs_no_option_to_go_on(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(line.folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(line.folder / "default cache"))
    line.executor.interrupts_at = 0

    answer = line.call("run", line.matrix.name)

    assert answer.code == 130
    assert answer.err.strip().endswith("kept in results/größe 1; go on with: harness run 'größe 1.toml'")


def test_an_image_without_containers_is_the_users_mistake(line: CommandLine) -> None:
    answer = line.run("--image", "mine:1")

    assert answer.code == 2
    assert answer.err == "--image: a local process has none; add --executor docker, or leave it out\n"
    assert line.executor.started == []


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # the SDK's, where nobody answers
def test_containers_without_an_engine_exit_with_4_in_one_line(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{line.folder}/no such socket")

    answer = line.run("--executor", "docker")
    gc.collect()

    assert answer.code == 4
    assert answer.err.startswith("the container engine doesn't answer; start it (systemctl start docker)")
    assert answer.err.count("\n") == 1


def test_how_to_go_on_names_where_unless_that_is_usual(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Where(executor="local").options == []
    monkeypatch.delenv("HARNESS_EXECUTOR")
    assert Where(executor="auto").options == []
    assert Where(executor="local").options == ["--executor", "local"]
    assert Where(executor="docker").options == ["--executor", "docker"]
    options = Where(executor="docker", image="my image", gpus=("GPU-1",)).options
    assert options == ["--executor", "docker", "--image", "my image", "--gpu", "GPU-1"]
    assert Where(executor="auto", at_once=2).options == ["--at-once", "2"]
    options = Where(executor="docker", gpus=("0", "1"), at_once=2).options
    assert options == ["--executor", "docker", "--gpu", "0", "--gpu", "1", "--at-once", "2"]


@pytest.fixture
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor_sets, "found", lambda allowed: [(0,), (1,)] if allowed else [])


@pytest.mark.usefixtures("two_cores")
def test_cells_at_once_are_each_on_their_own_processors(line: CommandLine) -> None:
    answer = line.run("--at-once", "2")

    assert answer.code == 0
    assert [running.slot.cpus for running in line.executor.workers] == [None, (0,), (1,), (0,)]
    assert "[3/3]" in answer.out


@pytest.mark.usefixtures("two_cores")
def test_so_many_at_once_as_can_not_be_equal_are_refused_before_anything_runs(line: CommandLine) -> None:
    answer = line.run("--at-once", "3")

    assert answer.code == 2
    assert answer.err == "--at-once 3: 2 processors on 2 cores give no 3 equal sets; possible here: 1, 2\n"
    assert line.executor.started == []


@pytest.mark.parametrize("number", ["0", "-1", "two"])
def test_at_once_is_a_count(line: CommandLine, number: str) -> None:
    assert line.run("--at-once", number).code == 2
    assert line.executor.started == []


def test_a_second_run_at_the_same_time_is_refused(line: CommandLine) -> None:
    with only_one(line.matrix_folder):
        answer = line.run()

    assert answer.code == 2
    assert "another run is writing here" in answer.err
    assert line.executor.started == []


@pytest.mark.seconds
def test_a_run_that_shares_does_what_one_alone_does(line: CommandLine) -> None:
    answer = line.run("--share")

    assert answer.code == 0
    assert len(line.matrix_folder.cell_ids()) == 3
    assert not (line.matrix_folder.path / "runs").exists()
    assert not (line.matrix_folder.path / "at_work").exists()
    assert line.run().code == 0


def test_only_a_run_alone_repeats_failed_cells(line: CommandLine) -> None:
    answer = line.run("--share", "--retry-failed")

    assert answer.code == 2
    assert answer.err.startswith("--share: one run repeats failed cells alone")


@pytest.mark.seconds
def test_learning_rates_are_checked_after_the_searches(line: CommandLine, does: type[Script]) -> None:
    text = line.matrix.read_text("utf-8")
    line.matrix.write_text(text.replace("image_size = 32", "image_size = 32\nlearning_rate_factors = [1, 10]"), "utf-8")
    line.executor.will("learning-rate check", does.fail("no"))

    answer = line.run()

    assert answer.code == 3
    assert [name for _, name in line.executor.started][-1] == "learning-rate check"
    plan = line.matrix_folder.plan()
    assert [(cell.tuner, cell.role) for cell in plan[3:]] == [("learning-rate check", "learning_rate")]
    assert plan[3].parent_group == plan[0].group
    assert line.run("--retry-failed").code == 0


def test_tables_are_written_again_to_the_byte(line: CommandLine) -> None:
    line.run()
    folder = line.matrix_folder.tables
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for path in folder.iterdir():
        path.unlink()

    answer = line.tables()

    assert answer.code == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert len(before) == 3 * len(reports.REPORTS)


def test_the_page_is_written_with_the_tables_and_again_to_the_byte(line: CommandLine) -> None:
    line.run()
    page = line.matrix_folder.path / "report.html"
    before = page.read_bytes()
    page.unlink()

    answer = line.tables()

    assert page.read_bytes() == before
    assert "report.html" in answer.out
    assert line.matrix.read_text("utf-8").splitlines()[0] in before.decode()


@pytest.mark.seconds
@pytest.mark.usefixtures("real_pictures")
def test_only_what_is_asked_for_is_written(line: CommandLine) -> None:
    line.run()
    folder = line.matrix_folder
    places = {"tables": folder.tables, "plots": folder.plots, "page": folder.path / "report.html"}

    def written(*options: str) -> list[str]:
        for place in places.values():
            shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
        assert line.tables(*options).code == 0
        return [name for name, place in places.items() if place.exists()]

    assert written("--only", "tables") == ["tables"]
    assert written("--only", "page", "--only", "plots") == ["plots", "page"]
    assert written() == ["tables", "plots", "page"]


@pytest.mark.seconds
def test_kept_tables_are_written_and_printed_as_those_made_anew(line: CommandLine) -> None:
    line.run()
    folder = line.matrix_folder

    def written() -> tuple[str, dict[str, bytes]]:
        shutil.rmtree(folder.tables)
        answer = line.tables("--only", "tables")
        assert answer.code == 0
        return answer.out, {path.name: path.read_bytes() for path in folder.tables.iterdir()}

    later = written()
    shutil.rmtree(folder.derived.parent)
    anew = written()
    assert "optuna-tpe" in anew[0]
    assert later == anew


def test_kept_tables_are_not_shown_of_records_that_have_changed(line: CommandLine) -> None:
    line.run()
    record = line.matrix_folder.cell(line.cells[0].id).path / "record.json"
    record.unlink()

    answer = line.tables("--only", "tables")

    assert "1 missing" in answer.out
    assert "1 missing" in (line.matrix_folder.tables / "efficiency.md").read_text("utf-8")


def test_tables_take_another_price_file_and_refuse_a_broken_one(line: CommandLine, tmp_path: Path) -> None:
    line.run()
    prices = tmp_path / "my prices.toml"
    prices.write_text("title = 3")

    answer = line.tables("--prices", str(prices))

    assert answer.code == 2
    assert answer.err.startswith(f"{prices}: title: ")
    assert answer.err.count("\n") == 1


def test_tables_of_a_matrix_that_was_never_run_say_so(line: CommandLine) -> None:
    answer = line.tables()

    assert answer.code == 2
    plan = line.matrix_folder.path / "plan.json"
    assert answer.err == f"{plan}: no such file; run the matrix first: harness run MATRIX\n"


@pytest.mark.parametrize("command", ["run", "plan", "tables"])
def test_a_matrix_that_is_not_there_is_the_users_mistake(line: CommandLine, command: str) -> None:
    answer = line.call(command, str(line.folder / "no such.toml"))

    assert answer.code == 2
    assert answer.err.startswith(f"{line.folder / 'no such.toml'}: ")
    assert answer.err.count("\n") == 1


@pytest.mark.parametrize("command", ["run", "plan"])
@pytest.mark.parametrize("option", ["--results", "--cache"])
def test_a_folder_that_can_not_be_made_is_the_users_mistake(line: CommandLine, command: str, option: str) -> None:
    (line.folder / "file").write_text("in the way")
    places = {"--results": str(line.results), "--cache": str(line.cache), option: str(line.folder / "file" / "sub")}

    answer = line.call(command, str(line.matrix), *(word for pair in places.items() for word in pair))

    assert answer.code == 2
    assert f"choose another folder with {option}" in answer.err
    assert answer.err.count("\n") == 1


@pytest.mark.parametrize("option", ["--results", "--cache"])
def test_a_folder_that_the_disk_refuses_is_the_machines_trouble(
    line: CommandLine, option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused, make = line.folder / "refused", Path.mkdir
    places = {"--results": str(line.results), "--cache": str(line.cache), option: str(refused)}

    def refuse(path: Path, **options: Any) -> None:
        if path.is_relative_to(refused):
            raise PermissionError(errno.EACCES, "Forbidden", str(path))
        make(path, **options)

    monkeypatch.setattr(Path, "mkdir", refuse)

    answer = line.call("run", str(line.matrix), *(word for pair in places.items() for word in pair))

    assert (answer.code, answer.out) == (4, "")
    assert answer.err.startswith(f"{refused}")
    assert answer.err.endswith(": Forbidden; allow it, or choose another folder, then run again\n")
    assert line.executor.started == []


def test_the_cache_may_come_from_the_environment(line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(line.folder / "my cache"))

    assert line.call("run", str(line.matrix), "--results", str(line.results)).code == 0
    assert (line.folder / "my cache" / "prepared").is_dir()


@pytest.mark.seconds
def test_searches_of_unlike_machines_are_mixed_in_a_table_only_when_told_to(line: CommandLine) -> None:
    line.run()
    record = line.matrix_folder.cell(line.cells[0].id).path / "record.json"
    fields = json.loads(record.read_bytes())
    fields["environment"]["cpu_model"] = "Another CPU"
    # As a record of an earlier version, which has no checksums.
    del fields["sha256"], fields["trials_sha256"]
    record.write_text(json.dumps(fields), "utf-8")

    refused, again, mixed = line.tables(), line.run(), line.tables("--mix-environments")

    assert refused.code == again.code == line.tables("--only", "tables").code == 2
    assert "digits, EfficientNetLite0, lr only: its searches ran in unlike environments (cpu_model: " in refused.err
    assert refused.err.count("\n") == 1
    assert mixed.code == 0
    assert "Unlike environments within digits" in (line.matrix_folder.tables / "efficiency.md").read_text("utf-8")


def test_a_grid_that_is_not_in_the_file_is_the_users_mistake(line: CommandLine) -> None:
    line.run()

    assert line.tables("--grid", "france").code == 0
    answer = line.tables("--grid", "frnce")

    assert answer.code == 2
    assert answer.err == "carbon.toml: no grid 'frnce'; did you mean 'france'? (--grid)\n"


@pytest.mark.seconds
def test_a_limit_in_hours_begins_no_cell_that_is_forecast_not_to_fit_and_says_what_is_left(line: CommandLine) -> None:
    written = line.matrix.read_text("utf-8")
    line.run()
    line.matrix.write_text(written.replace("seeds = [1]", "seeds = [1, 2]"), "utf-8")
    line.executor.started.clear()

    # Ten seconds are kept in reserve; a search takes seven.
    answer = line.run("--max-hours", str(12 / 3600))

    assert answer.code == 5
    assert "search" not in [program for program, _ in line.executor.started]
    assert "stopped before 0.00333333 hours: 3 of 6 cells are done and kept; left: 3, about " in answer.err
    assert "; raise the limit, as one cell alone is forecast to take 0.00" in answer.err
    assert answer.err.endswith(f" hours, and go on with: {again(line, '--max-hours', str(12 / 3600))}\n")
    assert "3 of them finished earlier" in answer.out


@pytest.fixture
def long_first(line: CommandLine, does: type[Script], trained: Trained) -> CommandLine:
    """Two seeds, one of them done: the other's first is the tuner that takes minutes; others take half a minute."""
    phases = {"ask": 0.25, "train": 200.0, "evaluate": 1.0, "tell": 0.125}
    line.executor.will("kt-random", does.succeed(trained(0, 0.5, phases=phases)))
    line.run()
    line.matrix.write_text(line.matrix.read_text("utf-8").replace("seeds = [1]", "seeds = [1, 2]"), "utf-8")
    line.executor.started.clear()
    return line


def check_learning_rates(line: CommandLine) -> None:
    text = line.matrix.read_text("utf-8")
    line.matrix.write_text(text.replace("image_size = 32", "image_size = 32\nlearning_rate_factors = [1, 10]"), "utf-8")


def searched(line: CommandLine) -> list[str]:
    return [name for program, name in line.executor.started if program == "search"]


def test_a_limit_that_holds_back_a_long_search_is_told_though_the_first_of_the_plan_would_fit(
    long_first: CommandLine,
) -> None:
    answer = long_first.run("--max-hours", str(100 / 3600))

    assert answer.code == 5
    assert searched(long_first) == []
    assert "3 of 6 cells are done and kept; left: 3, about " in answer.err
    assert "; raise the limit, as one cell alone is forecast to take " in answer.err
    assert answer.err.count("\n") == 1


@pytest.mark.seconds
def test_a_limit_that_comes_with_the_retrainings_is_told_and_they_are_what_is_left(line: CommandLine) -> None:
    line.run()
    check_learning_rates(line)
    line.executor.started.clear()

    # Of the first nothing is left, of the second too little for what they are forecast to take.
    spent, short = (line.run("--max-hours", f"{seconds / 3600}") for seconds in (5, 12))

    assert (spent.code, short.code) == (5, 5)
    assert line.executor.started == []
    assert "stopped before 0.00138889 hours: 3 of 4 cells are done and kept; left: 1, about " in spent.err
    assert "stopped before 0.00333333 hours: 3 of 4 cells are done and kept; left: 1, about " in short.err
    assert line.run("--max-hours", "5").code == 0
    assert searched(line) == ["learning-rate check"]


@pytest.mark.seconds
def test_nothing_is_retrained_before_the_searches_that_a_limit_left_and_both_are_counted(
    long_first: CommandLine,
) -> None:
    check_learning_rates(long_first)

    answer = long_first.run("--max-hours", str(800 / 3600))

    assert answer.code == 5
    assert searched(long_first) == []
    assert "3 of 8 cells are done and kept; left: 5, about " in answer.err


def test_a_limit_that_is_never_reached_changes_nothing(line: CommandLine) -> None:
    answer = line.run("--max-hours", "5", "--max-cost", "5")

    assert (answer.code, answer.err) == (0, "")


@pytest.mark.parametrize("option", ["--max-hours", "--max-cost"])
@pytest.mark.parametrize("value", ["0", "-1", "much", "nan", "-nan", "inf", "-inf", "1e999"])
def test_a_limit_is_a_finite_number_above_zero(line: CommandLine, option: str, value: str) -> None:
    answer = line.run(option, value)

    assert answer.code == 2
    assert f"Error: Invalid value for '{option}': " in answer.err
    assert line.executor.started == []


@pytest.mark.seconds
def test_a_quiet_run_says_where_results_are_and_nothing_else(line: CommandLine) -> None:
    answer = line.run("--quiet")

    assert (answer.code, answer.err) == (0, "")
    assert [each.partition(": ")[0] for each in answer.out.splitlines()] == ["tables", "page", "pictures"]
    assert line.tables("--quiet").out == answer.out


def test_a_quiet_run_says_what_failed_on_standard_error(line: CommandLine, does: type[Script]) -> None:
    line.executor.will("optuna-tpe", does.fail("no such kernel"))

    answer = line.run("--quiet")

    assert answer.code == 3
    assert "optuna-tpe · seed 1: failed, no macro-F1: no such kernel" in answer.err
    assert answer.err.count("\n") == 1
    assert answer.out.count("\n") == 3


def test_json_is_one_document_with_every_cell_the_table_and_the_files(line: CommandLine, does: type[Script]) -> None:
    line.executor.will("optuna-tpe", does.fail("no \x1b such kernel"))

    answer = line.run("--json")

    document = json.loads(answer.out)
    assert (answer.code, document["exit_code"], document["matrix"]) == (3, 3, "größe 1")
    states = {cell["tuner"]: (cell["status"], cell["reason"]) for cell in document["cells"]}
    assert states == {
        "default": ("ok", None),
        "optuna-tpe": ("failed", "no \x1b such kernel"),
        "kt-random": ("ok", None),
    }
    assert [cell["id"] for cell in document["cells"]] == [cell.id for cell in line.matrix_folder.plan()]
    rows = {row["tuner"]: row for row in document["efficiency"]}
    assert (rows["kt-random"]["val_score"], rows["optuna-tpe"]["val_score"]) == (0.5, None)
    assert all(Path(path).is_file() for paths in document["files"].values() for path in paths)
    assert answer.err.splitlines()[0] == "größe 1: 3 cells"


def test_json_of_tables_is_that_of_the_run_but_for_the_exit_code(line: CommandLine, does: type[Script]) -> None:
    line.executor.will("optuna-tpe", does.fail("no such kernel"))
    ran = json.loads(line.run("--json").out)

    anew = line.tables("--json")
    alone = json.loads(line.tables("--json", "--only", "page").out)

    assert anew.err == ""
    assert json.loads(anew.out) == {**ran, "exit_code": 0}
    assert list(alone["files"]) == ["page"]
    assert alone["efficiency"] == ran["efficiency"]


@pytest.mark.parametrize("options", [["--quiet"], ["--json", "--quiet"], ["--only", "page"]])
def test_tables_say_what_failed_or_is_missing_where_nothing_else_does(
    line: CommandLine, does: type[Script], options: list[str]
) -> None:
    line.executor.will("search", does.fail("no epoch"))
    line.run()
    record = line.matrix_folder.cell(line.cells[1].id).path / "record.json"
    record.write_text("{", "utf-8")

    failed, missing = line.tables(*options).err.splitlines()

    assert failed == "failed: digits, EfficientNetLite0, lr only, default, seed 1: no epoch"
    assert missing.startswith(
        f"missing: digits, EfficientNetLite0, lr only, optuna-tpe, seed 1: unreadable: {record}: "
    )


def test_json_and_quiet_are_json_alone(line: CommandLine) -> None:
    answer = line.run("--json", "--quiet")

    assert answer.err == ""
    assert json.loads(answer.out)["exit_code"] == 0


def test_a_mistake_leaves_no_json(line: CommandLine) -> None:
    answer = line.tables("--json")

    assert (answer.code, answer.out) == (2, "")


def test_a_limit_is_told_in_json_too(line: CommandLine) -> None:
    answer = line.run("--json", "--max-hours", str(5 / 3600))

    document = json.loads(answer.out)
    assert (answer.code, document["exit_code"]) == (5, 5)
    assert {cell["status"] for cell in document["cells"]} == {"missing"}
    assert answer.err.endswith(f"go on with: {again(line, '--max-hours', str(5 / 3600), '--json')}\n")


@pytest.mark.seconds
def test_a_second_run_begins_with_a_forecast(line: CommandLine) -> None:
    line.run()
    line.matrix.write_text(line.matrix.read_text("utf-8").replace("seeds = [1]", "seeds = [1, 2]"), "utf-8")

    assert "\nabout " in line.run().out


def test_what_others_wrote_into_plans_and_records_does_nothing_to_a_terminal_or_a_table(
    line: CommandLine, does: type[Script]
) -> None:
    line.executor.will("kt-random", does.fail("\x1b[2J\u202e and\nmore"))
    ran = line.run()
    called, folder = "a\x1b[2J\u202eb", line.matrix_folder
    folder.write_plan([replace(each, tuner=called) if each.tuner == "optuna-tpe" else each for each in folder.plan()])
    folder.cell(line.cells[1].id).rename(line.cells[1].names.model_copy(update={"tuner": called}))

    said = [ran, line.tables(), line.show(line.cells[2].id)]

    assert all(each.isprintable() for answer in said for each in (answer.out + answer.err).splitlines())
    assert r"a\x1b[2J\u202eb" in said[1].out
    for path in [*line.matrix_folder.tables.iterdir(), line.matrix_folder.path / "report.html"]:
        written = path.read_text("utf-8")
        assert "\x1b" not in written
        assert "\u202e" not in written
    document = json.loads(line.tables("--json").out)
    assert document["cells"][1]["tuner"] == "a\x1b[2J\u202eb"
    assert document["cells"][2]["reason"] == "\x1b[2J\u202e and\nmore"


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # the SDK's, where nobody answers
def test_where_no_engine_answers_processes_do_it(line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{line.folder}/no such socket")

    answer = line.run("--executor", "auto")
    gc.collect()

    assert answer.code == 0
    assert answer.err == "running as local processes: no container engine answers; harness doctor says more\n"


def test_where_no_search_has_a_score_the_reasons_are_said_and_no_table_of_dashes(
    line: CommandLine, does: type[Script]
) -> None:
    for tuner in ("default", "kt-random", "optuna-tpe"):
        line.executor.will(tuner, does.fail("no memory"))

    answer = line.run()

    assert answer.code == 3
    assert "val macro-F1" not in answer.out
    assert answer.err.splitlines()[-1].endswith(" and 2 more: no memory")
