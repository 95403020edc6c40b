from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from harness import errors, files, matrix_schema
from harness.datasets import decoded_images, decoding, lazy_images, resolving
from harness.datasets.part_aliases import Part
from harness.datasets.splits import split

Draw = Callable[..., Path]


def loaded(root: Path, cache: Path, *, size: int = 32, **limits: Any) -> decoded_images.Images:
    dataset = matrix_schema.Dataset.model_validate({"source": "folder", "path": str(root), **limits})
    return decoded_images.load(
        resolving.resolve(dataset, base=root, cache=cache), dataset, image_size=size, cache=cache
    )


@pytest.fixture
def birds(draw: Draw, tmp_path: Path) -> Path:
    for label in ("sea eagle", "Drossel", "kea"):
        for number in range(4):
            draw(f"birds/{label}/{number}.png")
    return tmp_path / "birds"


def test_a_folder_becomes_arrays_in_the_order_of_names(birds: Path, tmp_path: Path) -> None:
    found = loaded(birds, tmp_path / "cache")

    assert found.classes == ("Drossel", "kea", "sea eagle")
    assert found.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert found.labels.dtype == np.int32
    assert found.fixed.tolist() == [Part.FREE] * 12
    assert found.images.shape == (12, 32, 32, 3)
    assert found.images.dtype == np.uint8
    assert found.names[4] == "kea/0.png"
    expected = decoding.resize(decoding.decode(birds / "kea/0.png"), 32)
    np.testing.assert_array_equal(found.images[4], expected)


