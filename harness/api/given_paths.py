"""Paths that the command line and Python code are given."""

from __future__ import annotations

import os
from pathlib import Path

from harness import files
from harness.errors import UserError

RESULTS = Path("results")
"""Where results go unless told otherwise."""

_PACKAGE = Path(__file__).parents[1]
# In a checkout, and as setup.py puts them into a wheel.
_OWN_MATRICES = (_PACKAGE.parent / "benchmarks", _PACKAGE / "image_sources" / "benchmarks")


def default_cache() -> Path:
    """Return where downloads, decoded images and activations go unless told otherwise."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tuner-harness"


def matrix_file(path: Path) -> Path:
    """Return ``path``; where no file has that name the matrix that the harness brings under it, such as ``demo``."""
    if path.is_file() or path.suffix or path.name != str(path):
        return path
    own = (folder / f"{path}.toml" for folder in _OWN_MATRICES)
    return next((each for each in own if each.is_file()), path)


def images_file() -> Path:
    """Return the declarations of images of the checkout that is the current folder, else the harness's own."""
    from harness import container_images  # noqa: PLC0415 - only images are asked for by it

    here = Path("docker", "images.toml")
    return here if here.is_file() else container_images.OWN


def given(path: object, *, called: str) -> Path:
    """Return the path that a user gave as text or as one of pathlib, ``~`` for the home; ``called`` is the option.

    Raises:
        UserError: It is no path. An empty one would be the current folder, which nobody asked for.
    """
    if not isinstance(path, str | os.PathLike):
        raise UserError(f"{called} = {path!r}: no path; give one as text, or as pathlib has it")
    text = os.fsdecode(path)
    if not text or "\0" in text:
        what = "holds a null byte" if text else "an empty path"
        raise UserError(f"{called} = {text!r}: {what}; give another, or leave it out")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise UserError(f"{called} = {text!r}: nobody's home is known by that name; give the path in full") from error


def results(given_place: object, *, called: str = "results") -> Path:
    """Return the folder that a user gave for results, or the one that stands for a store whose URL it is.

    Raises:
        UserError: It is neither.
    """
    return _mirror(given_place) if is_url(given_place) else given(given_place, called=called)


def matrix_results(given_place: object, *, called: str = "path") -> Path:
    """Return the folder with one matrix's results, in a folder or a store: ``results/birds``, ``s3://bucket/birds``.

    Raises:
        UserError: It is neither.
    """
    if not is_url(given_place):
        return given(given_place, called=called)
    store, _, matrix = str(given_place).rstrip("/").rpartition("/")
    return _mirror(store) / matrix


def is_url(given_place: object) -> bool:
    """Return whether what a user gave names a store, not a folder."""
    return isinstance(given_place, str) and "://" in given_place


def _mirror(url: object) -> Path:
    # Only here: the command line, which names its options by this module, imports nothing heavy to say what they are.
    from harness import result_stores  # noqa: PLC0415 - see above

    return result_stores.at(str(url)).mirror


def results_folder(path: Path) -> Path:
    """Return ``path``, which need not exist.

    Raises:
        UserError: A file stands in its way.
    """
    for place in (path, *path.parents):
        if place.is_file():
            raise UserError(f"{path}: {place} is a file; choose another folder with --results")
    return path


def cache_folder(path: Path) -> Path:
    """Return ``path`` as an absolute one that exists.

    Raises:
        UserError: It can't be a folder.
        OSError: The disk refuses.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except files.WRONG_PATH as error:
        raise UserError(f"{path}: can't be made ({error.strerror}); choose another folder with --cache") from error
    return path.absolute()
