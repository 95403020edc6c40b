from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.errors import MachineError, UserError
from harness.extensions import TUNER, finding, loading
from tests.extensions.installing import Package

NAMED = "package:near-the-best"


def test_a_file_is_run_once_however_often_it_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("found = []\ndef create(): found.append(1); return len(found)", "utf-8")
    known = finding.find(TUNER, "mine.py", base=tmp_path)

    made = [loading.load(Path(known["path"]), known["sha256"]).create() for _ in range(2)]

    assert made == [1, 2]


def test_a_file_that_changed_since_it_was_found_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("def create(): ...", "utf-8")
    known = finding.find(TUNER, "mine.py", base=tmp_path)
    path.write_text("raise SystemExit('run')", "utf-8")

    with pytest.raises(MachineError, match="changed since the run began; run it again"):
        loading.load(path, known["sha256"])


def test_of_a_file_the_function_that_it_is_for_is_given(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def create(): return 5", "utf-8")
    found = finding.find(TUNER, "mine.py", base=tmp_path)

    assert loading.maker(TUNER, found)() == 5
    assert loading.called(found) == "mine.py"
    assert loading.held(found) == found["sha256"]


@pytest.mark.parametrize(
    ("files", "entry_point"),
    [
        ({"near_the_best/__init__.py": "def create(): return 5\n"}, "near_the_best:create"),
        (
            {"near_the_best/__init__.py": "", "near_the_best/in_it.py": "def make(): return 5\n"},
            "near_the_best.in_it:make",
        ),
        ({"near_the_best.py": "class A:\n    def b(): return 5\n"}, "near_the_best:A.b"),
    ],
)
def test_of_a_package_the_function_that_its_entry_point_names_is_given(
    site: Path, files: dict[str, str], entry_point: str
) -> None:
    Package(files=files, entry_points={"harness.tuners": {"near-the-best": entry_point}}).install(site)
    found = finding.find(TUNER, NAMED, base=site)

    assert loading.maker(TUNER, found)() == 5
    assert loading.called(found) == "near-the-best 1.0"
    assert loading.held(found) == found["sha256"]


@pytest.mark.parametrize(
    ("version", "here"),
    [
        ("1.0", "near-the-best 1.0 of other files"),
        ("2.0", "near-the-best 2.0 of other files"),
        (None, "no near-the-best, and there is no module near_the_best"),
    ],
)
def test_another_package_than_planned_is_not_imported(site: Path, version: str | None, here: str) -> None:
    Package().install(site)
    found = finding.find(TUNER, NAMED, base=site)
    for held in list(site.iterdir()):
        shutil.rmtree(held)
    if version is not None:
        Package(version=version, files={"near_the_best/__init__.py": "raise SystemExit('imported')\n"}).install(site)

    for use in (lambda: loading.maker(TUNER, found), lambda: loading.held(found)):
        with pytest.raises(MachineError) as caught:
            use()
        assert str(caught.value) == (
            f"near-the-best 1.0: the cell was planned with it, and here is {here}; install the same where cells run, "
            "or run again if it changed"
        )


def test_what_a_package_lacks_is_told_in_one_line(site: Path) -> None:
    Package(files={"near_the_best/__init__.py": "import no_such_library\n"}).install(site)

    with pytest.raises(MachineError) as caught:
        loading.maker(TUNER, finding.find(TUNER, NAMED, base=site))

    assert str(caught.value) == (
        "near-the-best 1.0: near_the_best can't be imported (No module named 'no_such_library'); install what it needs "
        "where cells run"
    )


def test_an_entry_point_without_its_function_is_the_packages_mistake(site: Path) -> None:
    Package(files={"near_the_best/__init__.py": "def make(): ...\n"}).install(site)

    with pytest.raises(UserError, match=r"near-the-best 1\.0: near_the_best has no create; correct its entry point"):
        loading.maker(TUNER, finding.find(TUNER, NAMED, base=site))
