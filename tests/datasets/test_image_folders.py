from __future__ import annotations

import os
import re
import shutil
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import errors
from harness.datasets import image_folders
from harness.datasets.part_aliases import Part

Draw = Callable[..., Path]


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder


def refused(root: Path) -> str:
    with pytest.raises(errors.DatasetError) as caught:
        image_folders.of_folder(root)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_folder_for_each_class_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    root = touch(
        tmp_path / "My birds", "sea eagle/b.JPG", "sea eagle/a.png", "Drossel/ü 1.webp", "Drossel/deep/er/2.GIF"
    )

    found = image_folders.of_folder(root)

    assert found.classes == ("Drossel", "sea eagle")
    assert [file.name for file in found.files] == [
        "Drossel/deep/er/2.GIF",
        "Drossel/ü 1.webp",
        "sea eagle/a.png",
        "sea eagle/b.JPG",
    ]
    assert {file.part for file in found.files} == {Part.FREE}
    assert found.skipped == ()


def test_hidden_files_and_clutter_are_ignored(tmp_path: Path) -> None:
    root = touch(
        tmp_path, "a/1.png", "b/1.bmp", "a/.DS_Store", "a/._1.png", "a/Thumbs.db", "__MACOSX/a/1.png", ".git/x.png"
    )

    found = image_folders.of_folder(root)

    assert [file.name for file in found.files] == ["a/1.png", "b/1.bmp"]
    assert found.skipped == ()


def test_other_files_and_loose_images_are_listed(tmp_path: Path) -> None:
    root = touch(tmp_path, "a/1.png", "b/1.png", "a/notes.txt", "LICENSE", "loose.png")

    assert image_folders.of_folder(root).skipped == ("LICENSE", "a/notes.txt", "loose.png")


@pytest.mark.parametrize("validation", ["val", "valid", "validation", "Val"])
def test_three_fixed_parts_are_kept(tmp_path: Path, validation: str) -> None:
    names = [f"{part}/{label}/1.png" for part in ("train", validation, "test") for label in ("a", "b")]

    found = image_folders.of_folder(touch(tmp_path, *names))

    assert found.classes == ("a", "b")
    assert Counter(file.part for file in found.files) == {Part.TRAIN: 2, Part.VALIDATION: 2, Part.TEST: 2}


@pytest.mark.parametrize(("folder", "part"), [("val", Part.VALIDATION), ("test", Part.TEST)])
def test_with_a_part_missing_the_images_of_train_are_free(tmp_path: Path, folder: str, part: Part) -> None:
    root = touch(
        tmp_path, "train/a/1.png", "train/b/1.png", f"{folder}/a/2.png", f"{folder}/b/2.png", "train/loose.png"
    )

    found = image_folders.of_folder(root)

    assert {file.name[:5]: file.part for file in found.files} == {"train": Part.FREE, f"{folder}/a"[:5]: part} | {
        f"{folder}/b"[:5]: part
    }
    assert found.skipped == ("train/loose.png",)


@pytest.mark.parametrize(
    ("train", "other", "part"),
    [
        ("Training", "Testing", Part.TEST),
        ("training_set", "test_set", Part.TEST),
        ("train", "dev", Part.VALIDATION),
        ("train ", "VAL", Part.VALIDATION),
        ("1-train", "2-holdout", Part.TEST),
        ("train2017", "val2017", Part.VALIDATION),
        ("Trainset", "images test", Part.TEST),
    ],
)
def test_parts_are_known_by_their_usual_names(tmp_path: Path, train: str, other: str, part: Part) -> None:
    root = touch(tmp_path, *(f"{folder}/{label}/1.png" for folder in (train, other) for label in ("a", "b")))

    found = image_folders.of_folder(root)

    assert found.classes == ("a", "b")
    assert Counter(file.part for file in found.files) == {Part.FREE: 2, part: 2}


