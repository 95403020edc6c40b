"""What `.ci/nightly` does around the commands, with a fake `harness` that notes how it was called."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Leaves what a run leaves; each command's exit code is the content of a file beside it.
FAKE = """\
#!/bin/sh
echo "$@" >> "$0.calls"
command=$1
case "$command" in
  run) mkdir -p "$4/nightly/tables" "$4/nightly/cells"; cd "$4/nightly"
    touch report.html plan.json tables/efficiency.md;;
  compare) touch "$5" "$7" "$9"; shift 9; touch "$2" "$4";;
  drift) touch "$4" "$6" "$8";;
esac
exit "$(cat "$0.$command" 2>/dev/null || echo 0)"
"""


@dataclass
class Machine:
    folder: Path

    @property
    def nightly(self) -> Path:
        return self.folder / "all nights"

    @property
    def calls(self) -> list[str]:
        return (self.folder / "harness.calls").read_text().splitlines()

    def says(self, command: str, code: int) -> None:
        (self.folder / f"harness.{command}").write_text(str(code))

    def has(self, program: str, script: str) -> None:
        (self.folder / "bin" / program).write_text(f"#!/bin/sh\n{script}\n")
        (self.folder / "bin" / program).chmod(0o755)

    def call(self, what: str, **more: str) -> subprocess.CompletedProcess[str]:
        variables = {"NIGHTLY": str(self.nightly), "HARNESS": str(self.folder / "harness"), "NIGHT": "2026-11-24"}
        variables["PYTHON"] = sys.executable
        environment = {"PATH": str(self.folder / "bin"), **variables, **more}
        command = [str(ROOT / ".ci" / "nightly"), what]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    (tmp_path / "bin").mkdir()
    for name in ("bash", "basename", "cat", "cp", "date", "dirname", "env", "gzip", "ln", "ls", "mkdir", "mv",
                 "readlink", "rm", "sh", "tar", "touch"):  # fmt: skip
        found = shutil.which(name)
        assert found is not None
        (tmp_path / "bin" / name).symlink_to(found)
    (tmp_path / "harness").write_text(FAKE)
    (tmp_path / "harness").chmod(0o755)
    return made


def test_a_night_is_run_compared_added_to_the_history_and_published(machine: Machine) -> None:
    answer = machine.call("run")

    nights, published = f"{machine.nightly}/nights/2026-11-24", f"{machine.nightly}/tonight"
    assert answer.returncode == 0
    options = f"--markdown {published}/comparison.md --json {published}/comparison.json"
    options += f" --benchmark-json {published}/benchmarks.json --history {machine.nightly}/history.jsonl"
    options += f" --badge {published}/badge.json"
    drawn = f"--page {machine.nightly}/history.html --badge {published}/drift-badge.json"
    assert machine.calls == [
        f"run benchmarks/nightly.toml --results {nights} --executor auto",
        f"compare {machine.nightly}/baseline {nights}/nightly {options}",
        f"drift {machine.nightly}/history.jsonl {drawn} --markdown {published}/drift.md",
    ]
    assert sorted(path.name for path in Path(published).iterdir()) == [
        "badge.json", "benchmarks.json", "comparison.json", "comparison.md", "drift-badge.json", "drift.md",
        "history.html", "history.jsonl", "records.tar.gz", "report.html", "tables",
    ]  # fmt: skip
    assert "no container engine answers: no image is verified" in answer.stdout
    assert "make nightly-baseline NIGHT=2026-11-24" in answer.stdout


def test_the_records_are_published_whole_and_the_page_if_there_is_one(machine: Machine) -> None:
    (machine.nightly / "nights/2026-11-24/nightly").mkdir(parents=True)
    (machine.nightly / "nights/2026-11-24/nightly/report.html").write_text("page")

    machine.call("run")

    with tarfile.open(machine.nightly / "tonight/records.tar.gz") as archive:
        assert "nightly/plan.json" in archive.getnames()
    assert (machine.nightly / "tonight/report.html").read_text() == "page"


@pytest.mark.parametrize(
    ("compared", "crept", "code"), [(0, 0, 0), (1, 0, 1), (2, 0, 2), (0, 1, 1), (2, 1, 2), (1, 2, 1)]
)
def test_the_exit_code_is_the_comparisons_and_then_the_drifts(
    machine: Machine, compared: int, crept: int, code: int
) -> None:
    machine.says("compare", compared)
    machine.says("drift", crept)

    assert machine.call("run").returncode == code


@pytest.mark.parametrize("code", [3, 4])
def test_a_run_with_failed_or_missing_searches_is_compared(machine: Machine, code: int) -> None:
    machine.says("run", code)

    assert machine.call("run").returncode == 0
    assert [call.split()[0] for call in machine.calls] == ["run", "compare", "drift"]


@pytest.mark.parametrize("code", [2, 130])
def test_a_run_that_broke_off_ends_the_night(machine: Machine, code: int) -> None:
    machine.says("run", code)

    assert machine.call("run").returncode == code
    assert [call.split()[0] for call in machine.calls] == ["run"]


def test_an_image_is_verified_and_built_only_where_it_differs(machine: Machine) -> None:
    machine.has("docker", "exit 0")
    machine.call("run")
    machine.says("images", 3)
    machine.has("nvidia-smi", "echo GPU-1, NVIDIA A100")
    machine.call("run")

    images = [call for call in machine.calls if call.startswith("images")]
    assert images == ["images verify cpu", "images verify gpu", "images build gpu"]


@pytest.mark.parametrize("does", ["echo No devices were found", "echo GPU-1, NVIDIA A100; exit 6"])
def test_what_nvidia_smi_says_of_its_trouble_is_no_gpu(machine: Machine, does: str) -> None:
    machine.has("docker", "exit 0")
    machine.has("nvidia-smi", does)

    machine.call("run")

    assert machine.calls[0] == "images verify cpu"


def test_local_processes_need_no_image(machine: Machine) -> None:
    machine.has("docker", "exit 0")

    machine.call("run", HARNESS_EXECUTOR="local")

    assert machine.calls[0].endswith("--executor local")


def test_a_night_is_kept_as_the_baseline_and_another_in_its_place(machine: Machine) -> None:
    for night in ("2026-11-24", "2026-11-25"):
        machine.call("run", NIGHT=night)
        answer = machine.call("keep", NIGHT=night)

        assert answer.returncode == 0
        assert (machine.nightly / "baseline").readlink() == Path(f"nights/{night}/nightly")
        assert (machine.nightly / "baseline" / "plan.json").exists()


def test_drift_begins_with_the_night_that_was_kept(machine: Machine) -> None:
    for kept in ("2026-11-24", "2026-11-26"):
        machine.call("run", NIGHT=kept)
        machine.call("keep", NIGHT=kept)
    machine.call("run", NIGHT="2026-11-27")

    begun = [call.partition("drift.md")[2] for call in machine.calls if call.startswith("drift")]
    assert begun == ["", " --since 2026-11-24", " --since 2026-11-26"]


def test_a_kept_night_whose_name_is_no_date_leaves_drift_as_it_was_and_is_told(machine: Machine) -> None:
    machine.call("run", NIGHT="after the move")
    machine.call("keep", NIGHT="after the move")

    answer = machine.call("run")

    assert machine.calls[-1].endswith("drift.md")
    assert "the baseline's night, after the move, is no date: drift begins with the first night" in answer.stdout


def test_a_night_that_is_not_there_cant_be_kept(machine: Machine) -> None:
    machine.call("run", NIGHT="2026-11-23")

    answer = machine.call("keep")

    assert answer.returncode == 2
    assert "no such night; name one of: 2026-11-23" in answer.stdout
    assert not (machine.nightly / "baseline").exists()


def test_an_unknown_word_says_what_there_is(machine: Machine) -> None:
    answer = machine.call("runn")

    assert (answer.returncode, answer.stderr) == (2, "usage: .ci/nightly run | keep\n")
