"""What is in an image, for programs that look for known weaknesses: a CycloneDX bill of materials (SBOM).

The form: https://cyclonedx.org/docs/1.6/json. Python's packages are those that a container finds in itself, with the
SHA-256 of every file that the lock lets in for them; Debian's are those of the package list inside. Made from the image
alone: the same image has the same bill, to the byte.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

import harness
from harness import image_labels
from harness.container_images import engine, verifying
from harness.container_images.build_input_hashes import locked
from harness.container_images.declarations import DeclaredImage
from harness.container_images.engine import Inspected
from harness.container_images.probe import normal
from harness.errors import EngineError

_FORM = {
    "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "version": 1,
}
# Whoever counts bills knows an image's by a number that follows from its id.
_NUMBERS = uuid.UUID("4bd96f94-0b5a-5a0d-9d0e-0d9b2e8a7c11")
_PINNED = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^]]*\])?==(?P<version>[^\s;\\]+)(?P<rest>(?:.*\\\n)*.*)$", re.MULTILINE
)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_DPKG = "cat /var/lib/dpkg/status 2>/dev/null; echo; . /etc/os-release; echo Suite: $ID-$VERSION_ID"


def bill_of_materials(image: DeclaredImage) -> dict[str, Any]:
    """Return the bill of an image of this host, in JSON's terms.

    Raises:
        EngineError: No engine answers, or the image isn't here, or can't be looked into.
    """
    found = engine.inspect(image.tag)
    if found is None:
        raise EngineError(f"{image.tag}: not on this host; harness images build {image.name}")
    inside = verifying.inside(image, found)
    hashes = lock_hashes("\n".join([locked(image), *(f"{one.pinned} {one.hashes}" for one in image.more)]))
    status = engine.run_inside(found.id, ["sh", "-c", _DPKG], given="")
    components = [*_python(inside["installed"], hashes), *_debian(status)]
    return {
        **_FORM,
        "serialNumber": f"urn:uuid:{uuid.uuid5(_NUMBERS, found.id)}",
        "metadata": {
            "timestamp": found.created,
            "tools": {"components": [{"type": "application", "name": "tuner-harness", "version": harness.__version__}]},
            "component": _whole(image, found),
        },
        "components": components,
        "dependencies": [{"ref": found.id, "dependsOn": [one["bom-ref"] for one in components]}],
    }


def lock_hashes(lock: str) -> Mapping[tuple[str, str], list[str]]:
    """Return the SHA-256 of every file that a lock's text lets in, by a package's name and version."""
    return {(normal(one["name"]), one["version"]): _HASH.findall(one["rest"]) for one in _PINNED.finditer(lock)}


def _whole(image: DeclaredImage, found: Inspected) -> dict[str, Any]:
    told = {"id": found.id, **{f"label:{name}": found.labels[name] for name in sorted(_said(found))}}
    digests = {f"digest:{number}": name for number, name in enumerate(found.repo_digests)}
    return {
        "type": "container",
        "bom-ref": found.id,
        "name": image.tag,
        "properties": [{"name": f"tuner-harness:{name}", "value": value} for name, value in (told | digests).items()],
    }


def _said(found: Inspected) -> Iterable[str]:
    return {image_labels.BASE_LABEL, *image_labels.HASH_LABELS.values()} & found.labels.keys()


def _python(installed: Mapping[str, str], hashes: Mapping[tuple[str, str], list[str]]) -> Iterator[dict[str, Any]]:
    for name, version in sorted(installed.items()):
        known = [{"alg": "SHA-256", "content": each} for each in hashes.get((name, version), ())]
        source = {"type": "distribution", "url": f"https://pypi.org/project/{name}/{version}/", "hashes": known}
        yield {
            **_component(f"pkg:pypi/{name}@{quote(version, safe='')}", name, version),
            # One of these files is installed: a lock serves several kinds of machines.
            **({"externalReferences": [source]} if known else {}),
        }


def _debian(status: str) -> Iterator[dict[str, Any]]:
    """Yield each package that is installed; none where the base isn't Debian's."""
    *paragraphs, last = status.strip().split("\n\n")
    suite = last.strip().removeprefix("Suite: ")
    for paragraph in paragraphs:
        fields = dict(line.split(": ", 1) for line in paragraph.splitlines() if re.match(r"[A-Z][\w-]*: ", line))
        if fields.get("Status", "").endswith(" installed"):
            name, version = fields["Package"], fields["Version"]
            where = f"arch={fields['Architecture']}&distro={suite}"
            yield _component(f"pkg:deb/debian/{quote(name)}@{quote(version, safe='')}?{where}", name, version)


def _component(purl: str, name: str, version: str) -> dict[str, Any]:
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