@pytest.mark.parametrize(
    ("names", "way"),
    [
        (["train/a/1.png", "train/b/1.png", "test/a/1.png", "test/b/1.png", "extra/1.png"], "move 'extra' elsewhere"),
        (["Training/a/1.png", "Training/b/1.png", "extra/1.png"], "move 'extra' elsewhere"),
        (["valid/a/1.png", "valid/b/1.png", "test/a/1.png", "test/b/1.png"], "call one of them train"),
        (["train/1.png", "test/1.png"], "put a folder for each class into them"),
        (["train/1.png", "test/a/1.png", "test/b/1.png"], "put a folder for each class into them"),
        (["train/1.png", "car/1.png", "test/1.png"], "move 'car' elsewhere"),
    ],
)
def test_folders_that_may_be_parts_and_may_be_classes_are_for_the_user_to_tell(
    tmp_path: Path, names: list[str], way: str
) -> None:
    root = touch(tmp_path, *names)

    assert f"parts of the data or its classes? For parts {way}; for classes write folders = " in refused(root)
    found = image_folders.of_folder(root, meant="classes")
    assert set(found.classes) == {name.partition("/")[0] for name in names}
    assert {file.part for file in found.files} == {Part.FREE}


def test_class_folders_that_all_hold_the_same_folders_are_for_the_user_to_tell(tmp_path: Path) -> None:
    root = touch(tmp_path, *(f"site {site}/{label}/1.png" for site in "ABCDEF" for label in ("cat", "dog")))

    message = refused(root)

    assert "'site C', 'site D' and 2 more holds 'cat' and 'dog': which are the classes?" in message
    assert image_folders.of_folder(root, meant="classes").classes == tuple(f"site {site}" for site in "ABCDEF")


def test_folders_of_which_one_lacks_a_folder_that_the_others_hold_are_for_the_user_to_tell(tmp_path: Path) -> None:
    root = touch(tmp_path, *(f"Trainingsdaten/{label}/1.png" for label in ("Hund", "Katze", "Maus")))
    touch(tmp_path, "Testdaten/Hund/1.png", "Testdaten/Katze/1.png")

    message = refused(root)

    assert "each of 'Testdaten' and 'Trainingsdaten' holds 'Hund' and 'Katze': which are the classes?" in message
    assert image_folders.of_folder(root, meant="classes").classes == ("Testdaten", "Trainingsdaten")


def test_a_lone_class_that_is_named_like_a_part_and_one_same_inner_folder_are_no_doubt(tmp_path: Path) -> None:
    trial = touch(tmp_path / "trial", "control/1.png", "test/1.png")
    inner = touch(tmp_path / "inner", "cat/images/1.png", "dog/images/1.png")

    assert image_folders.of_folder(trial).classes == ("control", "test")
    assert image_folders.of_folder(inner).classes == ("cat", "dog")


def test_parts_that_the_user_tells_of_must_be_some(tmp_path: Path) -> None:
    root = touch(tmp_path, "a/1.png", "b/1.png")

    with pytest.raises(errors.DatasetError, match="holds 'a' and 'b'; parts need a train folder beside"):
        image_folders.of_folder(root, meant="parts")


def test_what_the_user_tells_of_the_folders_is_part_of_the_content(tmp_path: Path) -> None:
    root = touch(tmp_path, "a/1.png", "b/1.png")

    assert image_folders.of_folder(root).content_hash != image_folders.of_folder(root, meant="classes").content_hash


@pytest.mark.parametrize(
    "clutter",
    [
        *("@eaDir/1.png@SynoFile_THUMB.png", "$RECYCLE.BIN/1.png", "lost+found/1.png", "#recycle/1.png"),
        *("RECYCLED/1.png", "~snapshot/a/1.png", "Network Trash Folder/1.png", "Temporary Items/1.png"),
        *("FOUND.012/1.png", "_gsdata_/1.png"),
    ],
)
@pytest.mark.parametrize("place", ["", "a/"])
def test_what_storage_and_systems_leave_is_no_class_and_no_image(tmp_path: Path, place: str, clutter: str) -> None:
    root = touch(tmp_path, "a/1.png", "b/1.png", "System Volume Information/1.png", f"{place}{clutter}")

    found = image_folders.of_folder(root)

    assert [file.name for file in found.files] == ["a/1.png", "b/1.png"]
    assert found.skipped == ()


def test_results_of_an_earlier_run_are_no_class(tmp_path: Path) -> None:
    root = touch(tmp_path, "a/1.png", "b/1.png", "results/demo/plan.json", "results/demo/plots/ranks.png")

    assert refused(root).startswith(f"{root / 'results'}: holds results of the harness")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert refused(tmp_path / "no birds").startswith(f"{tmp_path / 'no birds'}: no such folder")


