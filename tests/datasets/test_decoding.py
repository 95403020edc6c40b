from __future__ import annotations

import struct
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from harness import errors
from harness.datasets import decoding, lazy_images

GRADIENT = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20


def saved(picture: Image.Image, path: Path, **options: object) -> decoding.Pixels:
    picture.save(path, **options)  # type: ignore[arg-type]  # options differ by format
    return decoding.decode(path)


@pytest.mark.parametrize("suffix", ["png", "bmp", "PNG"])
def test_colours_are_kept(tmp_path: Path, suffix: str) -> None:
    colours = np.random.default_rng(1).integers(0, 256, (5, 4, 3), dtype=np.uint8)

    np.testing.assert_array_equal(saved(Image.fromarray(colours), tmp_path / f"ö 1.{suffix}"), colours)


@pytest.mark.parametrize("suffix", ["jpg", "webp"])
def test_lossy_formats_come_close(tmp_path: Path, suffix: str) -> None:
    plain = Image.new("RGB", (16, 16), (200, 100, 50))

    found = saved(plain, tmp_path / f"a.{suffix}", quality=95)

    assert np.abs(found.astype(int) - (200, 100, 50)).max() < 6


def test_grey_is_repeated(tmp_path: Path) -> None:
    found = saved(Image.fromarray(GRADIENT), tmp_path / "a.png")

    np.testing.assert_array_equal(found, np.stack([GRADIENT] * 3, axis=-1))


def test_sixteen_bits_are_scaled_to_eight(tmp_path: Path) -> None:
    deep = (GRADIENT.astype(np.uint16) * 257).astype(np.uint16)

    found = saved(Image.fromarray(deep), tmp_path / "a.png")

    np.testing.assert_array_equal(found, np.stack([GRADIENT] * 3, axis=-1))


def test_transparency_shows_white(tmp_path: Path) -> None:
    glass = Image.new("RGBA", (2, 1), (255, 0, 0, 0))
    glass.putpixel((1, 0), (255, 0, 0, 255))

    assert saved(glass, tmp_path / "a.png").tolist() == [[[255, 255, 255], [255, 0, 0]]]


def test_grey_and_palette_transparency_show_white(tmp_path: Path) -> None:
    grey = saved(Image.new("LA", (1, 1), (10, 0)), tmp_path / "grey.png")
    palette = Image.new("P", (1, 1), 3)
    palette.putpalette([0, 0, 0] * 256)

    assert grey.tolist() == [[[255, 255, 255]]]
    assert saved(palette, tmp_path / "palette.png", transparency=3).tolist() == [[[255, 255, 255]]]


def deep_png(path: Path, kind: int, pixels: np.ndarray, transparent: bytes) -> Path:
    """Write a PNG of 16 bits, which Pillow can't with a transparent colour."""
    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    chunks = [
        chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)),
        chunk(b"tRNS", transparent),
        chunk(b"IDAT", zlib.compress(rows)),
        chunk(b"IEND", b""),
    ]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    return path


def test_transparency_in_sixteen_bits_shows_white(tmp_path: Path) -> None:
    grey = deep_png(tmp_path / "grey.png", 0, np.array([[1000, 25700]]), struct.pack(">H", 1000))
    colours = np.array([[[1000, 2000, 3000], [25700, 25700, 25700]]])
    coloured = deep_png(tmp_path / "rgb.png", 2, colours, struct.pack(">HHH", 1000, 2000, 3000))

    assert decoding.decode(grey).tolist() == [[[255] * 3, [100] * 3]]
    assert decoding.decode(coloured).tolist() == [[[255] * 3, [100] * 3]]


def test_the_first_frame_of_an_animation_is_taken(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]

    found = saved(frames[0], tmp_path / "a.gif", save_all=True, append_images=frames[1:])

    assert found.shape == (4, 4, 3)
    assert found[0, 0].tolist() == [255, 0, 0]


