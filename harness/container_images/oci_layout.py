"""Images in a folder, as the OCI image layout has them, for hosts that share a disk and no registry.

The layout: https://github.com/opencontainers/image-spec/blob/main/image-layout.md. An image is known by its id there,
the SHA-256 of its configuration, which names every layer by the SHA-256 of what it holds. Layers are kept as they are,
uncompressed: of what several images have in common there is one.
"""

from __future__ import annotations

import hashlib
import io
import json
import posixpath
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from harness import files
from harness.errors import ImagesError

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_NAME = "org.opencontainers.image.ref.name"


def add(folder: Path, saved: IO[bytes], *, name: str) -> str:
    """Add to a layout the one image of an archive that ``docker save`` writes; return its id, ``sha256:…``.

    Raises:
        ImagesError: The folder can't be written, or the archive holds no image.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=folder) as partial:
            members = _unpacked(saved, Path(partial))
            manifest, config = _manifest(members, folder)
        _describe(folder, manifest, name=name)
    except (OSError, tarfile.TarError, KeyError, ValueError) as error:
        raise ImagesError(f"{folder}: the image can't be kept there ({error})") from error
    return config


def load(folder: Path, image: str, into: IO[bytes], *, tag: str) -> None:
    """Write the image with this id as an archive that ``docker load`` reads, and that names it ``tag``.

    Every layer is checked by the engine against the configuration, and that here against the id.

    Raises:
        ImagesError: The layout has no such image, or can't be read.
        BrokenPipeError: Whoever reads the archive has gone.
    """
    manifest = _found(folder, image)
    config = _checked(folder, image)
    layers = [layer["digest"] for layer in manifest["layers"]]
    told = [{"Config": _hex(image), "RepoTags": [tag], "Layers": [f"{_hex(layer)}.tar" for layer in layers]}]
    with tarfile.open(fileobj=into, mode="w|") as archive:
        _write(archive, _hex(image), io.BytesIO(config), size=len(config))
        for layer in dict.fromkeys(layers):
            with _opened(_blob(folder, layer)) as stream:
                _write(archive, f"{_hex(layer)}.tar", stream, size=_blob(folder, layer).stat().st_size)
        text = json.dumps(told).encode()
        _write(archive, "manifest.json", io.BytesIO(text), size=len(text))


def images(folder: Path) -> Mapping[str, dict[str, Any]]:
    """Return the manifest of each image in a layout, by its id.

    Raises:
        ImagesError: It is no layout, or can't be read.
    """
    try:
        index = json.loads((folder / "index.json").read_text("utf-8"))
        read = [json.loads(_blob(folder, one["digest"]).read_text("utf-8")) for one in index["manifests"]]
        return {manifest["config"]["digest"]: manifest for manifest in read}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ImagesError(f"{folder}: no OCI image layout that can be read ({error})") from error


def _unpacked(saved: IO[bytes], partial: Path) -> dict[str, Path]:
    """Write the archive's files into a folder, under numbers; return where each name's content is."""
    found: dict[str, Path] = {}
    links: dict[str, str] = {}
    with tarfile.open(fileobj=saved, mode="r|") as archive:
        for number, member in enumerate(archive):
            if member.issym() or member.islnk():
                # An engine links a layer that it has written already.
                beside = posixpath.dirname(member.name) if member.issym() else ""
                links[member.name] = posixpath.normpath(posixpath.join(beside, member.linkname))
            stream = archive.extractfile(member) if member.isreg() else None
            if stream is not None:
                found[member.name] = partial / str(number)
                with found[member.name].open("wb") as target:
                    shutil.copyfileobj(stream, target, 2**20)
    return found | {name: found[target] for name, target in links.items()}


def _manifest(members: Mapping[str, Path], folder: Path) -> tuple[dict[str, Any], str]:
    """Put an archive's one image among the blobs; return its manifest, and its id."""
    (described,) = json.loads(members["manifest.json"].read_text("utf-8"))
    config = _kept(members[described["Config"]], folder)
    kept: dict[Path, dict[str, Any]] = {}
    for name in described["Layers"]:
        place = members[name]
        # By place: two names of one layer are one file, which moves once.
        kept[place] = kept.get(place) or _kept(place, folder)
    layers = [{"mediaType": _LAYER, **kept[members[name]]} for name in described["Layers"]]
    told = {"schemaVersion": 2, "mediaType": _MANIFEST, "config": {"mediaType": _CONFIG, **config}, "layers": layers}
    return told, str(config["digest"])


def _kept(path: Path, folder: Path) -> dict[str, Any]:
    """Move a file among the blobs, and return its digest and size."""
    digest, size = f"sha256:{files.sha256_of(path)}", path.stat().st_size
    place = _blob(folder, digest)
    place.parent.mkdir(parents=True, exist_ok=True)
    path.replace(place)
    place.chmod(0o644)
    return {"digest": digest, "size": size}


def _describe(folder: Path, manifest: Mapping[str, Any], *, name: str) -> None:
    """Write an image's manifest and name it in the index, in place of an earlier image of that name."""
    text = files.canonical_json(manifest)
    digest = f"sha256:{hashlib.sha256(text).hexdigest()}"
    files.write_atomically(_blob(folder, digest), text)
    index: dict[str, Any] = {"schemaVersion": 2, "manifests": []}
    with suppress(FileNotFoundError):
        index = json.loads((folder / "index.json").read_text("utf-8"))
    others = [one for one in index["manifests"] if one["digest"] != digest]
    for one in others:
        if one.get("annotations", {}).get(_NAME) == name:
            # The image stays, under its id: a matrix may name it.
            del one["annotations"][_NAME]
    entry = {"mediaType": _MANIFEST, "digest": digest, "size": len(text), "annotations": {_NAME: name}}
    files.write_json(folder / "oci-layout", {"imageLayoutVersion": "1.0.0"})
    files.write_json(folder / "index.json", {**index, "manifests": [*others, entry]})


def _found(folder: Path, image: str) -> dict[str, Any]:
    here = images(folder)
    if image not in here:
        raise ImagesError(f"{folder}: no image {image}; there are {', '.join(here) or 'none'}")
    return here[image]


def _checked(folder: Path, image: str) -> bytes:
    """Return an image's configuration, if it hashes to the image's id."""
    with _opened(_blob(folder, image)) as stream:
        config = stream.read()
    if hashlib.sha256(config).hexdigest() != _hex(image):
        raise ImagesError(f"{_blob(folder, image)}: was changed, as its SHA-256 is another; push the image again")
    return config


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        stream = path.open("rb")
    except OSError as error:
        raise ImagesError(f"{path}: can't be read ({error.strerror}); push the image again") from error
    with stream:
        yield stream


def _write(archive: tarfile.TarFile, name: str, stream: IO[bytes], *, size: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = size
    archive.addfile(entry, stream)


def _blob(folder: Path, digest: str) -> Path:
    return folder / "blobs" / "sha256" / _hex(digest)


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")
