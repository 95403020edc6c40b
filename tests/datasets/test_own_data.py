from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from harness import environment, errors, files, matrix_schema
from harness.datasets import decoded_images, own_data, resolving, verified_sources
from harness.datasets.part_aliases import Part
from harness.testing import DataContract

GUIDE = Path(__file__).parents[2] / "docs/add-a-data-set.md"
SHOWN = re.findall(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)[0]
FREE, TEST = Part.FREE, Part.TEST

Own = Callable[..., verified_sources.Source]


@pytest.fixture
def traps(tmp_path: Path) -> Path:
    """What the guide's example reads: twelve frames of two species at each of four sites."""
    folder = tmp_path / "my traps"
    folder.mkdir()
    rng = np.random.default_rng(1)
    for site in ("A", "B", "C", "D"):
        frames = rng.integers(0, 256, (12, 8, 9, 3), dtype=np.uint8)
        np.savez(folder / f"{site}.npz", frames=frames, species=np.array(["fox", "lynx"] * 6))
    return folder


def resolved(folder: Path, text: str, data: Path, **options: Any) -> verified_sources.Source:
    code = folder / "my reader.py"
    code.write_text(text, "utf-8")
    dataset = matrix_schema.Dataset(source="file", path="my reader.py", data=str(data), options=options)
    return resolving.resolve(dataset, base=folder, cache=folder / "cache")


def loaded(source: verified_sources.Source, cache: Path) -> decoded_images.Images:
    return decoded_images.load(source, matrix_schema.Dataset(source="file", path="x"), image_size=32, cache=cache)


def read(folder: Path, pictures: str, *, data: Path | None = None) -> verified_sources.Source:
    """Read what a function yields that says what ``pictures`` says."""
    text = f"import io\nfrom pathlib import Path\nimport numpy as np\n\ndef read(data):\n    return {pictures}\n"
    return own_data.unpacked(resolved(folder, text, data or folder / "my traps"), cache=folder / "cache")


def refused(folder: Path, pictures: str) -> str:
    with pytest.raises(errors.DatasetError) as caught:
        read(folder, pictures)
    assert "\n" not in str(caught.value)
    assert list((folder / "cache/datasets").iterdir()) == []
    return str(caught.value).replace(str(folder), "FOLDER")


def test_the_guides_example_becomes_arrays(traps: Path, tmp_path: Path) -> None:
    found = loaded(resolved(tmp_path, SHOWN, traps, every=3), tmp_path / "cache")

    assert found.classes == ("fox", "lynx")
    assert len(found.labels) == 16
    assert found.names[:2] == ("A[0]", "A[1]")
    assert found.groups == tuple("AAAABBBBCCCCDDDD")
    assert found.unreadable == found.duplicates == ()
    assert found.labels.tolist() == [0, 1] * 8


def test_the_host_runs_nothing_of_it(traps: Path, tmp_path: Path) -> None:
    source = resolved(tmp_path, "raise SystemExit('run')\n\ndef read(data): ...", traps)

    assert source.kind == "file"
    assert source.paths == (str(tmp_path / "my reader.py"), str(traps))
    assert verified_sources.Source.from_json(json.loads(json.dumps(source.to_json()))) == source


def test_it_is_run_once_whatever_size_is_asked_for(traps: Path, tmp_path: Path) -> None:
    counting = SHOWN.replace(
        "    for site", "    with open(data.parent / 'runs', 'a') as stream: stream.write('x')\n    for site"
    )
    source = resolved(tmp_path, counting, traps)

    for size in (32, 48):
        decoded_images.load(
            source, matrix_schema.Dataset(source="file", path="x"), image_size=size, cache=tmp_path / "cache"
        )

    assert (tmp_path / "runs").read_text() == "x"


