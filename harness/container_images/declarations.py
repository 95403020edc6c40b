"""The images that ``images.toml`` declares."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from harness import dated_toml_tables, environment
from harness.container_images import extra_packages
from harness.container_images.extra_packages import Requirement
from harness.errors import ImagesError
from harness.matrix_schema import Section

_PACKAGE = Path(environment.__file__).parent
_IN_ROOT = Path("docker", "images.toml")
_IN_CHECKOUT, _IN_WHEEL = _PACKAGE.parent / _IN_ROOT, _PACKAGE / "image_sources" / _IN_ROOT
OWN = _IN_CHECKOUT if _IN_CHECKOUT.is_file() else _IN_WHEEL
"""The harness's own declarations: those of its checkout, or what its wheel brought."""

_Text = Annotated[str, Field(min_length=1, pattern=r"^\S+$")]


class Base(Section):
    """What an image is made on."""

    reference: _Text
    """A reference with a digest, or the name of an image that this host makes itself."""
    made_by: _Text | None = None
    """The script that makes it here; None where it is pulled."""


class _Image(Section):
    tag: _Text
    target: Literal["cpu", "gpu"]
    lock: _Text
    requirements: _Text | None = None
    bases: Annotated[list[str], Field(min_length=1)]


class _File(Section):
    bases: dict[str, Base]
    images: Annotated[dict[str, _Image], Field(min_length=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredImage:
    """One declared image.

    Attributes:
        name: What the file calls it.
        tag: What the engine calls it.
        target: The Dockerfile's target.
        lock: The hash-locked requirements, relative to ``root``.
        requirements: A file of more packages, relative to ``root``; None where there are no more.
        more: What that asks for.
        bases: What it may be made on, by name, in order of preference.
        root: The folder of the project's sources.
    """

    name: str
    tag: str
    target: str
    lock: str
    bases: dict[str, Base]
    root: Path
    requirements: str | None = None
    more: tuple[Requirement, ...] = ()

    @property
    def package(self) -> Path:
        """The harness's sources: those of the same checkout, or the installed ones where there is none."""
        beside = self.root / "harness"
        return beside if beside.is_dir() else _PACKAGE

    def told(self, script: str) -> str:
        """Return how to call one of the scripts in ``root`` from the folder that this program was called in."""
        return script if self.root == Path.cwd() else str(self.root / script)

    @property
    def locks(self) -> str:
        """What readers call the files that pin its packages."""
        return self.lock if self.requirements is None else f"{self.lock} + {self.requirements}"


def load(path: Path) -> list[DeclaredImage]:
    """Return the images that ``path`` declares; the project's sources are in the folder above its own.

    Raises:
        ImagesError: The file can't be read or followed; one line names the file, the key and the way out.
    """
    file = _file(path)
    return [_declared(path, file, name) for name in file.images]


def _file(path: Path) -> _File:
    try:
        return _File.model_validate(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        raise ImagesError(
            f"{path}: can't be read ({error.strerror}); leave --file out for the harness's own"
        ) from error
    except ValidationError as error:
        raise ImagesError(
            f"{path}: {dated_toml_tables.first_mistake(error)}; docs/containers.md shows the file"
        ) from error
    except ValueError as error:
        raise ImagesError(f"{path}: not TOML ({' '.join(str(error).split())})") from error


def _declared(path: Path, file: _File, name: str) -> DeclaredImage:
    image = file.images[name]
    root = path.absolute().parent.parent
    for base in image.bases:
        if base not in file.bases:
            raise ImagesError(f"{path}: images.{name}.bases: no base '{base}'; there are {', '.join(file.bases)}")
    if not (root / image.lock).is_file():
        raise ImagesError(f"{path}: images.{name}.lock: no file {root / image.lock}; make lock writes it")
    bases = {base: file.bases[base] for base in image.bases}
    more = () if image.requirements is None else _more(path, name, root / image.requirements, lock=root / image.lock)
    return DeclaredImage(
        name=name,
        tag=image.tag,
        target=image.target,
        lock=image.lock,
        bases=bases,
        root=root,
        requirements=image.requirements,
        more=more,
    )


def _more(path: Path, name: str, asked: Path, *, lock: Path) -> tuple[Requirement, ...]:
    try:
        return extra_packages.read(asked, lock=lock)
    except ImagesError as error:
        raise ImagesError(f"{path}: images.{name}.requirements: {error}") from error
