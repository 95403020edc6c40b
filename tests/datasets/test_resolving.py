from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness import errors, files, matrix_schema
from harness.catalogue import datasets as catalogue
from harness.datasets import resolving, verified_sources

Draw = Callable[..., Path]


def test_the_host_needs_neither_numpy_nor_pillow() -> None:
    code = (
        "import sys, harness.datasets.resolving; "
        "print(sorted({'numpy', 'PIL', 'polars', 'pyarrow', 'sklearn', 'keras'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_a_relative_folder_starts_at_the_base(draw: Draw, tmp_path: Path) -> None:
    for name in ("my data/birds/a/1.png", "my data/birds/b/1.png", "my data/birds/notes.txt"):
        draw(name) if name.endswith("png") else (tmp_path / name).touch()

    source = resolving.resolve(
        matrix_schema.Dataset(source="folder", path="birds"), base=tmp_path / "my data", cache=tmp_path
    )

    assert source.kind == "folder"
    assert source.paths == (str(tmp_path / "my data" / "birds"),)
    assert source.skipped == ("notes.txt",)


@pytest.mark.parametrize("given", ["x" * 300, "loop", "~nobody-lives-here"])
@pytest.mark.parametrize("source", ["folder", "npz"])
def test_a_path_that_leads_nowhere_is_named(tmp_path: Path, given: str, source: str) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")

    with pytest.raises(errors.DatasetError, match=r" leads nowhere \(.*\); give another path"):
        resolving.resolve(matrix_schema.Dataset(source=source, path=given), base=tmp_path, cache=tmp_path)


def test_a_source_survives_json(draw: Draw, tmp_path: Path) -> None:
    draw("a/1.png")
    draw("b/1.png")
    source = resolving.resolve(
        matrix_schema.Dataset(source="folder", path=str(tmp_path)), base=Path("/"), cache=tmp_path / ".c"
    )

    assert verified_sources.Source.from_json(json.loads(json.dumps(source.to_json()))) == source


@pytest.mark.parametrize("what", ["results", "cache"])
def test_a_folder_of_images_that_would_hold_what_a_run_leaves_is_refused(draw: Draw, tmp_path: Path, what: str) -> None:
    draw("a/1.png")
    draw("b/1.png")
    places = {"results": tmp_path.parent / "r", "cache": tmp_path.parent / "c", what: tmp_path / "made later"}

    with pytest.raises(errors.DatasetError, match=rf"the {what} folder, .*made later, lies in it .* --{what}"):
        resolving.resolve(matrix_schema.Dataset(source="folder", path="."), base=tmp_path, **places)


def test_a_hidden_results_folder_in_a_folder_of_images_is_ignored(draw: Draw, tmp_path: Path) -> None:
    draw("a/1.png")
    draw("b/1.png")
    draw(".results/x/1.png")
    places = {"results": tmp_path / ".results", "cache": tmp_path / ".cache"}

    source = resolving.resolve(matrix_schema.Dataset(source="folder", path="."), base=tmp_path, **places)

    assert [file.name for file in verified_sources.listed(source).files] == ["a/1.png", "b/1.png"]


def test_an_npz_file_is_known_by_its_bytes(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((2, 4, 4), dtype=np.uint8), y=np.arange(2))

    source = resolving.resolve(matrix_schema.Dataset(source="npz", path="a.npz"), base=tmp_path, cache=tmp_path)

    assert source.content_hash == hashlib.sha256((tmp_path / "a.npz").read_bytes()).hexdigest()
    with pytest.raises(errors.DatasetError, match=r"b\.npz: no such file"):
        resolving.resolve(matrix_schema.Dataset(source="npz", path="b.npz"), base=tmp_path, cache=tmp_path)


def test_mistakes_of_the_section_are_told(tmp_path: Path) -> None:
    with pytest.raises(errors.DatasetError, match="did you mean 'animals'"):
        resolving.resolve(matrix_schema.Dataset(source="animal"), base=tmp_path, cache=tmp_path)


def test_digits_come_from_scikit_learn(tmp_path: Path) -> None:
    source = resolving.resolve(matrix_schema.Dataset(source="digits"), base=tmp_path, cache=tmp_path)

    assert source.content_hash == catalogue.DIGITS_SHA256
    assert Path(source.paths[0]).is_relative_to(tmp_path)


@pytest.mark.seconds
def test_animals_come_from_the_package_index(tmp_path: Path, package_cache: Path) -> None:
    source = resolving.resolve(matrix_schema.Dataset(source="animals"), base=tmp_path, cache=package_cache)

    assert source.content_hash == hashlib.sha256(Path(source.paths[0]).read_bytes()).hexdigest()
    assert source.classes[0] == "bear"


def _tgz(folder: Path, target: Path) -> Path:
    with tarfile.open(target, "w:gz") as archive:
        archive.add(folder, arcname=folder.name)
    return target


def _zip(folder: Path, target: Path) -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder.parent))
    return target


