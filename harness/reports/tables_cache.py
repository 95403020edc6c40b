"""The tables as they were last made, kept for as long as nothing changes that they follow from.

The records stay the only truth. The file may be deleted at any time, and the tables are the same to the byte without
it.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
import logging
import sys
import zlib
from dataclasses import asdict
from pathlib import Path

from harness import files
from harness.carbon import Intensity
from harness.prices import Prices
from harness.reports.all_tables import Tables
from harness.reports.report_types import Report, TableSection
from harness.results_folder import MatrixFolder

_PACKAGE = Path(__file__).parents[1]
# What numbers are computed and tables are laid out with: another version may round or align otherwise.
_LIBRARIES = ("numpy", "optuna", "polars", "scipy", "tabulate")
_SEAL_BYTES = hashlib.sha256().digest_size
# Tables shrink to a sixth at once, and little more with more work.
_COMPRESSION = 1

_log = logging.getLogger(__name__)


def key(folder: MatrixFolder, *, prices: Prices, carbon: Intensity, mix_environments: bool, equivalence: float) -> str:
    """Return what changes whenever anything does that the tables of ``folder`` follow from.

    That is the plan and all files of its cells that tables are made from, prices and carbon, the harness's own sources
    and the versions of the libraries. Whether environments may be mixed is part of it, because otherwise tables that
    mix them would be shown to those who forbid it. To be taken before the records are read.
    """
    # Messages name the folder.
    parts = (
        str(folder.path),
        folder.fingerprint(),
        repr(prices),
        repr(carbon),
        repr(mix_environments),
        repr(equivalence),
        _code(),
    )
    return files.digest(parts)


def load(path: Path, key: str) -> Tables | None:
    """Return what ``save`` left at ``path`` with this ``key``; None where it is absent, corrupt or of another key."""
    try:
        stored = files.read_plain(path)
    except OSError:
        return None
    seal, packed = stored[:_SEAL_BYTES], stored[_SEAL_BYTES:]
    return _unpacked(packed) if seal == _seal(key, packed) else None


def save(path: Path, key: str, tables: Tables) -> None:
    """Store ``tables`` atomically; where the disk refuses, later tables take longer and nothing is lost."""
    packed = zlib.compress(json.dumps(asdict(tables)).encode(), _COMPRESSION)
    try:
        files.write_atomically(path, _seal(key, packed) + packed)
    except OSError as error:
        _log.info("%s can't be written (%s): the tables are made anew each time", path, error)


def _unpacked(packed: bytes) -> Tables:
    stored = json.loads(zlib.decompress(packed))
    shown = stored["shown"]
    sections = [TableSection(**section) for section in shown["sections"]]
    return Tables(files=stored["files"], shown=Report(**{**shown, "sections": sections}))


def _seal(key: str, packed: bytes) -> bytes:
    return hashlib.sha256(key.encode() + packed).digest()


@functools.cache
def _code() -> str:
    paths = sorted(path for ending in ("py", "toml") for path in _PACKAGE.rglob(f"*.{ending}"))
    sources = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    return files.digest([sys.version, *map(_version, _LIBRARIES), *sources])


def _version(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return "none"
