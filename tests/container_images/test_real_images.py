"""Images built and looked into for real, on an engine that answers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from harness import container_images, environment
from harness.container_images import DeclaredImage
from harness.container_images.building import stage_of
from tests.container_images.conftest import BASE, ROOT
from tests.container_images.test_bill_of_materials import SCHEMA

pytestmark = [pytest.mark.docker, pytest.mark.slow]

HARDENED = (
    "--rm", "--network", "none", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL",  # noqa: S108 - inside
    "--security-opt", "no-new-privileges",
)  # fmt: skip
# Every installed file with its mode and content, and where links lead.
FILES = """\
import hashlib, os
for folder, folders, names in os.walk("/opt"):
    for path in (os.path.join(folder, name) for name in [*folders, *names]):
        if os.path.islink(path):
            print(path, "->", os.readlink(path))
        elif os.path.isfile(path):
            with open(path, "rb") as stream:
                print(path, oct(os.stat(path).st_mode), hashlib.file_digest(stream, "sha256").hexdigest())
"""
WRITABLE = """\
import os
for folder, folders, names in os.walk("/"):
    folders[:] = [name for name in folders if os.path.join(folder, name) not in {"/proc", "/sys", "/dev", "/tmp"}]
    for path in (os.path.join(folder, name) for name in names):
        if not os.path.islink(path) and os.access(path, os.W_OK):
            print(path)
