"""A folder of images, from archives as engines write them; test_real_sharing.py has real ones."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.container_images import oci_layout
from harness.errors import ImagesError

CONFIG = json.dumps({"rootfs": {"diff_ids": ["sha256:…"]}}).encode()
ID = f"sha256:{hashlib.sha256(CONFIG).hexdigest()}"
BASE, TOP = b"the base's files", b"the image's own"


def archive(files: Mapping[str, bytes], links: Mapping[str, str] | None = None) -> io.BytesIO:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
        for name, target in (links or {}).items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            tar.addfile(entry)
    made.seek(0)
    return made


def saved(config: bytes = CONFIG) -> io.BytesIO:
    """An image as Docker 20.10 saves it: three layers, the last being the first again."""
    told = [{"Config": "c.json", "RepoTags": ["x:1"], "Layers": ["a/layer.tar", "b/layer.tar", "c/layer.tar"]}]
    files = {"a/layer.tar": BASE, "b/layer.tar": TOP, "c.json": config, "manifest.json": json.dumps(told).encode()}
    return archive(files, {"c/layer.tar": "../a/layer.tar"})


def loaded(folder: Path, image: str = ID) -> dict[str, bytes]:
    into = io.BytesIO()
    oci_layout.load(folder, image, into, tag="ours:1")
    into.seek(0)
    with tarfile.open(fileobj=into) as tar:
        streams = {each.name: tar.extractfile(each) for each in tar}
        return {name: stream.read() for name, stream in streams.items() if stream is not None}


def test_an_image_is_known_by_the_hash_of_its_configuration(tmp_path: Path) -> None:
    assert oci_layout.add(tmp_path / "ä images", saved(), name="cpu") == ID

    assert list(oci_layout.images(tmp_path / "ä images")) == [ID]


def test_every_blob_is_named_by_what_it_holds_and_nothing_else_is_left(tmp_path: Path) -> None:
    oci_layout.add(tmp_path, saved(), name="cpu")

    blobs = list((tmp_path / "blobs" / "sha256").iterdir())
    assert len(blobs) == 4  # two layers, a configuration, a manifest
    assert all(blob.name == hashlib.sha256(blob.read_bytes()).hexdigest() for blob in blobs)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["blobs", "index.json", "oci-layout"]


def test_what_is_loaded_has_every_layer_in_its_order_and_the_name_asked_for(tmp_path: Path) -> None:
    oci_layout.add(tmp_path, saved(), name="cpu")

    files = loaded(tmp_path)

    (told,) = json.loads(files["manifest.json"])
    assert told["RepoTags"] == ["ours:1"]
    assert [files[layer] for layer in told["Layers"]] == [BASE, TOP, BASE]
    assert files[told["Config"]] == CONFIG


def test_an_image_of_the_same_name_leaves_the_earlier_one_under_its_id(tmp_path: Path) -> None:
    oci_layout.add(tmp_path, saved(), name="cpu")
    second = oci_layout.add(tmp_path, saved(b"{}"), name="cpu")

    assert set(oci_layout.images(tmp_path)) == {ID, second}
    named = [one["annotations"] for one in json.loads((tmp_path / "index.json").read_text())["manifests"]]
    assert named == [{}, {"org.opencontainers.image.ref.name": "cpu"}]
    assert loaded(tmp_path)["manifest.json"] != loaded(tmp_path, second)["manifest.json"]


def test_an_image_that_is_not_there_is_named_beside_those_that_are(tmp_path: Path) -> None:
    oci_layout.add(tmp_path, saved(), name="cpu")

    with pytest.raises(ImagesError, match=f"no image sha256:0; there are {ID}"):
        loaded(tmp_path, "sha256:0")


def test_a_configuration_that_was_changed_is_another_image(tmp_path: Path) -> None:
    oci_layout.add(tmp_path, saved(), name="cpu")
    (tmp_path / "blobs" / "sha256" / ID.removeprefix("sha256:")).write_bytes(b"{}")

    with pytest.raises(ImagesError, match="was changed, as its SHA-256 is another"):
        loaded(tmp_path)


def test_a_layer_that_is_gone_is_told_by_its_file(tmp_path: Path) -> None:
    oci_layout.add(tmp_path, saved(), name="cpu")
    (tmp_path / "blobs" / "sha256" / hashlib.sha256(TOP).hexdigest()).unlink()

    with pytest.raises(ImagesError, match=hashlib.sha256(TOP).hexdigest()):
        loaded(tmp_path)


@pytest.mark.parametrize("stream", [b"no archive", b""])
def test_an_archive_that_can_not_be_read_leaves_no_image(tmp_path: Path, stream: bytes) -> None:
    with pytest.raises(ImagesError, match="the image can't be kept there"):
        oci_layout.add(tmp_path, io.BytesIO(stream), name="cpu")

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_no_layout_is_told(tmp_path: Path) -> None:
    with pytest.raises(ImagesError, match="no OCI image layout that can be read"):
        oci_layout.images(tmp_path)
