from __future__ import annotations

import hashlib
import importlib
import re
import site as installation
import sys
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path

import pytest

from harness import extensions
from harness.errors import UserError
from harness.extensions import METER, METRIC, MODEL, TUNER, finding
from tests.extensions.installing import Package


@pytest.mark.parametrize(
    "text",
    [
        "def create(space): ...",
        "class create: ...",
        "from elsewhere import make as create",
        "create = 3",
        "# ü\ncreate = 1",
    ],
)
def test_a_file_that_defines_a_maker_is_known_by_what_it_holds(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ü ber.py"
    path.write_text(text, "utf-8")

    found = finding.find(TUNER, "ü ber.py", base=tmp_path)

    assert found == {"path": str(path), "sha256": hashlib.sha256(text.encode()).hexdigest()}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "defines no create"),
        (b"def make(): ...", "defines no create; docs/add-a-tuner.md shows one"),
        (b"def create(:\n", "line 1: is no Python (invalid syntax); mend it"),
        (b"x = 1\ny = (\n", "line 2: is no Python"),
        (b"create = '\0'", "is no Python"),
        (b"\xff\xfe", "is no Python"),
    ],
)
def test_any_other_is_refused_with_its_place_and_nothing_of_it_is_run(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "mine.py").write_bytes(data)

    with pytest.raises(UserError) as raised:
        finding.find(TUNER, "mine.py", base=tmp_path)

    assert str(raised.value).startswith(f"path: {tmp_path / 'mine.py'}: ")
    assert said in str(raised.value)


@pytest.mark.parametrize("name", ["no such.py", "."])
def test_a_file_that_can_not_be_read_is_an_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="can't be read"):
        finding.find(TUNER, name, base=tmp_path)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (MODEL, "path: {place}: defines no create; docs/add-a-model.md shows one"),
        (METRIC, "metric: {place}: defines no score; docs/add-a-metric.md shows one"),
        (METER, "meter: {place}: defines no create; docs/add-a-meter.md shows one"),
    ],
)
def test_what_a_file_lacks_is_told_for_what_it_is_meant_for(tmp_path: Path, kind: extensions.Kind, said: str) -> None:
    (tmp_path / "mine.py").write_text("def make(): ...", "utf-8")

    with pytest.raises(UserError) as raised:
        finding.find(kind, "mine.py", base=tmp_path)

    assert str(raised.value) == said.format(place=tmp_path / "mine.py")


def sha256_of(site: Path, name: str = "near-the-best") -> str:
    importlib.invalidate_caches()
    return finding.find(TUNER, f"package:{name}", base=site)["sha256"]


def test_an_entry_point_is_known_by_its_package_and_nothing_of_that_is_imported(site: Path) -> None:
    Package(files={"near_the_best/__init__.py": "raise SystemExit('imported')\n"}).install(site)

    found = finding.find(TUNER, "package:near-the-best", base=site)

    assert {name: value for name, value in found.items() if name != "sha256"} == {
        "package": "near-the-best",
        "version": "1.0",
        "entry_point": "near_the_best:create",
    }
    assert re.fullmatch("[0-9a-f]{64}", found["sha256"])
    assert "near_the_best" not in sys.modules


def test_another_file_of_the_package_is_another_hash_and_another_version_alone_is_none(site: Path) -> None:
    Package().install(site)
    before = sha256_of(site)

    (site / "near_the_best-1.0.dist-info/METADATA").write_text(
        "Metadata-Version: 2.1\nName: near-the-best\nVersion: 2\n"
    )
    (site / "near_the_best/__pycache__").mkdir()
    (site / "near_the_best/__pycache__/__init__.cpython-311.pyc").write_bytes(b"1")
    (site / "near_the_best/.DS_Store").write_bytes(b"1")
    (site / "beside.py").write_text("1")
    assert sha256_of(site) == before
    (site / "near_the_best/inner").mkdir()
    (site / "near_the_best/inner/größe.py").write_text("x = 1\n", "utf-8")
    another = sha256_of(site)
    (site / "near_the_best/inner/größe.py").rename(site / "near_the_best/inner/other.py")

    assert len({before, another, sha256_of(site)}) == 3


def test_two_entry_points_of_one_package_are_two_tuners(site: Path) -> None:
    points = {
        "near-the-best": "near_the_best:create",
        "nearer": "near_the_best:nearer",
        "same": "near_the_best : create",
    }
    Package(entry_points={"harness.tuners": points}).install(site)

    assert sha256_of(site) != sha256_of(site, "nearer")
    assert sha256_of(site) == sha256_of(site, "same")