def test_an_archive_in_the_place_of_a_folder_is_told_apart(tmp_path: Path) -> None:
    archive = touch(tmp_path, "birds.zip") / "birds.zip"

    assert refused(archive).startswith(f"{archive}: a file, not a folder; unpack it if it is an archive")


def test_a_folder_without_class_folders_is_refused(tmp_path: Path) -> None:
    assert "holds no class folders" in refused(tmp_path)
    assert "holds no class folders" in refused(touch(tmp_path, "1.png", "2.png"))


def test_one_class_only_is_refused_and_the_inner_folder_proposed(tmp_path: Path) -> None:
    assert "one class only, 'a'; two or more" in refused(touch(tmp_path / "one", "a/1.png"))

    outer = touch(tmp_path / "outer", "Danger Of Extinction/Lion/1.png", "Danger Of Extinction/Rhino/1.png")
    assert f"did you mean {str(outer / 'Danger Of Extinction')!r}?" in refused(outer)


def test_an_empty_class_folder_is_named(tmp_path: Path) -> None:
    root = touch(tmp_path, "a/1.png", "b/1.png", "c d/readme.txt")

    assert refused(root).startswith(f"{root / 'c d'}: class without images (.bmp, .gif")


def test_parts_without_class_folders_are_refused(tmp_path: Path) -> None:
    root = touch(tmp_path, "train/a/1.png", "train/b/1.png", "test/1.png")

    assert refused(root).startswith(f"{root / 'test'}: holds no class folders")


@pytest.mark.parametrize("extra", ["train/c/1.png", "test/c/1.png"])
def test_a_class_that_is_not_in_every_part_is_named(tmp_path: Path, extra: str) -> None:
    root = touch(tmp_path, "train/a/1.png", "train/b/1.png", "test/a/1.png", "test/b/1.png", extra)

    assert "class 'c' is not in all of its parts" in refused(root)


def test_one_part_under_two_names_is_refused(tmp_path: Path) -> None:
    root = touch(tmp_path, *(f"{part}/{label}/1.png" for part in ("train", "val", "valid") for label in "ab"))

    assert "same part under two names" in refused(root)


def test_links_are_read_inside_and_refused_where_they_lead_out(tmp_path: Path) -> None:
    root = touch(tmp_path / "data", "a/1.png", "b/1.png")
    outside = touch(tmp_path / "outside", "1.png", "2.png")
    (root / "b" / "2.png").symlink_to(root / "a" / "1.png")
    assert len(image_folders.of_folder(root).files) == 3

    for link, target in (("a/3.png", outside / "1.png"), ("c", outside), ("a/deep", outside), ("a/here", root / "b")):
        (root / link).symlink_to(target)
        assert refused(root).startswith(f"{root / link}: a link")
        (root / link).unlink()


@pytest.mark.parametrize("link", ["c", "a/3.png", "a/deep"])
@pytest.mark.parametrize("target", ["gone", "loop"])
def test_a_link_that_leads_nowhere_is_refused_wherever_a_class_or_an_image_could_be(
    tmp_path: Path, link: str, target: str
) -> None:
    root = touch(tmp_path, "a/1.png", "b/1.png")
    path = root / link
    path.symlink_to(path if target == "loop" else root / "gone")

    assert refused(root).startswith(f"{path}: a broken link; ")


@pytest.mark.parametrize("link", ["train", "test/c"])
def test_a_link_in_the_place_of_a_part_or_of_its_class_is_refused(tmp_path: Path, link: str) -> None:
    root = touch(tmp_path / "data", *(f"{part}/{label}/1.png" for part in ("train", "test") for label in "ab"))
    shutil.move(root / link, tmp_path / "outside") if link == "train" else (tmp_path / "outside").mkdir()
    (root / link).symlink_to(tmp_path / "outside")

    assert refused(root).startswith(f"{root / link}: a link to a folder or out of the data set")


def test_a_loose_link_to_a_file_does_not_matter(tmp_path: Path) -> None:
    root = touch(tmp_path / "data", "a/1.png", "b/1.png")
    (root / "readme.txt").symlink_to(touch(tmp_path, "readme.txt") / "readme.txt")

    assert image_folders.of_folder(root).skipped == ("readme.txt",)


