"""What the action for others does around the commands, with a fake `harness` that notes how it was called."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

FOLDER = Path(__file__).parents[1] / ".github/actions/tuner-bench"

FAKE = """\
#!/bin/sh
echo "$@" >> "$0.calls"
case "$1" in
  run) mkdir -p "$4/birds/tables"; echo "the answer" > "$4/birds/tables/answer.md";;
  compare) echo "the comparison" > "$5"; echo "{}" > "$7";;
esac
exit "$(cat "$0.$1" 2>/dev/null || echo 0)"
"""


@pytest.fixture
def fake(tmp_path: Path) -> Path:
    path = tmp_path / "harness"
    path.write_text(FAKE)
    path.chmod(0o755)
    return path


def call(fake: Path, **inputs: str) -> int:
    files = {"GITHUB_STEP_SUMMARY": str(fake.parent / "summary"), "GITHUB_OUTPUT": str(fake.parent / "output")}
    variables = {"MATRIX": "my/birds.toml", "RESULTS": str(fake.parent / "r"), "HARNESS": str(fake), **files, **inputs}
    command = [str(FOLDER / "run.sh")]
    return subprocess.run(command, env={"PATH": os.environ["PATH"], **variables}, check=False).returncode


def test_a_matrix_is_run_and_its_answer_put_on_the_page_of_the_run(fake: Path) -> None:
    code = call(fake)

    folder = fake.parent / "r"
    assert code == 0
    assert (fake.parent / "harness.calls").read_text() == (
        f"run my/birds.toml --results {folder} --executor local --quiet\n"
    )
    assert (fake.parent / "summary").read_text() == "the answer\n"
    assert (fake.parent / "output").read_text() == f"folder={folder}/birds\n"


@pytest.mark.parametrize(
    ("ran", "compared", "code", "verdict"),
    [(0, 0, 0, "no worse"), (0, 1, 1, "worse"), (0, 2, 2, "can't be compared"), (3, 1, 3, "worse")],
)
def test_a_run_is_compared_with_a_baseline_and_the_exit_code_says_what_went_wrong_first(
    fake: Path, ran: int, compared: int, code: int, verdict: str
) -> None:
    (fake.parent / "harness.run").write_text(str(ran))
    (fake.parent / "harness.compare").write_text(str(compared))

    assert call(fake, BASELINE="old/birds") == code
    assert (fake.parent / "summary").read_text() == "the answer\nthe comparison\n"
    assert f"verdict={verdict}\nbadge={fake.parent}/r/birds/badge.json\n" in (fake.parent / "output").read_text()


def test_a_run_that_was_refused_ends_it(fake: Path) -> None:
    (fake.parent / "harness.run").write_text("2")

    assert call(fake, BASELINE="old/birds") == 2
    assert not (fake.parent / "summary").exists()


def test_inputs_reach_the_script_as_variables_alone() -> None:
    (step,) = YAML(typ="safe").load((FOLDER / "action.yml").read_text())["runs"]["steps"]

    assert step["run"] == '"$GITHUB_ACTION_PATH/run.sh"'
    assert {value for value in step["env"].values() if not value.startswith("${{ inputs.")} == set()
