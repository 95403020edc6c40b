"""``harness images``: build, verify, list and share the images that searches run in."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from harness import container_images, files
from harness.cli import exit_codes, printing, streams
from harness.container_images import DeclaredImage
from harness.errors import ImagesError
from harness.reports.report_types import TableSection

_GIB = 2**30


def build(
    names: tuple[str, ...],
    *,
    file: Path,
    base: str | None,
    extra_ca: Path | None,
    index_url: str | None,
    from_nothing: bool,
) -> None:
    """Build the named images, or the CPU image where none is named, and say what each was made on."""
    for image in _named(file, names or ("cpu",)):
        made_on = container_images.build(
            image, base=base, extra_ca=extra_ca, index_url=index_url, from_nothing=from_nothing
        )
        printing.say(f"{image.tag}: built on {made_on}")


def verify(names: tuple[str, ...], *, file: Path) -> int:
    """Print every difference of the named images, or of those that this host has; return the exit code."""
    chosen = _named(file, names) if names else _held(file) or container_images.load(file)
    differences = [line for image in chosen for line in container_images.verify(image)]
    for line in differences:
        printing.say(line)
    if differences:
        return exit_codes.SOME_FAILED
    printing.say(f"as pinned: {', '.join(image.tag for image in chosen)}")
    return exit_codes.OK


def show(*, file: Path, as_json: bool) -> None:
    """Print the declared images and what this host has of them."""
    held = container_images.held(container_images.load(file))
    if as_json:
        streams.document([asdict(one) for one in held])
        return
    columns = ["name", "tag", "lock", "size", "id", "made on", "digest"]
    printing.table(TableSection(heading="", columns=columns, rows=list(map(_row, held)), text_columns=len(columns)))


def _row(one: container_images.Held) -> list[str]:
    size = "not here" if one.size_bytes is None else f"{one.size_bytes / _GIB:.1f} GiB"
    return [one.name, one.tag, one.lock, size, (one.id or "")[:19], one.base or "", " ".join(one.digests)]


def push(name: str, target: str, *, file: Path) -> None:
    """Send an image to a registry or into a folder, and say how a matrix asks for it."""
    (image,) = _named(file, (name,))
    pushed = container_images.push(image, target)
    _say_how_to_ask(pushed)
    if target.startswith(container_images.LAYOUT):
        printing.say(f"elsewhere first: harness images pull {target}@{pushed.rpartition('@')[2]}")


def pull(reference: str, *, file: Path) -> None:
    """Bring an image by digest; one that is as declared here is the one that runs take unless told otherwise."""
    pulled = container_images.pull(reference)
    _say_how_to_ask(pulled)
    declared = container_images.load(file) if file.is_file() else []
    same = container_images.same(declared, pulled)
    if same is not None:
        container_images.take(same, pulled)
        printing.say(f"it is what {file} declares as {same.name}: it is {same.tag} now")


def sbom(name: str, *, file: Path, output: Path) -> None:
    """Write the bill of materials of an image of this host."""
    (image,) = _named(file, (name,))
    files.write_output(output, files.readable_json(container_images.bill_of_materials(image)))


def apptainer(name: str, *, file: Path, base: str | None, output: Path) -> None:
    """Write the definition file of an image for Apptainer."""
    (image,) = _named(file, (name,))
    files.write_output(output, container_images.definition(image, base).encode())


def _say_how_to_ask(reference: str) -> None:
    printing.say(f'in a matrix, below [container]: image = "{reference}"')


def _held(file: Path) -> list[DeclaredImage]:
    declared = container_images.load(file)
    return [image for image, one in zip(declared, container_images.held(declared), strict=True) if one.id is not None]


def _named(file: Path, names: tuple[str, ...]) -> list[DeclaredImage]:
    declared = {image.name: image for image in container_images.load(file)}
    for name in names:
        if name not in declared:
            raise ImagesError(f"{file}: no image '{name}'; there are {', '.join(declared)}")
    return [declared[name] for name in names]