"""
TRAINS = """\
import keras, tensorflow as tf
layer = keras.layers.Dense(2, kernel_initializer="ones")
print(float(tf.reduce_sum(layer(tf.ones((1, 3))))))
"""


class Docker:
    """The real client."""

    def __init__(self, client: str) -> None:
        self._client = client

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run([self._client, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def python(self, image: str, program: str, *options: str) -> str:
        return self("run", *HARDENED, *options, image, "python", "-c", program).strip()


@pytest.fixture(scope="module")
def docker(real_engine: str) -> Docker:
    return Docker(real_engine)


@pytest.fixture(scope="module")
def extra_ca() -> Path | None:
    trusted = os.environ.get("SSL_CERT_FILE")
    return None if trusted is None else Path(trusted)


@pytest.fixture(scope="module")
def cpu(docker: Docker, extra_ca: Path | None) -> DeclaredImage:
    """The CPU image of these very sources, on a base that this host makes where it can."""
    assert docker("version")
    if os.getuid() == 0 and shutil.which("debootstrap") is not None:
        subprocess.run([ROOT / "docker/base-from-debian.sh"], check=True)
    image = container_images.load(ROOT / "docker/images.toml")[0]
    container_images.build(image, extra_ca=extra_ca)
    return image


@contextmanager
def tagged(docker: Docker, *tags: str) -> Iterator[None]:
    """Remove the images of a test afterwards."""
    try:
        yield
    finally:
        for tag in tags:
            docker("image", "rm", "--force", tag)


def test_the_image_says_what_it_was_made_from(docker: Docker, cpu: DeclaredImage) -> None:
    labels = json.loads(docker("image", "inspect", cpu.tag))[0]["Config"]["Labels"]

    assert labels["tuner-harness.source-hash"] == environment.code_hash()
    assert len(labels["tuner-harness.lock-hash"]) == 64
    assert "@sha256:" in labels["tuner-harness.base"]


def test_a_fresh_image_differs_in_nothing_from_what_is_pinned(cpu: DeclaredImage) -> None:
    assert container_images.verify(cpu) == []


def test_its_bill_of_materials_has_every_locked_package_with_its_hashes_and_debians(cpu: DeclaredImage) -> None:
    shown = container_images.bill_of_materials(cpu)

    jsonschema.Draft7Validator(SCHEMA).validate(shown)
    found = {one["name"]: one for one in shown["components"]}
    python = [one for one in shown["components"] if one["purl"].startswith("pkg:pypi/")]
    assert {"tensorflow-cpu", "keras", "optuna", "python3.11-minimal", "ca-certificates"} <= set(found)
    assert all(one["externalReferences"][0]["hashes"] for one in python)


def unnamed(docker: Docker) -> set[str]:
    return set(docker("images", "--filter", "dangling=true", "--quiet", "--no-trunc").split())


@pytest.fixture
def changed(docker: Docker, cpu: DeclaredImage, tmp_path: Path, extra_ca: Path | None) -> Iterator[DeclaredImage]:
    """The same image under another name, of sources that a test may change."""
    for name in (".dockerignore", "harness", "docker", "requirements", "pyproject.toml"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        copy(ROOT / name, tmp_path / name)
    image = replace(cpu, root=tmp_path, tag="tuner-harness:test-changed-source")
    with tagged(docker, image.tag, stage_of(image)):
        container_images.build(image, extra_ca=extra_ca)
        yield image


def touch(image: DeclaredImage, line: str) -> None:
    with (image.root / "harness/search_loop.py").open("a") as stream:
        stream.write(f"\n{line}\n")


def test_a_changed_source_leaves_the_layer_of_packages_and_no_image_without_a_name(
    docker: Docker, changed: DeclaredImage, extra_ca: Path | None
) -> None:
    before, were_unnamed = described(docker, changed.tag), unnamed(docker)
    touch(changed, "CHANGED = 1")

    container_images.build(changed, extra_ca=extra_ca)

    after = described(docker, changed.tag)
    assert after["Id"] != before["Id"]
    *packages, code = after["RootFS"]["Layers"]
    *same, earlier = before["RootFS"]["Layers"]
    assert packages == same
    assert code != earlier
    assert unnamed(docker) <= were_unnamed


def test_clearing_up_unnamed_images_does_not_take_the_packages_from_the_next_build(
    docker: Docker, changed: DeclaredImage, extra_ca: Path | None
) -> None:
    before = described(docker, stage_of(changed))["RootFS"]["Layers"]
    docker("image", "prune", "--force", "--filter", "label=tuner-harness.source-hash")
    touch(changed, "CHANGED = 2")

    container_images.build(changed, extra_ca=extra_ca)

    assert described(docker, stage_of(changed))["RootFS"]["Layers"][:-2] == before[:-2]


def test_an_image_that_a_container_holds_outlives_its_name(
    docker: Docker, changed: DeclaredImage, extra_ca: Path | None
) -> None:
    touch(changed, "CHANGED = 3")
    container_images.build(changed, extra_ca=extra_ca)
    before = described(docker, changed.tag)["Id"]
    holding = docker("create", changed.tag, "true").strip()
    touch(changed, "CHANGED = 4")

    container_images.build(changed, extra_ca=extra_ca)

    assert described(docker, before)["RepoTags"] == []
    docker("rm", holding)
    docker("image", "rm", before)


def test_a_changed_source_makes_the_image_stale(cpu: DeclaredImage, tmp_path: Path) -> None:
    for name in ("harness", "docker", "requirements"):
        shutil.copytree(ROOT / name, tmp_path / name)
    with (tmp_path / "harness/search_loop.py").open("a") as stream:
        stream.write("\nCHANGED = 1\n")

    differences = container_images.verify(replace(cpu, root=tmp_path))

    assert "the harness's sources changed since it was built" in differences[0]
    assert "the harness inside has source hash" in differences[1]
    assert len(differences) == 2


def test_a_package_that_no_lock_knows_and_a_changed_file_are_found(
    docker: Docker, cpu: DeclaredImage, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text(f"""\
FROM {cpu.tag}
USER root
RUN site=$(python -c 'import six; print(six.__file__.rsplit("/", 1)[0])') \\
 && echo '# changed' >> $site/six.py \\
 && mkdir $site/jax-1.0.dist-info \\
 && printf 'Metadata-Version: 2.1\\nName: jax\\nVersion: 1.0\\n' > $site/jax-1.0.dist-info/METADATA