def test_a_module_of_one_file_is_hashed_alone(site: Path) -> None:
    Package(files={"near_the_best.py": "def create(): ...\n"}).install(site)
    before = sha256_of(site)

    (site / "other.py").write_text("")
    assert sha256_of(site) == before
    (site / "near_the_best.py").write_text("def create(): return 2\n")
    assert sha256_of(site) != before


def test_a_package_without_any_source_is_known_by_the_files_that_are_there(site: Path) -> None:
    Package(files={"near_the_best.abi3.so": "compiled"}).install(site)
    before = sha256_of(site)

    (site / "near_the_best.abi3.so").write_text("compiled anew")

    assert sha256_of(site) != before


def by_pth(site: Path, sources: Path) -> None:
    (site / "editable.pth").write_text(f"{sources}\n", "utf-8")
    installation.addsitedir(str(site))


def by_finder(site: Path, sources: Path) -> None:
    assert site.is_dir()

    class Finder(MetaPathFinder):
        def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
            folder = sources / "near_the_best"
            if name != "near_the_best":
                return None
            return spec_from_file_location(name, folder / "__init__.py", submodule_search_locations=[str(folder)])

    sys.meta_path.append(Finder())


@pytest.mark.parametrize("editable", [by_pth, by_finder])
def test_an_editable_install_is_the_same_as_any_other(
    site: Path, tmp_path: Path, editable: Callable[[Path, Path], None]
) -> None:
    Package().install(site)
    before = sha256_of(site)
    (site / "near_the_best").rename(tmp_path / "near_the_best")

    editable(site, tmp_path)

    assert sha256_of(site) == before
    (tmp_path / "near_the_best/__init__.py").write_text("def create(): return 2\n")
    assert sha256_of(site) != before


def refused(site: Path, name: str) -> str:
    with pytest.raises(UserError) as caught:
        finding.find(TUNER, f"package:{name}", base=site)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("near-the-bset", "(near it: near-the-best); name one of these, or install the one that has it"),
        ("größe", "(there are near-the-best); name"),
        ("", "(there are near-the-best); name"),
        ("Near-The-Best", "(near it: near-the-best)"),
    ],
)
def test_an_unknown_name_is_told_with_the_nearest_ones(site: Path, name: str, said: str) -> None:
    Package().install(site)

    text = refused(site, name)

    assert text.startswith(f"path: package:{name}: no installed package has it for harness.tuners (")
    assert said in text


def test_where_no_package_has_any_that_is_told(site: Path) -> None:
    Package(entry_points={"harness.metrics": {"near-the-best": "near_the_best:score"}}).install(site)

    assert refused(site, "near-the-best") == (
        "path: package:near-the-best: no installed package has anything for harness.tuners; install the one that has "
        "it beside the harness"
    )


def test_one_name_in_two_packages_is_refused_with_both(site: Path) -> None:
    Package().install(site)
    Package(name="other", version="2.0").install(site)

    assert refused(site, "near-the-best") == (
        "path: package:near-the-best: near-the-best 1.0 and other 2.0 have it both, for harness.tuners; uninstall one "
        "of them"
    )


@pytest.mark.parametrize(
    ("value", "files", "said"),
    [
        ("near_the_best", {}, "says 'near_the_best', which is no module:function; correct it there"),
        ("near the best:create", {}, "which is no module:function"),
        ("near_the_best:create", {"other.py": ""}, "can't be used: there is no module near_the_best; install it again"),
        ("near_the_best:create", {"near_the_best/inner.py": ""}, "module near_the_best has no file of its own"),
        ("sys:exit", {}, "module sys has no file of its own"),
    ],
)
def test_an_entry_point_that_leads_nowhere_is_refused(site: Path, value: str, files: dict[str, str], said: str) -> None:
    Package(files=files, entry_points={"harness.tuners": {"near-the-best": value}}).install(site)

    text = refused(site, "near-the-best")

    assert text.startswith("path: package:near-the-best: near-the-best 1.0 ")
    assert said in text


def test_what_a_matrix_names_is_traced_to_its_package(site: Path) -> None:
    Package().install(site)

    assert finding.package_of(TUNER, "package:near-the-best") == "near-the-best"
    assert finding.package_of(MODEL, "package:near-the-best") is None
    assert finding.package_of(TUNER, "near-the-best") is None
    Package(name="other").install(site)
    assert finding.package_of(TUNER, "package:near-the-best") is None
