"""``harness cache``: what lies in the cache, what for, how large, how long unused; and what may go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

from harness import cache_inventory
from harness.cache_inventory import CacheEntry
from harness.cli import printing, streams
from harness.errors import UserError
from harness.reports.report_types import TableSection

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")
_STEP = 1024
_SURVEY = "which pictures of a data set are usable"


def show(cache: Path, *, as_json: bool) -> None:
    """Print what lies in the cache."""
    kept = cache_inventory.contents(cache)
    half_built = {str(path.relative_to(cache)): cache_inventory.size_of(path) for path in _begun(cache)}
    if as_json:
        listed = [{**asdict(each), "last_used": each.last_used.isoformat(timespec="seconds")} for each in kept]
        streams.document({"cache": str(cache), "kept": listed, "half_built": half_built})
        return
    _print(kept)
    if half_built:
        size = told(sum(half_built.values()))
        printing.say(f"half built: {len(half_built)}, {size}; at work, or left by a kill and gone with the next run")
    printing.say(f"{cache}: {len(kept)} things, {_total(kept)}")


def prune(cache: Path, *, older_than_days: int | None, everything: bool, is_meant: bool) -> None:
    """Remove what is not used any more, or everything; say only what would go unless it is meant.

    Raises:
        UserError: It is not said what is to go, or a run is using the cache.
    """
    if everything == (older_than_days is not None):
        raise UserError("harness cache prune: say what is to go: --older-than DAYS, or --all")
    kept = cache_inventory.contents(cache)
    before = datetime.now(UTC) - timedelta(days=older_than_days or 0)
    gone = kept if everything else [each for each in kept if each.last_used < before]
    if is_meant and cache.is_dir():
        cache_inventory.prune(cache, gone)
    else:
        _print(gone)
    done, way = ("removed", "") if is_meant else ("would remove", "; --yes removes them")
    printing.say(f"{cache}: {done} {len(gone)} of {len(kept)} things, {_total(gone)}{way}")


def told(size_bytes: float) -> str:
    """Return a size in the unit that suits it."""
    unit = 0
    while size_bytes >= _STEP and unit < len(_UNITS) - 1:
        size_bytes, unit = size_bytes / _STEP, unit + 1
    return f"{size_bytes:.0f} {_UNITS[unit]}" if unit == 0 else f"{size_bytes:.1f} {_UNITS[unit]}"


def _begun(cache: Path) -> list[Path]:
    """Return what is half built, without locks, which hold nothing."""
    return [path for path in cache_inventory.half_built(cache) if path.suffix != ".lock"]


def _total(kept: Sequence[CacheEntry]) -> str:
    return told(sum(each.size_bytes for each in kept))


def _print(kept: Sequence[CacheEntry]) -> None:
    if not kept:
        return
    columns = ["what", "for", "last used", "in", "size"]
    printing.table(TableSection(heading="", columns=columns, rows=[_row(each) for each in kept], text_columns=4))


def _row(kept: CacheEntry) -> list[str]:
    kind, _, name = kept.path.partition("/")
    what = kept.what or (_SURVEY if kept.kind == "surveys" else "unknown")
    used = f"{kept.last_used.astimezone():%Y-%m-%d %H:%M}"
    return [kept.kind, what, used, f"{kind}/{name[:8]}…", told(kept.size_bytes)]