def test_the_images_are_a_read_only_map_of_a_file(birds: Path, tmp_path: Path) -> None:
    found = loaded(birds, tmp_path / "cache")

    assert isinstance(found.images, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        found.images[0] = 0


def test_a_second_load_decodes_nothing(birds: Path, tmp_path: Path) -> None:
    dataset = matrix_schema.Dataset(source="folder", path=str(birds))
    source = resolving.resolve(dataset, base=birds, cache=tmp_path)
    first = decoded_images.load(source, dataset, image_size=32, cache=tmp_path / "cache")
    shutil.rmtree(birds)

    second = decoded_images.load(source, dataset, image_size=32, cache=tmp_path / "cache")

    np.testing.assert_array_equal(first.images, second.images)
    assert first.names == second.names


def test_the_order_on_disk_and_the_place_do_not_matter(birds: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / "vögel"
    for path in sorted(birds.rglob("*.png"), reverse=True):
        target = copy / path.relative_to(birds)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)

    here, there = loaded(birds, tmp_path / "1", max_images=9), loaded(copy, tmp_path / "2", max_images=9)

    assert here.content_hash == there.content_hash
    assert here.names == there.names
    np.testing.assert_array_equal(here.images, there.images)


def test_limits_sizes_and_seeds_have_their_own_images(birds: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"

    assert len(loaded(birds, cache).labels) == 12
    assert len(loaded(birds, cache, max_images=9).labels) == 9
    assert len(loaded(birds, cache, per_class=3).labels) == 9
    assert loaded(birds, cache, size=40).images.shape[1:] == (40, 40, 3)
    assert loaded(birds, cache, max_images=9, sample_seed=1).names != loaded(birds, cache, max_images=9).names
    assert len(list((cache / "images").iterdir())) == 5
    assert len(list((cache / "surveys").iterdir())) == 1


def test_a_sample_seed_without_limits_changes_nothing(birds: Path, tmp_path: Path) -> None:
    loaded(birds, tmp_path / "cache", sample_seed=1)
    loaded(birds, tmp_path / "cache", sample_seed=2)

    assert len(list((tmp_path / "cache" / "images").iterdir())) == 1


def test_what_was_not_used_is_reported(birds: Path, tmp_path: Path) -> None:
    shutil.copy(birds / "kea/0.png", birds / "kea/copy.png")
    shutil.copy(birds / "kea/1.png", birds / "Drossel/kea 1.png")
    (birds / "kea/broken.png").write_bytes((birds / "kea/2.png").read_bytes()[:60])
    (birds / "kea/notes.txt").touch()
    shutil.copy(birds / "kea/3.png", birds / "loose.png")

    found = loaded(birds, tmp_path / "cache")

    assert len(found.labels) == 11
    assert found.duplicates == (("kea/copy.png", "kea/0.png"),)
    assert found.contradictions == (("Drossel/kea 1.png", "kea/1.png"),)
    assert [name for name, _ in found.unreadable] == ["kea/broken.png", "kea/notes.txt", "loose.png"]
    assert dict(found.unreadable)["kea/notes.txt"] == "not an image by its suffix (.txt)"
    assert dict(found.unreadable)["loose.png"] == "stands in no class folder"


def test_limits_are_drawn_from_what_is_usable(birds: Path, tmp_path: Path) -> None:
    for number in range(20):
        (birds / "kea" / f"broken {number}.png").write_bytes(b"")
        shutil.copy(birds / "sea eagle" / "0.png", birds / "sea eagle" / f"again {number}.png")

    found = loaded(birds, tmp_path / "cache", max_images=9)

    assert np.bincount(found.labels).tolist() == [3, 3, 3]


def test_no_duplicate_stands_on_both_sides_of_a_split(draw: Draw, tmp_path: Path) -> None:
    for number in range(40):
        draw(f"d/{'ab'[number % 2]}/{number}.png", seed=number // 4 * 2 + number % 2)

    found = loaded(tmp_path / "d", tmp_path / "cache")
    divided = split(found.labels, found.fixed, classes=found.classes, shares=matrix_schema.Split(), seed=3)

    assert len(found.duplicates) == 20
    sides = [
        {found.images[index].tobytes() for index in part} for part in (divided.train, divided.validation, divided.test)
    ]
    assert len(set.union(*sides)) == sum(map(len, sides)) == 20


def test_groups_are_handed_on_and_limits_draw_from_all_of_them(draw: Draw, tmp_path: Path) -> None:
    for label in ("a", "b"):
        for number in range(12):
            draw(f"d/{label}/{min(number, 3)} {number}.png")
    shutil.copy(tmp_path / "d/a/0 0.png", tmp_path / "d/a/9 copy.png")

    everything = loaded(tmp_path / "d", tmp_path / "cache", group_by="[0-9]")
    drawn = loaded(tmp_path / "d", tmp_path / "cache", group_by="[0-9]", per_class=4)

    assert everything.groups == tuple(name.split("/")[1][0] for name in everything.names)
    assert drawn.groups == ("0", "1", "2", "3") * 2
    assert loaded(tmp_path / "d", tmp_path / "cache").groups is None


def test_a_smaller_copy_is_kept_and_known_to_look_alike(draw: Draw, tmp_path: Path) -> None:
    for number in range(6):
        path = draw(f"d/{'ab'[number % 2]}/{number}.png", size=(8, 6))
        Image.open(path).resize((160, 120), Image.Resampling.BICUBIC).save(path)
    Image.open(tmp_path / "d/a/2.png").resize((100, 90)).save(tmp_path / "d/b/copy.jpg")

    found = loaded(tmp_path / "d", tmp_path / "cache")
    again = loaded(tmp_path / "d", tmp_path / "cache")

    place = found.names.index("b/copy.jpg")
    assert [found.names[other] for other in found.likeness.like(place)] == ["a/2.png"]
    assert found.likeness.divided(found.labels).tolist() == [found.names.index("a/2.png"), place]
    np.testing.assert_array_equal(again.likeness.kinds, found.likeness.kinds)
    np.testing.assert_array_equal(again.likeness.near, found.likeness.near)


def test_fixed_parts_are_handed_on(draw: Draw, tmp_path: Path) -> None:
    for part in ("train", "test"):
        for label in ("a", "b"):
            for number in range(3):
                draw(f"d/{part}/{label}/{number}.png")

    found = loaded(tmp_path / "d", tmp_path / "cache")

    assert {name.split("/")[0]: int(part) for name, part in zip(found.names, found.fixed, strict=True)} == {
        "test": Part.TEST,
        "train": Part.FREE,
    }


def test_more_images_than_one_batch_keep_their_order(tmp_path: Path) -> None:
    shades = np.arange(600, dtype=np.uint16)
    pixels = np.stack([shades // 256, shades % 256], axis=1).astype(np.uint8).reshape(600, 1, 2)
    np.savez(tmp_path / "a.npz", x=np.repeat(pixels, 2, axis=1).repeat(16, axis=2), y=shades % 2)
    dataset = matrix_schema.Dataset(source="npz", path="a.npz")
    source = resolving.resolve(dataset, base=tmp_path, cache=tmp_path)

    found = decoded_images.load(source, dataset, image_size=32, cache=tmp_path / "cache")

    np.testing.assert_array_equal(found.images[:, 0, 0, 0].astype(int) * 256 + found.images[:, 0, -1, 0], shades)


def test_two_loads_at_once_agree(birds: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: loaded(birds, tmp_path / "cache").images.sum(), range(4)))

    assert len(set(found)) == 1
    assert len(list((tmp_path / "cache" / "images").iterdir())) == 1


def test_a_folder_that_changed_before_it_is_read_is_refused(birds: Path, tmp_path: Path) -> None:
    loaded(birds, tmp_path / "cache")
    dataset = matrix_schema.Dataset(source="folder", path=str(birds))
    source = resolving.resolve(dataset, base=birds, cache=tmp_path)
    (birds / "kea/2.png").write_bytes(b"")

    with pytest.raises(errors.MachineError, match=r"^.*/birds: changed since the run began; run it again$"):
        decoded_images.load(source, dataset, image_size=64, cache=tmp_path / "cache")
    assert len(list((tmp_path / "cache" / "images").iterdir())) == 1


@dataclass(frozen=True)
class FakeOpenedThatIsReplaced:
    """Opened files of which one is written anew as soon as another is decoded."""

    opened: Any
    replaced: Path
    content: bytes

    def __getattr__(self, name: str) -> Any:
        return getattr(self.opened, name)

    def picture(self, index: int) -> decoding.Pixels:
        files.write_atomically(self.replaced, self.content)
        pixels: decoding.Pixels = self.opened.picture(index)
        return pixels


@pytest.mark.parametrize(
    ("surveyed", "content", "said"),
    [
        (False, None, r"/birds: changed since the run began; run it again$"),
        (True, None, r"/birds: changed since the run began; run it again$"),
        (True, b"", r"/birds: kea/2\.png changed since the run began \(.*\); run it again$"),
    ],
)
def test_images_that_change_while_they_are_decoded_are_not_kept(
    birds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, surveyed: bool, content: bytes | None, said: str
) -> None:
    cache = tmp_path / "cache"
    if surveyed:
        loaded(birds, cache, size=64)
    kept = sorted(cache.rglob("*"))
    other = (birds / "kea/3.png").read_bytes() if content is None else content
    open_source = lazy_images.open_source
    monkeypatch.setattr(
        lazy_images,
        "open_source",
        lambda source: FakeOpenedThatIsReplaced(open_source(source), birds / "kea/2.png", other),
    )

    with pytest.raises(errors.MachineError, match=said):
        loaded(birds, cache)

    assert [path for path in sorted(cache.rglob("*")) if path not in kept and path.is_file()] == []


def test_a_folder_put_back_as_it_was_gives_its_own_images(birds: Path, tmp_path: Path) -> None:
    expected = loaded(birds, tmp_path / "untouched")
    dataset = matrix_schema.Dataset(source="folder", path=str(birds))
    source = resolving.resolve(dataset, base=birds, cache=tmp_path)
    shutil.move(birds / "kea/0.png", birds / "Drossel/9.png")
    with pytest.raises(errors.MachineError, match="changed since the run began"):
        decoded_images.load(source, dataset, image_size=32, cache=tmp_path / "cache")
    shutil.move(birds / "Drossel/9.png", birds / "kea/0.png")

    found = decoded_images.load(source, dataset, image_size=32, cache=tmp_path / "cache")

    assert found.names == expected.names
    np.testing.assert_array_equal(found.images, expected.images)


@pytest.mark.parametrize("gone", [False, True])
def test_arrays_that_changed_since_they_were_resolved_are_not_kept(tmp_path: Path, *, gone: bool) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, x=np.arange(32, dtype=np.uint8).reshape(2, 4, 4), y=np.arange(2))
    dataset = matrix_schema.Dataset(source="npz", path="a.npz")
    source = resolving.resolve(dataset, base=tmp_path, cache=tmp_path)
    path.unlink()
    if not gone:
        np.savez(path, x=np.zeros((2, 4, 4), dtype=np.uint8), y=np.arange(2))

    with pytest.raises(errors.MachineError, match=r"a\.npz: changed since the run began; run it again$"):
        decoded_images.load(source, dataset, image_size=32, cache=tmp_path / "cache")

    assert [found for found in (tmp_path / "cache").rglob("*") if found.is_file()] == []


def test_a_bomb_among_the_images_is_reported(birds: Path, tmp_path: Path) -> None:
    # 90 million pixels of one bit: small as a file, above the line at which Pillow only warns.
    Image.new("1", (9_500, 9_500)).save(birds / "kea" / "bomb.png")

    found = loaded(birds, tmp_path / "cache")

    assert found.unreadable == (("kea/bomb.png", "9500×9500 pixels are more than 89,478,485"),)


def test_the_digits_are_scaled_to_the_full_range(tmp_path: Path) -> None:
    dataset = matrix_schema.Dataset(source="digits", max_images=100)
    source = resolving.resolve(dataset, base=tmp_path, cache=tmp_path)

    found = decoded_images.load(source, dataset, image_size=32, cache=tmp_path)

    assert found.classes == tuple("0123456789")
    assert found.images.max() == 255
    assert len(found.labels) == 100
    assert np.bincount(found.labels).min() >= 9


@pytest.mark.seconds
def test_the_real_animals_load_within_three_seconds(tmp_path: Path, package_cache: Path) -> None:
    dataset = matrix_schema.Dataset(source="animals", max_images=1000)
    source = resolving.resolve(dataset, base=tmp_path, cache=package_cache)

    started_s = time.process_time()
    found = decoded_images.load(source, dataset, image_size=96, cache=tmp_path)
    took_s = time.process_time() - started_s

    assert found.images.shape == (1000, 96, 96, 3)
    assert found.unreadable == found.contradictions == ()
    assert len(found.duplicates) == 284
    assert np.bincount(found.labels).tolist() == [96, 84, 102, 102, 103, 103, 103, 103, 101, 103]
    assert took_s < 3


def tabled(folder: Path, rows: list[str], cache: Path, **limits: Any) -> decoded_images.Images:
    folder.mkdir(exist_ok=True)
    (folder / "birds.csv").write_text("\n".join(["path,label,part", *rows]), "utf-8")
    dataset = matrix_schema.Dataset.model_validate({"source": "table", "path": "birds.csv", **limits})
    source = resolving.resolve(dataset, base=folder, cache=cache)
    return decoded_images.load(source, dataset, image_size=32, cache=cache)


def test_a_table_becomes_the_arrays_that_a_folder_of_the_same_images_does(birds: Path, tmp_path: Path) -> None:
    rows = [f"{path.relative_to(birds)},{path.parent.name}," for path in birds.rglob("*.png")]

    of_table, of_folder = tabled(birds, rows, tmp_path / "cache"), loaded(birds, tmp_path / "cache")

    assert (of_table.names, of_table.classes) == (of_folder.names, of_folder.classes)
    np.testing.assert_array_equal(of_table.images, of_folder.images)
    np.testing.assert_array_equal(of_table.labels, of_folder.labels)


def test_what_a_table_names_and_nobody_can_use_is_told(birds: Path, tmp_path: Path) -> None:
    shutil.copy(birds / "kea/0.png", birds / "a copy.png")
    shutil.copy(birds / "kea/1.png", birds / "a contradiction.png")
    (birds / "broken.png").write_bytes(b"no picture")
    (birds / "notes.txt").touch()
    rows = [f"{path.relative_to(birds)},{path.parent.name}," for path in birds.rglob("*/*.png")]
    rows += ["a copy.png,kea,", "a contradiction.png,Drossel,", "broken.png,kea,", "notes.txt,kea,"]

    found = tabled(birds, rows, tmp_path / "cache")

    assert [name for name, _ in found.unreadable] == ["broken.png", "notes.txt"]
    assert found.unreadable[1][1] == "not an image by its suffix (.txt)"
    assert found.duplicates == (("kea/0.png", "a copy.png"),)
    assert found.contradictions == (("a contradiction.png", "kea/1.png"),)
    assert len(found.labels) == found.usable == 11


def test_parts_of_a_table_stay_and_limits_draw_from_each(birds: Path, tmp_path: Path) -> None:
    parts = ("train", "train", "val", "test")
    rows = [f"{path.relative_to(birds)},{path.parent.name},{parts[int(path.stem)]}" for path in birds.rglob("*/*.png")]

    found = tabled(birds, rows, tmp_path / "cache", per_class=3)

    assert sorted(found.fixed.tolist()) == [Part.TRAIN] * 3 + [Part.VALIDATION] * 3 + [Part.TEST] * 3