def test_code_data_and_options_are_what_the_data_are(traps: Path, tmp_path: Path) -> None:
    def hashed(text: str = SHOWN, **options: Any) -> str:
        return resolved(tmp_path, text, traps, **options).content_hash

    plain = hashed()
    other = {hashed(f"{SHOWN}\n# a remark\n"), hashed(every=2), hashed(every=3)}
    (traps / ".hidden").write_text("x")
    assert hashed() == plain
    (traps / "notes.txt").write_text("x")
    other.add(hashed())
    (traps / "notes.txt").rename(traps / "note.txt")
    other.add(hashed())
    shutil.copytree(traps, tmp_path / "elsewhere")

    assert len({plain, *other}) == 6
    assert resolved(tmp_path, SHOWN, tmp_path / "elsewhere").content_hash == hashed()


def test_data_may_be_one_file(traps: Path, tmp_path: Path) -> None:
    text = SHOWN.replace('sorted(data.glob("*.npz"))', "[data]")
    source = resolved(tmp_path, text, traps / "A.npz")

    assert len(loaded(source, tmp_path / "cache").labels) == 12
    assert source.content_hash != resolved(tmp_path, text, traps / "B.npz").content_hash


def test_what_changed_since_the_run_began_is_refused(traps: Path, tmp_path: Path) -> None:
    source = resolved(tmp_path, SHOWN, traps)
    verified_sources.verify(source)
    (traps / "A.npz").unlink()

    with pytest.raises(errors.MachineError, match=r"my reader\.py, .*/my traps: changed since the run began"):
        loaded(source, tmp_path / "cache")


def test_code_that_changed_is_not_run(traps: Path, tmp_path: Path) -> None:
    source = resolved(tmp_path, SHOWN, traps)
    (tmp_path / "my reader.py").write_text(f"{SHOWN}\n", "utf-8")

    with pytest.raises(errors.MachineError, match=r"my reader\.py: changed since the run began; run it again$"):
        own_data.unpacked(source, cache=tmp_path / "cache")