@pytest.mark.parametrize("twins", [("Cat", "cat"), ("cat", "cat "), ("sea eagle", "Sea  Eagle")])
@pytest.mark.parametrize(("parts", "way_out"), [(("",), "classes"), (("train/", "test/"), "parts")])
def test_classes_that_differ_in_capitals_or_spaces_alone_are_for_the_user_to_tell(
    tmp_path: Path, twins: tuple[str, str], parts: tuple[str, ...], way_out: image_folders.Folders
) -> None:
    root = touch(tmp_path, *(f"{part}{label}/1.png" for part in parts for label in (*twins, "dog")))

    first, second = sorted(twins)
    assert f"classes {first!r} and {second!r} differ in capitals or spaces alone: are they one?" in refused(root)
    assert f'for two write folders = "{way_out}"' in refused(root)
    assert set(image_folders.of_folder(root, meant=way_out).classes) == {*twins, "dog"}


@pytest.mark.parametrize("suffix", ["jfif", "jpe", "JFIF"])
def test_jpegs_under_their_rarer_suffixes_are_images(tmp_path: Path, suffix: str) -> None:
    root = touch(tmp_path, f"a/1.{suffix}", "b/1.jpg")

    assert [file.name for file in image_folders.of_folder(root).files] == [f"a/1.{suffix}", "b/1.jpg"]


def test_what_is_no_plain_file_is_refused(tmp_path: Path) -> None:
    root = touch(tmp_path, "a/1.png", "b/1.png")
    (root / "a" / "2.png").symlink_to(root / "a" / "gone.png")
    assert "a broken link" in refused(root)

    (root / "a" / "2.png").unlink()
    os.mkfifo(root / "a" / "2.png")
    assert "no plain file" in refused(root)


def test_the_content_hash_covers_names_and_bytes_and_nothing_else(tmp_path: Path) -> None:
    first = touch(tmp_path / "first", "a/1.png", "b/2.png")
    second = touch(tmp_path / "elsewhere" / "copy", "b/2.png", "a/1.png")
    reference = image_folders.of_folder(first).content_hash
    assert re.fullmatch("[0-9a-f]{64}", reference)
    assert image_folders.of_folder(second).content_hash == reference

    touch(second, "README.md", "a/.hidden")
    assert image_folders.of_folder(second).content_hash == reference

    (second / "a" / "1.png").write_bytes(b"changed")
    changed = image_folders.of_folder(second).content_hash
    shutil.move(first / "a" / "1.png", first / "a" / "3.png")
    renamed = image_folders.of_folder(first).content_hash
    assert len({reference, changed, renamed}) == 3


def test_names_in_both_unicode_forms_are_one_data_set(tmp_path: Path) -> None:
    composed = touch(tmp_path / "c", "Bär/é.png", "b/1.png")
    apart = tmp_path / "d"
    for path in composed.rglob("*.png"):
        target = apart / unicodedata.normalize("NFD", path.relative_to(composed).as_posix())
        target.parent.mkdir(parents=True)
        shutil.copy(path, target)

    assert image_folders.of_folder(apart).classes == image_folders.of_folder(composed).classes == ("Bär", "b")
    assert image_folders.of_folder(apart).content_hash == image_folders.of_folder(composed).content_hash


def test_a_flat_folder_names_the_class_before_the_last_underscore(tmp_path: Path) -> None:
    root = touch(tmp_path, "great_pyrenees_2.jpg", "great_pyrenees_10.jpg", "Abyssinian_1.jpg", "Abyssinian_1.mat")

    found = image_folders.of_flat_folder(root)

    assert [(file.name, file.label) for file in found.files] == [
        ("Abyssinian_1.jpg", "Abyssinian"),
        ("great_pyrenees_10.jpg", "great_pyrenees"),
        ("great_pyrenees_2.jpg", "great_pyrenees"),
    ]
    assert found.skipped == ("Abyssinian_1.mat",)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    root = touch(tmp_path, "a/1.png", "b/1.png")
    found = image_folders.of_folder(root)
    (root / "b" / "1.png").unlink()

    with pytest.raises(errors.DatasetError, match=r"b/1\.png: can't be read \(No such file or directory\)"):
        _ = found.content_hash


def test_a_name_that_is_not_utf_8_is_one_clear_line(tmp_path: Path) -> None:
    for name in (b"caf\xe9", b"tea"):
        touch(tmp_path / os.fsdecode(name), "a.png")

    with pytest.raises(errors.DatasetError, match=r"caf\\udce9.*not UTF-8; rename it"):
        image_folders.of_folder(tmp_path)
