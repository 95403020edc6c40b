"""The workflows of `.github`: their form, who may start them, and that they run what a person runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*"))
PINNED = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40}")


def read(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe").load((ROOT / ".github/workflows" / name).read_text())
    return loaded


def steps(name: str) -> list[dict[str, Any]]:
    return [step for job in read(name)["jobs"].values() for step in job["steps"]]


def test_github_accepts_the_form() -> None:
    checker = Path(sys.executable).with_name("check-jsonschema")
    command = [str(checker), "--builtin-schema", "vendor.github-workflows", *map(str, WORKFLOWS)]

    answer = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (answer.returncode, answer.stdout) == (0, "ok -- validation done\n")


def test_the_workflows_are_these() -> None:
    assert [path.name for path in WORKFLOWS] == ["ci.yml", "nightly.yml"]


def test_nothing_but_the_clock_and_a_person_starts_the_machine_of_our_own() -> None:
    nightly = read("nightly.yml")

    assert set(nightly["on"]) == {"schedule", "workflow_dispatch"}
    assert nightly["on"]["schedule"] == [{"cron": "17 1 * * *"}]
    assert all("self-hosted" in job["runs-on"] for job in nightly["jobs"].values())


def test_pull_requests_never_reach_the_machine_of_our_own() -> None:
    ci = read("ci.yml")

    assert set(ci["on"]) == {"pull_request", "push"}
    assert all("self-hosted" not in job["runs-on"] for job in ci["jobs"].values())


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_read_and_no_more(path: Path) -> None:
    workflow = read(path.name)

    assert workflow["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in workflow["jobs"].values())
    assert "secrets." not in path.read_text()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit(path: Path) -> None:
    used = [step["uses"] for step in steps(path.name) if "uses" in step]

    assert used
    assert all(PINNED.fullmatch(one) for one in used)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_checkout_leaves_no_credentials(path: Path) -> None:
    checkouts = [step for step in steps(path.name) if step.get("uses", "").startswith("actions/checkout@")]

    assert [step["with"]["persist-credentials"] for step in checkouts] == [False]


def test_pull_requests_run_what_a_person_runs() -> None:
    commands = [step["run"] for step in steps("ci.yml") if "run" in step]

    assert commands[-1] == ".ci/run"
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o100


def test_every_target_that_a_workflow_makes_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = "\n".join(step.get("run", "") for path in WORKFLOWS for step in steps(path.name))
    made = set(re.findall(r"^make ([a-z-]+)", text, re.MULTILINE))

    assert made == {"nightly"}
    assert made <= targets


def test_what_the_night_leaves_is_published_whatever_the_verdict() -> None:
    nightly = steps("nightly.yml")
    run = next(step["run"] for step in nightly if "make nightly" in step.get("run", ""))
    upload = next(step for step in nightly if step.get("uses", "").startswith("actions/upload-artifact@"))
    summary = next(step for step in nightly if "GITHUB_STEP_SUMMARY" in step.get("run", ""))

    assert 'ARTIFACTS="$PWD/nightly-artifacts"' in run
    assert (upload["with"]["path"], upload["if"], summary["if"]) == ("nightly-artifacts/", "always()", "always()")