def test_pictures_are_turned_as_exif_says(tmp_path: Path) -> None:
    picture = Image.new("RGB", (8, 4), "black")
    picture.paste("white", (0, 0, 4, 4))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90 degrees clockwise

    found = saved(picture, tmp_path / "a.png", exif=exif)

    assert found.shape == (8, 4, 3)
    assert found[0, 0, 0] == 255
    assert found[7, 0, 0] == 0


def test_print_colours_become_screen_colours(tmp_path: Path) -> None:
    found = saved(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), tmp_path / "a.jpg", quality=100)

    assert np.abs(found[4, 4].astype(int) - (255, 0, 0)).max() < 10


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate"])
def test_tiffs_are_read(tmp_path: Path, compression: str | None) -> None:
    colours = np.random.default_rng(1).integers(0, 256, (5, 4, 3), dtype=np.uint8)
    deep = (GRADIENT.astype(np.uint16) * 257).astype(np.uint16)

    found = saved(Image.fromarray(colours), tmp_path / "a.tif", compression=compression)
    grey = saved(Image.fromarray(deep), tmp_path / "deep.TIFF", compression=compression)

    np.testing.assert_array_equal(found, colours)
    np.testing.assert_array_equal(grey, np.stack([GRADIENT] * 3, axis=-1))


def test_a_photograph_with_a_second_one_inside_is_the_first(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("white", "black")]

    found = saved(frames[0], tmp_path / "a.jpg", format="MPO", save_all=True, append_images=frames[1:])

    assert found.min() > 250


@pytest.mark.parametrize("suffix", ["heic", "HEIF"])
def test_heic_is_read_where_its_decoder_is_installed(tmp_path: Path, suffix: str) -> None:
    plain = Image.new("RGB", (64, 48), (200, 100, 50))

    found = saved(plain, tmp_path / f"ö.{suffix}", quality=95)

    assert found.shape == (48, 64, 3)
    assert np.abs(found.astype(int) - (200, 100, 50)).max() < 6


def test_heic_is_turned_as_it_says_and_its_transparency_shows_white(tmp_path: Path) -> None:
    halves = Image.new("RGBA", (64, 32), (0, 0, 255, 255))
    halves.paste((255, 0, 0, 0), (0, 0, 32, 32))
    turned = Image.Exif()
    turned[0x0112] = 6  # a quarter to the right: what stood left stands on top

    found = saved(halves, tmp_path / "a.heic", quality=95, exif=turned.tobytes()).astype(int)

    assert found.shape == (64, 32, 3)
    assert np.abs(found[4, 16] - (255, 255, 255)).max() < 12
    assert np.abs(found[60, 16] - (0, 0, 255)).max() < 12


def test_heic_without_its_decoder_is_told_with_the_way_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", (64, 48)).save(tmp_path / "a.HEIC")
    monkeypatch.setattr(decoding, "pillow_heif", None)

    with pytest.raises(decoding.Unreadable, match=r"^needs the extra heic: pip install 'tuner-harness\[heic\]'$"):
        decoding.decode(tmp_path / "a.HEIC")


def test_a_tiff_of_floats_is_unreadable_as_nothing_says_what_is_white(tmp_path: Path) -> None:
    Image.fromarray(np.ones((2, 2), dtype=np.float32)).save(tmp_path / "a.tif")

    with pytest.raises(decoding.Unreadable, match="floating-point"):
        decoding.decode(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("value", "said"), [(-1, "values from -1 to 0"), (65536, "values from 0 to 65536; save it with 8")]
)
def test_a_tiff_of_values_beyond_16_bits_is_unreadable(tmp_path: Path, value: int, said: str) -> None:
    Image.fromarray(np.array([[0, value]], dtype=np.int32)).save(tmp_path / "a.tif")

    with pytest.raises(decoding.Unreadable, match=said):
        decoding.decode(tmp_path / "a.tif")


