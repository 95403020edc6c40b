"""What the engine is sent for a build: what ``.dockerignore`` lets through, in a folder of its own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import ImagesError

_IGNORED = shutil.ignore_patterns("__pycache__", "image_sources")
_EXTRA_CA = "docker/extra-ca/given.pem"


@contextmanager
def assembled(root: Path, *, package: Path, extra_ca: Path | None) -> Iterator[Path]:
    """Give a copy of what a build needs, with more certificates to trust if asked; it is removed afterwards.

    ``package`` has the harness's sources, which stand beside the rest in a checkout alone.

    Raises:
        ImagesError: Something that a build needs is missing, or the certificates can't be read.
    """
    with tempfile.TemporaryDirectory(prefix="harness-image-") as made:
        context = Path(made)
        for name in allowed(root):
            _copy(package if name == "harness" else root / name, context / name)
        if extra_ca is not None:
            _copy(extra_ca, context / _EXTRA_CA)
        yield context


def allowed(root: Path) -> list[str]:
    """Return the files and folders that ``.dockerignore`` excepts from its "nothing"."""
    try:
        lines = (root / ".dockerignore").read_text("utf-8").splitlines()
    except OSError as error:
        raise ImagesError(f"{root / '.dockerignore'}: can't be read; it says what a build is sent") from error
    return [line.removeprefix("!") for line in lines if line.startswith("!")]


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        if source.is_dir():
            shutil.copytree(source, target, ignore=_IGNORED)
        else:
            shutil.copyfile(source, target)
    except OSError as error:
        raise ImagesError(f"{source}: can't be copied for the build ({error.strerror})") from error