def test_other_packages_read_anew(traps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = resolved(tmp_path, SHOWN, traps)
    before = (source.place, decoded_images.place_of(source, matrix_schema.Dataset(source="file"), image_size=32))

    monkeypatch.setattr(environment, "content", lambda: "other packages")

    after = (source.place, decoded_images.place_of(source, matrix_schema.Dataset(source="file"), image_size=32))
    assert {*before}.isdisjoint(after)


@pytest.mark.parametrize(
    ("text", "data", "message"),
    [
        ("def read(:", "my traps", "path: FOLDER/my reader.py: line 1: is no Python (invalid syntax); mend it"),
        (
            "def load(): ...",
            "my traps",
            "path: FOLDER/my reader.py: defines no read; docs/add-a-data-set.md shows one",
        ),
        ("def read(data): ...", "nowhere", "data: FOLDER/nowhere: no such file or folder; check the path"),
        (
            "def read(data): ...",
            ".",
            (
                "FOLDER: the cache folder, FOLDER/cache, lies in it and would be read as images; give another one with "
                "--cache, or put the images into a folder of their own"
            ),
        ),
    ],
)
def test_what_cant_be_read_is_told_before_anything_runs(
    traps: Path, tmp_path: Path, text: str, data: str, message: str
) -> None:
    assert traps.is_dir()

    with pytest.raises(errors.UserError) as caught:
        resolved(tmp_path, text, tmp_path / data)

    assert str(caught.value).replace(str(tmp_path), "FOLDER") == message


def test_links_that_lead_out_of_the_data_are_refused(traps: Path, tmp_path: Path) -> None:
    (traps / "link").symlink_to(tmp_path / "my reader.py")

    with pytest.raises(errors.DatasetError, match=r"link: a link to a folder or out of the data set"):
        resolved(tmp_path, SHOWN, traps)


@pytest.mark.parametrize(
    ("image", "pixels"),
    [
        ("np.full((2, 3), 207, np.uint8)", np.full((2, 3, 3), 207)),
        ("np.full((2, 3, 1), 207)", np.full((2, 3, 3), 207)),
        ("np.full((2, 3, 3), 1.0)", np.full((2, 3, 3), 255)),
        ("[[0, 255], [1, 2]]", np.repeat([[[0], [255]], [[1], [2]]], 3, axis=2)),
        ("'a picture.png'", np.full((2, 3, 3), 9)),
        ("data / 'a picture.png'", np.full((2, 3, 3), 9)),
        ("(data / 'a picture.png').read_bytes()", np.full((2, 3, 3), 9)),
        ("__import__('PIL.Image').Image.open(data / 'a picture.png')", np.full((2, 3, 3), 9)),
    ],
)
def test_a_picture_is_an_array_or_a_file(traps: Path, tmp_path: Path, image: str, pixels: Any) -> None:
    Image.new("RGB", (3, 2), (9, 9, 9)).save(traps / "a picture.png")

    found = read(tmp_path, f"[{{'image': {image}, 'label': label}} for label in ('a', 'b')]")

    for file in verified_sources.listed(found).files:
        np.testing.assert_array_equal(np.asarray(Image.open(file.path).convert("RGB")), pixels)


def test_labels_parts_and_groups_are_taken_over(traps: Path, tmp_path: Path) -> None:
    assert traps.is_dir()
    parts = ["train", "train", "Testing", "Testing"]
    picture = "dict(image=b'x', label=np.int64(n % 2), part=part, group=n, name=f'ä {n}')"
    made = f"[{picture} for n, part in enumerate({parts})]"

    found = verified_sources.listed(read(tmp_path, made))

    assert [file.label for file in found.files] == ["0", "1", "0", "1"]
    assert [file.part for file in found.files] == [FREE, FREE, TEST, TEST]
    assert [file.name for file in found.files] == ["ä 0", "ä 1", "ä 2", "ä 3"]
    assert found.groups == ("0", "1", "2", "3")


MAPPING = "it is a mapping with image and label, and name, part, group if known"
VALUES = "give uint8 from 0 to 255, or floats from 0 to 1"
PLAIN = "dict(image=b'x', label='a'), dict(image=b'y', label='b')"


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ("3", "my reader.py: read returned int, and not pictures one after the other"),
        ("None", "my reader.py: read returned NoneType, and not pictures one after the other"),
        ("'text'", "my reader.py: read returned str, and not pictures one after the other"),
        ("[]", "path: FOLDER/my reader.py: holds no pictures"),
        ("[(b'x', 'a')]", "my reader.py: picture 0 is tuple, and no mapping with image and label"),
        (
            "[dict(image=b'x')]",
            f"my reader.py: picture 0 lacks 'label'; {MAPPING}",
        ),
        (
            "[dict(image=b'x', label='a', site='A')]",
            f"my reader.py: picture 0 has 'site'; {MAPPING}",
        ),
        (
            f"[{PLAIN}, dict(image=b'x', label=None)]",
            "my reader.py: picture 2: its label is None, and neither text nor a whole number",
        ),
        (
            "[dict(image=b'x', label=0.5)]",
            "my reader.py: picture 0: its label is 0.5, and neither text nor a whole number",
        ),
        (
            "[dict(image=b'x', label='a', part='fold 1')]",
            "my reader.py: picture 0: no part is called 'fold 1'; give train, validation or test",
        ),
        (
            f"[{PLAIN}, dict(image=b'x', label='a', part='test')]",
            "my reader.py: picture 2: a part is given for some pictures alone; give one for each, or for none",
        ),
        (
            f"[{PLAIN}, dict(image=b'x', label='a', group='A')]",
            "path: FOLDER/my reader.py: 2 of 3 pictures have no group, such as [0]; every one needs one, or none",
        ),
        (
            "[dict(image=b'x', label='a')]",
            "path: FOLDER/my reader.py: holds one class only, 'a'; two or more are needed",
        ),
        (
            "[dict(image=np.zeros((2, 3, 4)), label='a')]",
            "my reader.py: picture 0: its image is 2×3×4, and no (height, width[, 1 or 3]), file or bytes of a file",
        ),
        (
            "[dict(image=None, label='a')]",
            "my reader.py: picture 0: its image is NoneType, and no (height, width[, 1 or 3]), file or bytes of a file",
        ),
        (
            "[dict(image=np.full((2, 2), 256), label='a')]",
            f"my reader.py: picture 0: its values are int64 from 256 to 256; {VALUES}",
        ),
        (
            "[dict(image=np.full((2, 2), np.nan), label='a')]",
            f"my reader.py: picture 0: its values are float64 from nan to nan; {VALUES}",
        ),
        (
            "[dict(image=np.array([['a']]), label='a')]",
            f"my reader.py: picture 0: its values are <U1; {VALUES}",
        ),
        (
            "[dict(image='../my reader.py', label='a')]",
            (
                "my reader.py: picture 0: FOLDER/my traps/../my reader.py lies outside of the data; give a path below "
                "FOLDER/my traps"
            ),
        ),
        (
            "[dict(image='gone.png', label='a')]",
            "my reader.py: picture 0: FOLDER/my traps/gone.png can't be read (No such file or directory)",
        ),
    ],
)
def test_what_is_no_data_set_is_told_and_leaves_nothing_behind(
    traps: Path, tmp_path: Path, made: str, message: str
) -> None:
    assert traps.is_dir()
    shown = message if message.startswith("path: ") else f"{message}; docs/add-a-data-set.md shows one"

    assert refused(tmp_path, made) == shown


