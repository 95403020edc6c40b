"""Bills of materials, judged by the schema that CycloneDX publishes: here of a fake engine's image."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from harness import container_images
from harness.container_images import DeclaredImage
from harness.container_images.bill_of_materials import lock_hashes
from harness.container_images.extra_packages import Requirement
from harness.errors import EngineError
from tests.container_images.conftest import ROOT, FakeEngine

SCHEMA = json.loads((ROOT / "tests/golden/cyclonedx/bom-1.6.schema.json").read_text("utf-8"))
STATUS = """\
Package: adduser
Status: install ok installed
Architecture: all
Version: 3.134
Description: add users
 and remove them.
 .
 Status: of nothing

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: zlib1g
Status: install ok installed
Architecture: amd64
Version: 1:1.2.13.dfsg-1

Suite: debian-12
"""


@pytest.fixture
def shown(built: DeclaredImage, engine: FakeEngine) -> dict[str, Any]:
    engine.holds(Created="2026-11-28T05:06:09.023354602Z", RepoDigests=[f"lab/ours@sha256:{'d' * 64}"])
    engine.becomes(status=STATUS)
    return container_images.bill_of_materials(built)


def test_the_published_schema_accepts_it(shown: dict[str, Any]) -> None:
    jsonschema.Draft7Validator(SCHEMA, format_checker=jsonschema.FormatChecker()).validate(shown)


def test_packages_of_python_and_of_debian_are_named_as_databases_of_weaknesses_name_them(shown: dict[str, Any]) -> None:
    assert [one["purl"] for one in shown["components"]] == [
        "pkg:pypi/numpy@2.4.6",
        "pkg:deb/debian/adduser@3.134?arch=all&distro=debian-12",
        "pkg:deb/debian/zlib1g@1%3A1.2.13.dfsg-1?arch=amd64&distro=debian-12",
    ]


def test_it_says_of_which_image_it_is(shown: dict[str, Any]) -> None:
    whole = shown["metadata"]["component"]
    said = {one["name"]: one["value"] for one in whole["properties"]}
    assert whole["name"] == "tuner-harness:cpu"
    assert said["tuner-harness:id"] == "sha256:" + "1" * 64
    assert said["tuner-harness:digest:0"] == f"lab/ours@sha256:{'d' * 64}"
    assert said["tuner-harness:label:tuner-harness.base"].startswith("tuner-harness-base:bookworm@sha256:")


def test_the_same_image_has_the_same_bill(shown: dict[str, Any], built: DeclaredImage) -> None:
    assert container_images.bill_of_materials(built) == shown


def test_an_image_that_is_not_debians_has_pythons_packages_alone(built: DeclaredImage, engine: FakeEngine) -> None:
    engine.becomes(status="\nSuite: alpine-3.20\n")

    names = [one["name"] for one in container_images.bill_of_materials(built)["components"]]
    assert names == ["numpy"]


def test_an_image_that_is_not_here_has_none(image: DeclaredImage, engine: FakeEngine) -> None:
    with pytest.raises(EngineError, match="not on this host; harness images build cpu"):
        container_images.bill_of_materials(image)
    assert engine.calls("run") == []


def test_hashes_are_those_of_every_file_that_the_lock_lets_in() -> None:
    first, second, third = ("1" * 64, "2" * 64, "3" * 64)
    lock = (
        f"Six[extra]==1.0 ; python_version < '4' \\\n    --hash=sha256:{first} \\\n    --hash=sha256:{second}\n"
        f"numpy==2.4.6 \\\n    --hash=sha256:{third}\n"
    )

    assert lock_hashes(lock) == {("six", "1.0"): [first, second], ("numpy", "2.4.6"): [third]}


def test_a_package_besides_the_lock_has_its_hash_too(built: DeclaredImage, engine: FakeEngine, project: Path) -> None:
    more = Requirement(name="ours", pinned="ours==1.0", hashes=f"--hash=sha256:{'4' * 64}", wheel=None)
    (project / "more.txt").write_text("")
    engine.becomes(status=STATUS)
    engine.finds_inside(installed={"numpy": "2.4.6", "ours": "1.0"})

    shown = container_images.bill_of_materials(replace(built, requirements="more.txt", more=(more,)))

    (ours,) = [one for one in shown["components"] if one["name"] == "ours"]
    assert ours["externalReferences"][0]["hashes"] == [{"alg": "SHA-256", "content": "4" * 64}]