USER 10001:10001
""")
    with tagged(docker, "tuner-harness:test-changed"):
        docker("build", "--network", "none", "--tag", "tuner-harness:test-changed", str(tmp_path))

        said = "\n".join(container_images.verify(replace(cpu, tag="tuner-harness:test-changed")))

    assert "jax 1.0 is installed, but not in requirements/image-cpu.txt" in said
    assert "six.py was changed" in said
    assert "jax-1.0.dist-info/METADATA belongs to no package" in said


def test_keras_computes_without_network_rights_or_a_writable_root(docker: Docker, cpu: DeclaredImage) -> None:
    assert docker.python(cpu.tag, TRAINS) == "6.0"


def test_programs_run_as_a_user_that_owns_nothing_and_can_write_nothing(docker: Docker, cpu: DeclaredImage) -> None:
    assert docker.python(cpu.tag, "import os; print(os.getuid(), os.getgid())") == "10001 10001"
    assert docker("run", "--rm", "--network", "none", cpu.tag, "python", "-c", WRITABLE) == ""


def test_every_module_has_its_bytecode(docker: Docker, cpu: DeclaredImage) -> None:
    program = """\
import importlib.util, pathlib
for path in pathlib.Path("/opt").rglob("*.py"):
    is_program = path.parent.name == "bin"  # run by its path, of which Python keeps no bytecode
    if not is_program and not pathlib.Path(importlib.util.cache_from_source(path)).is_file():
        print(path)
"""

    assert docker.python(cpu.tag, program) == ""


def test_nothing_of_how_packages_were_fetched_is_in_the_image(docker: Docker, cpu: DeclaredImage) -> None:
    program = "import os; print([path for path in ('/build', '/opt/tools', '/root/.cache') if os.path.exists(path)])"

    assert docker.python(cpu.tag, program, "--user", "0") == "[]"
    assert "INDEX_URL" not in docker("history", "--no-trunc", cpu.tag)


def test_the_harness_inside_is_the_one_that_builds(docker: Docker, cpu: DeclaredImage) -> None:
    program = "from harness import environment; print(environment.code_hash())"

    assert docker.python(cpu.tag, program) == environment.code_hash()


def test_two_builds_have_the_same_installed_packages_file_for_file(
    docker: Docker, cpu: DeclaredImage, extra_ca: Path | None
) -> None:
    # The first was built some time ago, in steps that may have come from the builder's cache.
    again = replace(cpu, tag="tuner-harness:test-again")
    with tagged(docker, again.tag, stage_of(again)):
        container_images.build(again, extra_ca=extra_ca, from_nothing=True)

        first, second = (docker.python(tag, FILES).splitlines() for tag in (cpu.tag, again.tag))

    assert len(first) > 10_000
    assert set(first) ^ set(second) == set()


@contextmanager
def made_anew(docker: Docker, tag: str) -> Iterator[dict[str, Any]]:
    with tagged(docker, tag):
        script = ROOT / "docker/base-from-debian.sh"
        subprocess.run([script, "--again"], check=True, env={**os.environ, "TAG": tag})
        yield described(docker, tag)


def described(docker: Docker, tag: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(docker("image", "inspect", tag))[0]
    return found


@pytest.mark.usefixtures("cpu")
@pytest.mark.skipif(os.getuid() != 0, reason="debootstrap needs root")
def test_two_bases_made_from_debian_have_the_same_layer(docker: Docker) -> None:
    first = described(docker, BASE)
    with made_anew(docker, f"{BASE}-again") as second:
        if first["Config"]["Labels"] != second["Config"]["Labels"]:
            # The mirror has got newer packages since the first was made.
            with made_anew(docker, f"{BASE}-same-day") as remade:
                first = remade

    assert first["RootFS"]["Layers"] == second["RootFS"]["Layers"]
    assert first["Config"]["Labels"] == second["Config"]["Labels"]
