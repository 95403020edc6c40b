from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from harness import container_images
from harness.cli import exit_codes
from harness.cli.commands import harness
from harness.container_images import DeclaredImage, Held
from harness.errors import EngineError

IMAGES = """\
[bases.python]
reference = "python@sha256:0"
[images.cpu]
tag = "ours:cpu"
target = "cpu"
lock = "lock.txt"
bases = ["python"]
[images.gpu]
tag = "ours:gpu"
target = "gpu"
lock = "lock.txt"
bases = ["python"]
"""


class Asked:
    """What a fake engine was asked for, and what it has."""

    def __init__(self) -> None:
        self.built: list[tuple[str, dict[str, Any]]] = []
        self.here = {"cpu"}
        self.differences: list[str] = []

    def build(self, image: DeclaredImage, **options: Any) -> str:
        self.built.append((image.name, options))
        return "python@sha256:0"

    def verify(self, image: DeclaredImage) -> list[str]:
        return [f"{image.tag}: {line}" for line in self.differences]

    def held(self, declared: list[DeclaredImage]) -> list[Held]:
        return [self._held(image) for image in declared]

    def _held(self, image: DeclaredImage) -> Held:
        here = image.name in self.here
        size = 2**31 if here else None
        identity, base = ("sha256:1", "python@sha256:0") if here else (None, None)
        return Held(name=image.name, tag=image.tag, lock=image.lock, id=identity, base=base, size_bytes=size)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Asked:
    fake = Asked()
    for name in ("build", "verify", "held"):
        monkeypatch.setattr(container_images, name, getattr(fake, name))
    for name in ("SSL_CERT_FILE", "PIP_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker/images.toml").write_text(IMAGES)
    (tmp_path / "lock.txt").write_text("")
    monkeypatch.chdir(tmp_path)
    return fake


def call(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(harness, ["images", *arguments], standalone_mode=False, env=environment)


def test_the_cpu_image_is_built_where_none_is_named(asked: Asked) -> None:
    said = call("build").output

    assert asked.built == [("cpu", {"base": None, "extra_ca": None, "index_url": None, "from_nothing": False})]
    assert said == "ours:cpu: built on python@sha256:0\n"


def test_several_images_are_built_in_the_order_asked(asked: Asked) -> None:
    call("build", "gpu", "cpu", "--base", "python", "--from-nothing")

    assert [name for name, _ in asked.built] == ["gpu", "cpu"]
    assert asked.built[0][1]["base"] == "python"
    assert asked.built[0][1]["from_nothing"] is True


def test_the_machines_certificates_and_index_are_trusted_in_a_build(asked: Asked, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("certificate")

    call("build", SSL_CERT_FILE=str(tmp_path / "ca.pem"), PIP_INDEX_URL="https://mirror/simple")

    assert asked.built[0][1]["extra_ca"] == tmp_path / "ca.pem"
    assert asked.built[0][1]["index_url"] == "https://mirror/simple"


def test_an_unknown_image_is_the_users_mistake(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    code = exit_codes.code_of(lambda: harness(["images", "build", "tpu"], standalone_mode=False))

    assert code == exit_codes.USERS_MISTAKE
    assert capsys.readouterr().err == "docker/images.toml: no image 'tpu'; there are cpu, gpu\n"
    assert asked.built == []


@pytest.mark.usefixtures("asked")
def test_images_as_pinned_are_named() -> None:
    result = call("verify")

    assert (result.return_value, result.output) == (0, "as pinned: ours:cpu\n")


def test_every_difference_is_a_line_and_the_exit_code_says_that_there_are_some(asked: Asked) -> None:
    asked.differences = ["numpy is missing", "jax is installed"]

    result = call("verify", "cpu", "gpu")

    assert result.return_value == exit_codes.SOME_FAILED
    assert len(result.output.splitlines()) == 4


def test_where_there_is_no_image_all_are_looked_for(asked: Asked) -> None:
    asked.here = set()
    asked.differences = ["not on this host"]

    assert call("verify").output.splitlines() == ["ours:cpu: not on this host", "ours:gpu: not on this host"]


def test_no_engine_has_an_exit_code_of_its_own(monkeypatch: pytest.MonkeyPatch, asked: Asked) -> None:
    def silent(*_: Any) -> None:
        raise EngineError("no container engine answers; start docker")

    monkeypatch.setattr(container_images, "held", silent)

    code = exit_codes.code_of(lambda: harness(["images", "list"], standalone_mode=False))

    assert code == exit_codes.SOME_MISSING
    assert asked.built == []


def test_what_is_pushed_is_said_as_a_matrix_asks_for_it(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container_images, "push", lambda image, target: f"{target}@sha256:{len(image.name)}")

    assert call("push", "gpu", "lab/ours").output == 'in a matrix, below [container]: image = "lab/ours@sha256:3"\n'
    assert asked.built == []


@pytest.mark.usefixtures("asked")
def test_what_went_into_a_folder_is_said_with_the_way_out_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container_images, "push", lambda *_: "tuner-harness@sha256:1")

    last = call("push", "cpu", "oci:shared").output.splitlines()[-1]
    assert last == "elsewhere first: harness images pull oci:shared@sha256:1"


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize(
    ("name", "more"), [("cpu", ["it is what docker/images.toml declares as cpu: it is ours:cpu now"]), (None, [])]
)
def test_what_is_pulled_is_taken_for_the_declared_image_where_it_is_one(
    monkeypatch: pytest.MonkeyPatch, name: str | None, more: list[str]
) -> None:
    taken: list[str] = []
    monkeypatch.setattr(container_images, "pull", lambda reference: reference)
    monkeypatch.setattr(container_images, "same", lambda images, _: next((i for i in images if i.name == name), None))
    monkeypatch.setattr(container_images, "take", lambda image, reference: taken.append(f"{image.name} {reference}"))

    said = call("pull", "lab/ours@sha256:1").output.splitlines()

    assert said == ['in a matrix, below [container]: image = "lab/ours@sha256:1"', *more]
    assert taken == ([] if name is None else ["cpu lab/ours@sha256:1"])


@pytest.mark.usefixtures("asked")
def test_a_bill_of_materials_is_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(container_images, "bill_of_materials", lambda image: {"of": image.name})

    assert call("sbom", "cpu", "--output", str(tmp_path / "sbom.json")).output == ""
    assert json.loads((tmp_path / "sbom.json").read_text()) == {"of": "cpu"}


@pytest.mark.usefixtures("asked")
def test_a_definition_for_apptainer_is_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(container_images, "definition", lambda image, base: f"{image.name} on {base}")

    assert call("apptainer", "gpu", "--base", "python", "--output", str(tmp_path / "gpu.def")).output == ""
    assert (tmp_path / "gpu.def").read_text() == "gpu on python"


@pytest.mark.usefixtures("asked")
def test_the_list_tells_what_is_here_from_what_is_not() -> None:
    said = call("list").output

    assert "ours:cpu" in said
    assert "2.0 GiB" in said
    assert "not here" in said


@pytest.mark.usefixtures("asked")
def test_the_list_is_json_for_scripts() -> None:
    cpu, gpu = json.loads(call("list", "--json").output)

    assert (cpu["size_bytes"], gpu["size_bytes"]) == (2**31, None)