@pytest.mark.parametrize("kind", [np.int32, np.uint16])
def test_a_deep_picture_of_small_values_is_unreadable_and_not_black(tmp_path: Path, kind: type[np.integer]) -> None:
    for name, brightest in (("dim", 200), ("black", 0), ("bright", 40_000)):
        Image.fromarray(np.array([[0, brightest]], dtype=kind)).save(tmp_path / f"{name}.tif")

    with pytest.raises(decoding.Unreadable, match=r"^values from 0 to 200, all black where 65,535 is white; save it"):
        decoding.decode(tmp_path / "dim.tif")
    assert decoding.decode(tmp_path / "black.tif").max() == 0
    assert decoding.decode(tmp_path / "bright.tif").max() == 156


def test_only_the_declared_formats_are_decoded_whatever_the_name_says(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n")
    Image.new("RGB", (4, 4)).save(tmp_path / "b.png", "ICO")

    for name in ("a.jpg", "b.png"):
        with pytest.raises(decoding.Unreadable, match="cannot identify image file"):
            decoding.decode(tmp_path / name)


def test_an_empty_file_is_called_one(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()

    with pytest.raises(decoding.Unreadable, match=r"^an empty file$"):
        decoding.decode(tmp_path / "a.jpg")


def test_a_pointer_of_git_lfs_is_told_with_the_way_to_the_image(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")

    with pytest.raises(decoding.Unreadable, match=r"a pointer of Git LFS .* git lfs pull"):
        decoding.decode(tmp_path / "a.jpg")


@pytest.mark.parametrize("name", ["a.jpg", "it's.jpg", "red\x1b[31m.jpg", "two\nlines.jpg", "back\\slash.jpg"])
def test_a_reason_names_no_folder_whatever_the_file_is_called(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("<html>", encoding="utf-8")

    with pytest.raises(decoding.Unreadable) as caught:
        decoding.decode(tmp_path / name)

    assert "cannot identify image file" in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_whatever_a_decoder_raises_is_the_file_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")

    def fail(_: object) -> None:
        raise RuntimeError("Failed to decode frame 0")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", fail)
    with pytest.raises(decoding.Unreadable, match="Failed to decode frame 0"):
        decoding.decode(tmp_path / "a.png")


def test_a_png_whose_end_was_overwritten_by_zeros_is_unreadable(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = tmp_path / "a.png"
    Image.fromarray(noise).save(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 9 // 10] + bytes(len(data) - len(data) * 9 // 10))

    with pytest.raises(decoding.Unreadable):
        decoding.decode(path)


def test_a_png_with_much_text_is_read(tmp_path: Path) -> None:
    text = PngInfo()
    text.add_text("workflow", "a b " * 2**20, zip=True)

    assert saved(Image.new("RGB", (4, 4), "red"), tmp_path / "a.png", pnginfo=text)[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "bmp", "webp", "tif", "heic"])
def test_truncated_files_are_unreadable(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    with pytest.raises(decoding.Unreadable):
        decoding.decode(path)


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xd8\xff"])
def test_what_is_no_picture_is_unreadable_with_a_reason_on_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)

    with pytest.raises(decoding.Unreadable) as caught:
        decoding.decode(path)
    assert str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


@pytest.mark.parametrize("side", [9_500, 20_000])
def test_decompression_bombs_are_unreadable(tmp_path: Path, side: int) -> None:
    path = tmp_path / "bomb.png"
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    )

    with lazy_images.without_warnings(), pytest.raises(decoding.Unreadable, match="pixels"):
        decoding.decode(path)


def test_one_size_fits_all() -> None:
    wide = np.zeros((4, 8, 3), dtype=np.uint8)
    wide[:, 4:] = 255

    found = decoding.resize(wide, 2)

    assert found.shape == (2, 2, 3)
    assert found.dtype == np.uint8
    assert found[0, 0, 0] < 64
    assert found[0, 1, 0] > 192


def test_shrinking_averages_instead_of_picking() -> None:
    stripes = np.zeros((64, 64, 3), dtype=np.uint8)
    stripes[:, ::2] = 255

    found = decoding.resize(stripes, 8)

    assert np.abs(found.astype(int) - 127).max() < 16


def test_a_picture_of_the_right_size_is_unchanged() -> None:
    colours = np.random.default_rng(1).integers(0, 256, (32, 32, 3), dtype=np.uint8)

    np.testing.assert_array_equal(decoding.resize(colours, 32), colours)


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 1), (3, 4, 3)])
def test_any_array_gets_three_channels(shape: tuple[int, ...]) -> None:
    assert decoding.repeat_grey(np.zeros(shape, dtype=np.uint8)).shape == (3, 4, 3)


def test_a_picture_read_in_strips_is_the_picture_read_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    colours = rng.integers(0, 256, (7, 5, 4), dtype=np.uint8)
    deep = Image.fromarray(rng.integers(0, 65536, (7, 5), dtype=np.uint16))
    palette = Image.fromarray(colours[..., :3]).quantize(8)
    turned = Image.Exif()
    turned[0x0112] = 6
    made: dict[str, tuple[Image.Image, dict[str, Any]]] = {
        "rgba.png": (Image.fromarray(colours), {}),
        "rgb.bmp": (Image.fromarray(colours[..., :3]), {}),
        "palette.png": (palette, {"transparency": 2}),
        "la.png": (Image.fromarray(colours[..., :2]), {}),
        "bits.png": (Image.fromarray(colours[..., 0]).convert("1"), {}),
        "deep.png": (deep, {}),
        "deep.tif": (deep, {}),
        "cmyk.jpg": (Image.fromarray(colours, "CMYK"), {"exif": turned}),
        "turned.jpg": (Image.fromarray(colours[..., :3]), {"exif": turned}),
    }
    for name, (picture, options) in made.items():
        picture.save(tmp_path / name, **options)
    deep_png(tmp_path / "clear.png", 0, rng.integers(0, 3, (7, 5)), struct.pack(">H", 1))
    deep_png(tmp_path / "clear-rgb.png", 2, rng.integers(0, 3, (7, 5, 3)) * 256, struct.pack(">HHH", 256, 256, 256))
    names = [*made, "clear.png", "clear-rgb.png"]
    whole = {name: decoding.decode(tmp_path / name) for name in names}

    for pixels in (1, 12):
        monkeypatch.setattr(decoding, "_STRIP_PIXELS", pixels)
        for name in names:
            np.testing.assert_array_equal(decoding.decode(tmp_path / name), whole[name], err_msg=name)


@pytest.mark.parametrize(("large", "most_at_once"), [(10, 1), (63, 4)])
def test_large_pictures_are_decoded_one_at_a_time_and_others_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: int, most_at_once: int
) -> None:
    Image.new("RGB", (9, 7)).save(tmp_path / "a.png")
    together = threading.Barrier(most_at_once)
    at_once: list[int] = []
    seen: list[int] = []

    def watched(opened: Image.Image) -> decoding.Pixels:
        at_once.append(1)
        together.wait(timeout=10)
        seen.append(len(at_once))
        together.wait(timeout=10)
        at_once.pop()
        return np.asarray(opened)

    monkeypatch.setattr(decoding, "_LARGE_PIXELS", large)
    monkeypatch.setattr(decoding, "_in_strips", watched)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(decoding.decode, [tmp_path / "a.png"] * 4))

    assert max(seen) == most_at_once


def test_a_picture_that_memory_does_not_hold_is_the_machines_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(_: Image.Image) -> decoding.Pixels:
        raise MemoryError

    Image.new("RGB", (9, 7)).save(tmp_path / "a.png")
    monkeypatch.setattr(decoding, "_in_strips", no_room)

    with pytest.raises(errors.MachineError, match=r"a\.png: there is no memory to decode it"):
        decoding.decode(tmp_path / "a.png")
