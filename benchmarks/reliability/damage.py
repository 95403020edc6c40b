"""Damage, drawn by chance: to what a file says, and to its bytes, its kind and its place."""

from __future__ import annotations

import copy
import json
import math
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 7, -1000, 10**9, 2**31, 2**63, -(10**30), 10**400),
    *(0.5, 87.1, -0.1, -1000.0, 1e-320, 1e308, -1e308, math.nan, math.inf, -math.inf),
    *(
        "",
        " ",
        "x",
        "nan",
        "1",
        "../../etc",
        "/",
        "\0",
        "\n",
        "\x1b[31m",
        "$x_{",
        "[/b]",
        "%s{}",
        "ä\u202eß",
        "\U0001f98a",
    ),
    *("x" * 10_000, [], {}, [[]], [None], [{}], {"": None}, {"a": {"b": [1]}}, [1, "1", 1.0]),
)
"""What may stand where something else should."""

_Parent = dict[str, Any] | list[Any]
_Place = tuple[_Parent, Any]


def tree(value: Any, draw: random.Random) -> Any:
    """Return ``value``, in JSON's terms, with one to three changes."""
    changed = copy.deepcopy(value)
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        places = list(_places(changed))
        if not places:
            return draw.choice(VALUES)
        draw.choice(_OF_TREES)(places, draw)
    return changed


def text(held: bytes, draw: random.Random) -> bytes:
    """Return ``held`` with its bytes damaged."""
    return draw.choice(_OF_TEXTS)(held, draw)


def file(path: Path, elsewhere: Path, draw: random.Random) -> None:
    """Put something else in the file's place; ``elsewhere`` is a sound file of another cell."""
    path.unlink()
    draw.choice(_OF_FILES)(path, elsewhere)


def _places(value: Any) -> Iterator[_Place]:
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])


def _replace(places: list[_Place], draw: random.Random) -> None:
    parent, key = draw.choice(places)
    parent[key] = draw.choice(VALUES)


def _scale(places: list[_Place], draw: random.Random) -> None:
    numbers = [(parent, key) for parent, key in places if type(parent[key]) in (int, float)]
    if numbers:
        parent, key = draw.choice(numbers)
        parent[key] *= draw.choice((-1, 10, 100, 1e-3, 1e12))


def _drop(places: list[_Place], draw: random.Random) -> None:
    parent, key = draw.choice(places)
    del parent[key]


def _rename(places: list[_Place], draw: random.Random) -> None:
    parent, key = draw.choice(places)
    if isinstance(parent, dict):
        parent[str(draw.choice(VALUES))[:100]] = parent.pop(key)


def _double(places: list[_Place], draw: random.Random) -> None:
    parent, key = draw.choice(places)
    if isinstance(parent, list):
        parent.insert(key, copy.deepcopy(parent[key]))
    else:
        parent[f"{key} "] = copy.deepcopy(parent[key])


def _exchange(places: list[_Place], draw: random.Random) -> None:
    (one, first), (other, second) = draw.choice(places), draw.choice(places)
    theirs = copy.deepcopy(other[second])
    other[second], one[first] = copy.deepcopy(one[first]), theirs


def _exchange_alike(places: list[_Place], draw: random.Random) -> None:
    """Exchange two values of one key: names of tuners, scores, seconds."""
    _, key = draw.choice(places)
    alike = [(parent, name) for parent, name in places if name == key]
    (one, first), (other, second) = draw.choice(alike), draw.choice(alike)
    one[first], other[second] = copy.deepcopy(other[second]), copy.deepcopy(one[first])


def _wrap(places: list[_Place], draw: random.Random) -> None:
    parent, key = draw.choice(places)
    for _ in range(draw.choice((1, 2, 50))):
        parent[key] = [parent[key]] if draw.random() < 0.5 else {"x": parent[key]}


_OF_TREES = (_replace, _replace, _replace, _scale, _drop, _drop, _rename, _double, _exchange, _exchange_alike, _wrap)


def _flip(held: bytes, draw: random.Random) -> bytes:
    changed = bytearray(held)
    for _ in range(draw.choice((1, 1, 3)) if held else 0):
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def _other_digit(held: bytes, draw: random.Random) -> bytes:
    places = [place for place, byte in enumerate(held) if chr(byte).isdigit()]
    if not places:
        return held
    place = draw.choice(places)
    return held[:place] + str(draw.randrange(10)).encode() + held[place + 1 :]


def _cut(held: bytes, draw: random.Random) -> bytes:
    return held[: draw.randrange(len(held) + 1)]


def _take_out(held: bytes, draw: random.Random) -> bytes:
    start = draw.randrange(len(held) + 1)
    return held[:start] + held[start + draw.choice((1, 10, 1000)) :]


def _put_in(held: bytes, draw: random.Random) -> bytes:
    start = draw.randrange(len(held) + 1)
    what = (
        draw.randbytes(8),
        b"\0" * 20,
        b"[" * 100_000,
        b'{"a":' * 5000,
        b"9" * 5000,
        b"\xff\xfe",
        b"\r",
        b"\n",
        b"1e999",
    )
    return held[:start] + draw.choice(what) + held[start:]


def _repeat(held: bytes, draw: random.Random) -> bytes:
    lines = held.splitlines(keepends=True)
    if not lines:
        return held
    place = draw.randrange(len(lines))
    return b"".join([*lines[: place + 1], *lines[draw.randrange(place + 1) :]])


def _take_lines(held: bytes, draw: random.Random) -> bytes:
    lines = held.splitlines(keepends=True)
    draw.shuffle(lines) if draw.random() < 0.5 else lines and lines.pop(draw.randrange(len(lines)))
    return b"".join(lines)


def _other_file(_held: bytes, draw: random.Random) -> bytes:
    return draw.choice(
        (b"", b"[]", b"{}", b"null", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), b"\xef\xbb\xbf{}", b"\0" * 100)
    )


_OF_TEXTS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    *(_flip, _flip, _flip, _other_digit, _other_digit, _other_digit),
    *(_cut, _take_out, _put_in, _repeat, _take_lines, _other_file),
)


def _absent(_path: Path, _elsewhere: Path) -> None:
    pass


def _copied(path: Path, elsewhere: Path) -> None:
    shutil.copyfile(elsewhere, path)


def _link(path: Path, elsewhere: Path) -> None:
    path.symlink_to(elsewhere)


def _loop(path: Path, _elsewhere: Path) -> None:
    path.symlink_to(path)


def _dangling(path: Path, elsewhere: Path) -> None:
    path.symlink_to(elsewhere.with_name("not there"))


def _folder(path: Path, _elsewhere: Path) -> None:
    path.mkdir()


def _pipe(path: Path, _elsewhere: Path) -> None:
    os.mkfifo(path)


def _closed(path: Path, elsewhere: Path) -> None:
    shutil.copyfile(elsewhere, path)
    path.chmod(0)


_OF_FILES = (_absent, _copied, _copied, _link, _loop, _dangling, _folder, _pipe, _closed)


def as_json(value: Any) -> bytes:
    """Return ``value`` as indented JSON, NaN and infinity as they are."""
    return json.dumps(value, indent=1, ensure_ascii=False).encode("utf-8", "surrogatepass")


def as_toml(value: Any) -> bytes:
    """Return a table as TOML; what TOML can't say is left as text that it can't read."""
    lines = (
        (f"{json.dumps(key)} = {_inline(each)}" for key, each in value.items()) if isinstance(value, dict) else ["?"]
    )
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_inline(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return json.dumps(value)