def test_an_error_of_the_users_own_is_left_as_it_is(traps: Path, tmp_path: Path) -> None:
    assert traps.is_dir()

    with pytest.raises(ZeroDivisionError):
        read(tmp_path, "1 / 0")


def test_what_nobody_can_decode_is_counted_as_in_every_data_set(traps: Path, tmp_path: Path) -> None:
    stream = io.BytesIO()
    Image.new("L", (4, 4), 3).save(stream, "PNG")
    (traps / "a.png").write_bytes(stream.getvalue())
    held = "((b'broken', 'a'), ('a.png', 'a'), (np.zeros((4, 4)), 'b'), (np.zeros((4, 4)), 'b'))"
    made = f"[dict(image=image, label=label) for image, label in {held}]"
    text = f"import numpy as np\n\ndef read(data):\n    return {made}\n"

    found = loaded(resolved(tmp_path, text, traps), tmp_path / "cache")

    assert [name for name, _ in found.unreadable] == ["[0]"]
    assert found.duplicates == (("[3]", "[2]"),)
    assert len(found.labels) == 2


class TestTheGuidesExample(DataContract):
    """The contract that authors derive from, on the guide's own reader."""

    @pytest.fixture(autouse=True)
    def _traps(self, traps: Path) -> None:
        self.data = traps

    def read(self, data: Path) -> Any:
        module: dict[str, Any] = {}
        exec(SHOWN, module)  # noqa: S102 - the documentation's own code
        return module["read"](data, every=3)


def test_the_contract_sees_a_reader_that_draws_by_chance(traps: Path) -> None:
    rng = np.random.default_rng()

    class Drawn(DataContract):
        data = traps

        def read(self, data: Path) -> Any:
            assert data == traps
            return [{"image": rng.random((4, 4)), "label": label} for label in ("a", "b")]

    Drawn().test_it_reads_pictures_with_labels()
    with pytest.raises(AssertionError):
        Drawn().test_it_reads_the_same_again()


def test_a_folders_hash_is_over_names_and_bytes(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "ä.txt").write_text("x")

    source = resolved(tmp_path, "def read(data): ...", tmp_path / "d")

    code = files.sha256_of(tmp_path / "my reader.py")
    held = files.digest([["ä.txt", files.sha256_of(tmp_path / "d/ä.txt")]])
    assert source.content_hash == files.digest([code, {}, held])


def test_arrays_none_of_which_is_bright_anywhere_are_asked_about(traps: Path, tmp_path: Path) -> None:
    assert traps.is_dir()
    made = "[{'image': np.full((2, 3), value), 'label': value} for value in (0, %d)]"

    with pytest.raises(errors.DatasetError, match=r"whole numbers from 0 to 1 alone, .*; multiply by 255; "):
        read(tmp_path, made % 1)
    # One by one they may be dark.
    assert len(verified_sources.listed(read(tmp_path, made % 200)).files) == 2
