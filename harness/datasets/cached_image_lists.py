"""A list of images in the cache: which files a table names, of which class, part and group. Standard library only."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from harness import files
from harness.datasets.image_folders import ImageFile, Layout
from harness.datasets.part_aliases import Part

NAME = "images.json"
"""What the list's file is called; paths in it that are relative begin at its folder."""


def text_of(found: Layout) -> bytes:
    """Return what ``read`` reads."""
    rows = [[file.name, str(file.path), file.label, int(file.part)] for file in found.files]
    return files.canonical_json({"images": rows, "groups": found.groups, "skipped": found.skipped})


def key_of(text: bytes) -> str:
    """Return what a list's folder in the cache is called."""
    return hashlib.sha256(text).hexdigest()


def write(folder: Path, text: bytes) -> None:
    """Leave a list in a folder."""
    (folder / NAME).write_bytes(text)


def read(path: Path) -> Layout:
    """Return the images that a list names.

    Raises:
        OSError: It can't be read.
    """
    held = json.loads(path.read_bytes())
    found = tuple(
        ImageFile(path=path.parent / place, name=name, label=label, part=Part(part))
        for name, place, label, part in held["images"]
    )
    groups = None if held["groups"] is None else tuple(held["groups"])
    return Layout(files=found, skipped=tuple(held["skipped"]), groups=groups, is_listed=True)
