"""What stands in `.github` and beside it for others' programs: its form, who may start it, and what it runs."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import check_jsonschema
import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

import harness

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*"))
ISSUES = ROOT / ".github" / "ISSUE_TEMPLATE"
PINNED = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40}")


def read(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe").load((ROOT / ".github/workflows" / name).read_text())
    return loaded


def steps(name: str) -> list[dict[str, Any]]:
    return [step for job in read(name)["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize(
    ("form", "paths"),
    [
        ("github-workflows", WORKFLOWS),
        ("github-issue-config", [ISSUES / "config.yml"]),
        ("github-issue-forms", [ISSUES / "bug.yml", ISSUES / "comparison.yml"]),
        ("github-actions", [ROOT / ".github/actions/tuner-bench/action.yml"]),
        ("citation-file-format", [ROOT / "CITATION.cff"]),
    ],
)
def test_who_reads_it_accepts_the_form(form: str, paths: list[Path]) -> None:
    answer = CliRunner().invoke(check_jsonschema.main, ["--builtin-schema", f"vendor.{form}", *map(str, paths)])

    assert (answer.exit_code, answer.output) == (0, "ok -- validation done\n")


def test_the_workflows_are_these() -> None:
    assert [path.name for path in WORKFLOWS] == ["ci.yml", "nightly.yml", "release.yml"]


def test_every_file_of_the_issue_forms_is_judged() -> None:
    assert sorted(path.name for path in ISSUES.iterdir()) == ["bug.yml", "comparison.yml", "config.yml"]


def test_nothing_but_the_clock_and_a_person_starts_the_machine_of_our_own() -> None:
    nightly = read("nightly.yml")

    assert set(nightly["on"]) == {"schedule", "workflow_dispatch"}
    assert nightly["on"]["schedule"] == [{"cron": "17 1 * * *"}]
    assert all("self-hosted" in job["runs-on"] for job in nightly["jobs"].values())


def test_what_a_branch_says_is_not_run_by_the_machine_of_our_own() -> None:
    (job,) = read("nightly.yml")["jobs"].values()

    assert job["if"] == "github.ref == 'refs/heads/main' && github.ref_protected"


def test_the_night_keeps_the_exit_code_of_the_comparison() -> None:
    run = "\n".join(step.get("run", "") for step in steps("nightly.yml"))

    assert ".ci/nightly run" in run
    assert "make nightly" not in run


def test_pull_requests_never_reach_the_machine_of_our_own() -> None:
    ci = read("ci.yml")

    assert set(ci["on"]) == {"pull_request", "push"}
    assert all("self-hosted" not in job["runs-on"] for job in ci["jobs"].values())


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_read_and_no_more(path: Path) -> None:
    workflow = read(path.name)

    assert workflow["permissions"] == {"contents": "read"}
    given = {name: job["permissions"] for name, job in workflow["jobs"].items() if "permissions" in job}
    signing = {"build": {"contents": "read", "id-token": "write", "attestations": "write"}}
    assert given == (signing if path.name == "release.yml" else {})
    assert "secrets." not in path.read_text()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit(path: Path) -> None:
    used = [step["uses"] for step in steps(path.name) if not step.get("uses", "./").startswith("./")]

    assert used
    assert all(PINNED.fullmatch(one) for one in used)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_checkout_leaves_no_credentials(path: Path) -> None:
    checkouts = [step for step in steps(path.name) if step.get("uses", "").startswith("actions/checkout@")]

    assert len(checkouts) == len(read(path.name)["jobs"])
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_pull_requests_run_what_a_person_runs() -> None:
    jobs = read("ci.yml")["jobs"]
    commands = {name: [step["run"] for step in job["steps"] if "run" in step] for name, job in jobs.items()}

    assert commands.pop("fast") == ["make check", "make test-fast"]
    assert commands.pop("coverage") == ["make coverage"]
    assert commands.pop("site") == ["make site"]
    assert commands.pop("package") == ["make package"]
    assert commands.pop("action") == []
    assert commands.pop("test-and-check")[-1] == ".ci/run"
    assert commands == {}
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o100


def test_pull_requests_are_tried_on_each_python_that_the_package_says() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    said = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))

    assert read("ci.yml")["jobs"]["fast"]["strategy"]["matrix"]["python"] == said
    assert project["requires-python"] == f">={said[0]}"


def test_what_tests_reach_has_a_floor() -> None:
    coverage = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["coverage"]

    assert coverage["report"]["fail_under"] > 50
    assert coverage["run"]["branch"]


def test_a_citation_names_the_version_that_is_here() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = YAML(typ="safe").load((ROOT / "CITATION.cff").read_text())

    assert project["dynamic"] == ["version"]
    assert re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", harness.__version__)
    assert citation["version"] == harness.__version__
    assert [author["name"] for author in citation["authors"]] == [author["name"] for author in project["authors"]]


def test_a_release_is_tried_before_it_is_signed_and_is_that_of_its_tag() -> None:
    done = [step.get("run", step.get("uses", "")) for step in steps("release.yml")]
    tried, signed = done.index("make package"), next(i for i, one in enumerate(done) if "attest-build" in one)

    assert read("release.yml")["on"] == {"push": {"tags": ["v[0-9]+.[0-9]+.[0-9]+*"]}}
    assert "__version__" in done[1]
    assert "CHANGELOG.md" in done[2]
    assert tried < signed


def test_hooks_before_a_commit_run_what_the_checks_run() -> None:
    checks = re.findall(r"^\t\$\(BIN\)/(.+)$", (ROOT / "Makefile").read_text().partition("\ncheck: ")[2], re.MULTILINE)
    (local,) = YAML(typ="safe").load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    run = [hook["entry"].removeprefix(".venv/bin/").removesuffix(" --force-exclude") for hook in local["hooks"]]

    assert local["repo"] == "local"
    assert all(hook["language"] == "system" for hook in local["hooks"])
    assert run == [check.removesuffix(" .") for check in checks[:3]]


def test_every_target_that_a_workflow_makes_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = "\n".join(step.get("run", "") for path in WORKFLOWS for step in steps(path.name))
    made = set(re.findall(r"^make ([a-z-]+)", text, re.MULTILINE))

    assert made == {"check", "coverage", "package", "setup", "site", "test-fast"}
    assert made <= targets


def test_what_the_night_leaves_is_published_whatever_the_verdict() -> None:
    nightly = steps("nightly.yml")
    run = next(step["run"] for step in nightly if ".ci/nightly run" in step.get("run", ""))
    upload = next(step for step in nightly if step.get("uses", "").startswith("actions/upload-artifact@"))
    summary = next(step for step in nightly if "GITHUB_STEP_SUMMARY" in step.get("run", ""))

    assert 'ARTIFACTS="$PWD/nightly-artifacts"' in run
    assert (upload["with"]["path"], upload["if"], summary["if"]) == ("nightly-artifacts/", "always()", "always()")