def _entry(archive: Path, address: str, *, inside: str, kind: catalogue.Kind = "folder") -> catalogue.Entry:
    download = catalogue.DataDownload(
        url=f"{address}{archive.name}", sha256=hashlib.sha256(archive.read_bytes()).hexdigest()
    )
    return catalogue.Entry(kind=kind, meaning="a small archive", downloads=(download,), inside=inside)


@pytest.mark.parametrize("pack", [_tgz, _zip])
def test_an_archive_is_fetched_once_and_unpacked_once(
    pack: Callable[[Path, Path], Path],
    draw: Draw,
    served: tuple[Path, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, address = served
    for file in ("flower_photos/daisy/1.png", "flower_photos/tulip/1.png"):
        draw(file)
    (tmp_path / "flower_photos" / "LICENSE.txt").touch()
    archive = pack(tmp_path / "flower_photos", folder / "flowers.archive")
    monkeypatch.setattr(catalogue, "KNOWN", {"flowers": _entry(archive, address, inside="flower_photos")})
    wanted = matrix_schema.Dataset(source="flowers")

    first = resolving.resolve(wanted, base=tmp_path, cache=tmp_path / "cache")
    archive.unlink()
    for downloaded in (tmp_path / "cache" / "downloads").rglob("flowers.*"):
        downloaded.unlink()
    second = resolving.resolve(wanted, base=tmp_path, cache=tmp_path / "cache")

    assert first == second
    assert first.paths == (str(tmp_path / "cache" / "datasets" / first.content_hash / "flower_photos"),)
    assert [file.name for file in verified_sources.listed(first).files] == ["daisy/1.png", "tulip/1.png"]
    assert first.skipped == ("LICENSE.txt",)


def test_a_flat_archive_is_listed_by_its_names(
    draw: Draw, served: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw("images/Abyssinian_1.png")
    draw("images/american_bulldog_12.png")
    archive = _tgz(tmp_path / "images", served[0] / "images.tar.gz")
    monkeypatch.setattr(catalogue, "KNOWN", {"pets": _entry(archive, served[1], inside="images", kind="flat")})

    source = resolving.resolve(matrix_schema.Dataset(source="pets"), base=tmp_path, cache=tmp_path / "cache")

    assert verified_sources.listed(source).classes == ("Abyssinian", "american_bulldog")


def test_an_evil_archive_leaves_nothing_behind(
    served: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = served[0] / "evil.tgz"
    with tarfile.open(archive, "w:gz") as opened:
        for name in ("good/1.png", "../evil.png"):
            opened.addfile(tarfile.TarInfo(name), io.BytesIO())
    monkeypatch.setattr(catalogue, "KNOWN", {"evil": _entry(archive, served[1], inside="good")})

    with pytest.raises(errors.DatasetError, match="leaves its folder"):
        resolving.resolve(matrix_schema.Dataset(source="evil"), base=tmp_path, cache=tmp_path / "cache")
    assert list((tmp_path / "cache" / "datasets").iterdir()) == []


def test_an_archive_that_cannot_be_reached_says_which_file_to_put_where(
    served: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    download = catalogue.DataDownload(url=f"{served[1]}gone.tgz", sha256="e" * 64)
    entry = catalogue.Entry(kind="folder", meaning="gone", downloads=(download,), inside=".")
    monkeypatch.setattr(catalogue, "KNOWN", {"gone": entry})

    with pytest.raises(errors.SourceUnreachable) as caught:
        resolving.resolve(matrix_schema.Dataset(source="gone"), base=tmp_path, cache=tmp_path / "cache")
    assert f"put the file (SHA-256 {'e' * 64}) at {tmp_path}/cache/downloads/{'e' * 64}/gone.tgz" in str(caught.value)
    assert list((tmp_path / "cache" / "datasets").iterdir()) == []


def test_a_set_of_several_files_has_one_hash(
    served: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    downloads = []
    for name in ("one.gz", "two.gz"):
        (served[0] / name).write_text(name, encoding="utf-8")
        sha256 = hashlib.sha256(name.encode()).hexdigest()
        downloads.append(catalogue.DataDownload(url=f"{served[1]}{name}", sha256=sha256))
    entry = catalogue.Entry(kind="idx", meaning="two files", downloads=tuple(downloads), classes=("a", "b"))
    monkeypatch.setattr(catalogue, "KNOWN", {"two": entry})

    source = resolving.resolve(matrix_schema.Dataset(source="two"), base=tmp_path, cache=tmp_path / "cache")

    assert [Path(path).name for path in source.paths] == ["one.gz", "two.gz"]
    assert source.content_hash not in {download.sha256 for download in downloads}
    assert source.classes == ("a", "b")


def test_an_unpacked_archive_is_what_its_archive_was(
    draw: Draw, served: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("photos/a/1.png", "photos/b/1.png"):
        draw(name)
    archive = _tgz(tmp_path / "photos", served[0] / "photos.tgz")
    monkeypatch.setattr(catalogue, "KNOWN", {"photos": _entry(archive, served[1], inside="photos")})
    source = resolving.resolve(matrix_schema.Dataset(source="photos"), base=tmp_path, cache=tmp_path / "cache")

    verified_sources.verify(source)


SITES = "path,site,weather\na/1.png,A,sun\na/2.png,B,rain\nb/1.png,A,sun\n"


def grouped_birds(draw: Draw, tmp_path: Path, *, table: str = SITES, **changes: str | None) -> verified_sources.Source:
    for name in ("vögel/a/1.png", "vögel/a/2.png", "vögel/b/1.png"):
        draw(name)
    (tmp_path / "vögel/sites.csv").write_text(table, "utf-8")
    keys: dict[str, str | None] = {"group_by": "site", "groups": "vögel/sites.csv", **changes}
    dataset = matrix_schema.Dataset.model_validate({"source": "folder", "path": "vögel", **keys})
    return resolving.resolve(dataset, base=tmp_path, cache=tmp_path / "cache")


def test_a_table_of_groups_goes_with_the_images_and_isnt_left_out_as_none(draw: Draw, tmp_path: Path) -> None:
    source = grouped_birds(draw, tmp_path)

    assert source.paths == (str(tmp_path / "vögel"), str(tmp_path / "vögel/sites.csv"))
    assert source.skipped == ()
    assert verified_sources.listed(source).groups == ("A", "B", "A")
    assert verified_sources.Source.from_json(json.loads(json.dumps(source.to_json()))) == source


def test_the_groups_are_part_of_what_the_data_are_however_they_are_told(draw: Draw, tmp_path: Path) -> None:
    by_table = grouped_birds(draw, tmp_path).content_hash
    by_other_words = grouped_birds(draw, tmp_path, table=SITES.replace("sun", "fog")).content_hash
    by_other_sites = grouped_birds(draw, tmp_path, table=SITES.replace("A", "C")).content_hash
    by_path = grouped_birds(draw, tmp_path, group_by="^.", groups=None).content_hash
    by_name = grouped_birds(draw, tmp_path, group_by="^([ab])/", groups=None).content_hash
    alone = grouped_birds(draw, tmp_path, group_by=None, groups=None)

    assert by_table == by_other_words
    assert by_path == by_name
    assert len({by_table, by_other_sites, by_path, alone.content_hash}) == 4
    assert alone.content_hash == files.digest(
        [[file.name, files.sha256_of(file.path)] for file in verified_sources.listed(alone).files]
    )


def test_groups_that_changed_since_they_were_resolved_are_the_machines_trouble(draw: Draw, tmp_path: Path) -> None:
    source = grouped_birds(draw, tmp_path)
    verified_sources.verify(source)
    table = tmp_path / "vögel/sites.csv"
    table.write_text(SITES.replace("rain", "sun"), "utf-8")
    verified_sources.verify(source)

    for text in (SITES.replace("B", "A"), "path\n"):
        table.write_text(text, "utf-8")
        with pytest.raises(errors.MachineError, match=r"vögel, .*/vögel/sites\.csv: changed since the run began"):
            verified_sources.verify(source)


def test_folders_that_divide_a_group_are_refused(draw: Draw, tmp_path: Path) -> None:
    for name in ("train/a/A 1.png", "train/b/B 1.png", "test/a/A 2.png", "test/b/C 1.png"):
        draw(f"d/{name}")
    dataset = matrix_schema.Dataset(source="folder", path="d", group_by="([A-Z]) ")

    with pytest.raises(errors.DatasetError, match=r"^group_by: group 'A' stands in several parts: 'test/a/A 2\.png', "):
        resolving.resolve(dataset, base=tmp_path, cache=tmp_path / "cache")


TABLE = "path,label\na/1.png,a\na/2.png,a\nb/1.png,b\n"


def tabled_birds(draw: Draw, tmp_path: Path, *, text: str = TABLE, **changes: object) -> verified_sources.Source:
    for name in ("vögel/a/1.png", "vögel/a/2.png", "vögel/b/1.png"):
        draw(name)
    (tmp_path / "vögel/birds.csv").write_text(text, "utf-8")
    dataset = matrix_schema.Dataset.model_validate({"source": "table", "path": "vögel/birds.csv", **changes})
    return resolving.resolve(dataset, base=tmp_path, cache=tmp_path / "cache")


def test_a_table_becomes_a_list_in_the_cache_and_the_folder_of_its_images(draw: Draw, tmp_path: Path) -> None:
    source = tabled_birds(draw, tmp_path)
    found = verified_sources.listed(source)

    place, folder = map(Path, source.paths)
    assert place.is_relative_to(tmp_path / "cache/datasets")
    assert folder == tmp_path / "vögel"
    assert source.name == str(tmp_path / "vögel/birds.csv")
    assert [(file.name, file.label) for file in found.files] == [("a/1.png", "a"), ("a/2.png", "a"), ("b/1.png", "b")]
    assert source.content_hash == found.content_hash
    assert verified_sources.Source.from_json(json.loads(json.dumps(source.to_json()))) == source


def test_a_table_may_lie_beside_results_and_cache(draw: Draw, tmp_path: Path) -> None:
    for name in ("1.png", "2.png"):
        draw(name)
    (tmp_path / "t.csv").write_text("path,label\n1.png,a\n2.png,b\n")
    places = {"results": tmp_path / "results", "cache": tmp_path / "cache"}

    source = resolving.resolve(matrix_schema.Dataset(source="table", path="t.csv"), base=tmp_path, **places)

    assert source.paths[1] == str(tmp_path)


def test_a_list_that_was_pruned_is_written_again(draw: Draw, tmp_path: Path) -> None:
    source = tabled_birds(draw, tmp_path)
    shutil.rmtree(tmp_path / "cache")

    assert tabled_birds(draw, tmp_path) == source
    assert Path(source.paths[0]).is_file()


def test_images_of_a_table_are_grouped_by_their_paths_or_by_another_table(draw: Draw, tmp_path: Path) -> None:
    grouped = TABLE.replace("label", "label,group").replace(",a\n", ",a,C\n").replace(",b\n", ",b,C\n")
    by_column = tabled_birds(draw, tmp_path, text=grouped)
    by_path = tabled_birds(draw, tmp_path, text=grouped, group_by="[0-9]")
    (tmp_path / "sites.csv").write_text("file,site\na/1.png,1\na/2.png,2\nb/1.png,1\n")
    by_table = tabled_birds(draw, tmp_path, group_by="site", groups="sites.csv")

    assert verified_sources.listed(by_column).groups == ("C", "C", "C")
    assert verified_sources.listed(by_path).groups == verified_sources.listed(by_table).groups == ("1", "2", "1")
    assert by_path.content_hash == by_table.content_hash != by_column.content_hash


@pytest.mark.parametrize("given", ["x" * 300, "~nobody-lives-here", "no.csv", "vögel"])
def test_a_path_that_is_no_table_is_named(tmp_path: Path, given: str) -> None:
    (tmp_path / "vögel").mkdir()

    with pytest.raises(errors.DatasetError, match=r"leads nowhere|give a CSV or Parquet file"):
        resolving.resolve(matrix_schema.Dataset(source="table", path=given), base=tmp_path, cache=tmp_path)


def test_pictures_of_hugging_face_are_unpacked_once_and_read_as_files(tmp_path: Path) -> None:
    saved = Path(__file__).parents[1] / "golden/huggingface/saved"
    dataset = matrix_schema.Dataset(source="huggingface", path=str(saved))

    first, second = (resolving.resolve(dataset, base=tmp_path, cache=tmp_path / "cache") for _ in range(2))

    assert first == second
    assert (first.name, first.kind) == (str(saved), "table")
    assert [Path(path).is_relative_to(tmp_path / "cache/datasets") for path in first.paths] == [True]
    verified_sources.verify(first)
    next(verified_sources.listed(first).files[0].path.parent.glob("*")).write_bytes(b"other")
    with pytest.raises(errors.MachineError, match=r"^the images of .*saved: changed since the run began"):
        verified_sources.verify(first)
