"""TFRecord files and the examples in them, read without TensorFlow. Standard library only.

A record is its length (8 bytes, little-endian), a checksum of that, its bytes, and a checksum of these. An example is a
``tf.train.Example``: a mapping from name to a list of bytes, of floats or of integers, in protobuf's encoding.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

Value = bytes | int
"""What an example holds: bytes, or a whole number; floats are left out."""

_LENGTH = struct.Struct("<QI")
_CHECKSUM_BYTES = 4
_LARGEST_RECORD = 1 << 31
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MOST_VARINT_BYTES = 10


class Broken(ValueError):
    """Bytes that are no records, or no example; ``str()`` is the reason."""


def records(path: Path) -> Iterator[bytes]:
    """Yield the records of a file, one at a time.

    Raises:
        Broken: It is cut off, or no such file.
        OSError: It can't be read.
    """
    with path.open("rb") as stream:
        while head := stream.read(_LENGTH.size):
            yield _record(stream, head)


def example(record: bytes) -> dict[str, list[Value]]:
    """Return the values of an example by their names.

    Raises:
        Broken: It is none.
    """
    found: dict[str, list[Value]] = {}
    for features in _of(record, 1):
        for entry in _of(features, 1):
            names, values = _of(entry, 1), _of(entry, 2)
            name = next(names, b"").decode(errors="replace")
            found[name] = [value for feature in values for value in _values(feature)]
    return found


def _record(stream: BinaryIO, head: bytes) -> bytes:
    if len(head) < _LENGTH.size:
        raise Broken("cut off")
    length, checksum = _LENGTH.unpack(head)
    if _masked_crc(head[:8]) != checksum or length > _LARGEST_RECORD:
        raise Broken("no TFRecord file, or a damaged one")
    data = stream.read(length + _CHECKSUM_BYTES)
    if len(data) < length + _CHECKSUM_BYTES:
        raise Broken("cut off")
    return data[:length]


def _values(feature: bytes) -> Iterator[Value]:
    for texts in _of(feature, 1):
        yield from _of(texts, 1)
    for numbers in _of(feature, 3):
        for _, value in _fields(numbers):
            if isinstance(value, int):
                yield _signed(value)
            else:
                yield from _packed(value)


def _packed(data: bytes) -> Iterator[int]:
    place = 0
    while place < len(data):
        value, place = _varint(data, place)
        yield _signed(value)


def _of(data: bytes, wanted: int) -> Iterator[bytes]:
    """Yield the messages or bytes of one field."""
    for number, value in _fields(data):
        if number == wanted and isinstance(value, bytes):
            yield value


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, place = _varint(data, place)
            yield number, value
            continue
        if kind == _BYTES:
            size, place = _varint(data, place)
        elif kind in (_FIXED32, _FIXED64):
            size = 4 if kind == _FIXED32 else 8
        else:
            raise Broken("no example")
        if place + size > len(data):
            raise Broken("an example that is cut off")
        yield number, data[place : place + size]
        place += size


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = 0
    for count in range(_MOST_VARINT_BYTES):
        if place + count >= len(data):
            break
        byte = data[place + count]
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:  # noqa: PLR2004 - the bit that says that another byte follows
            return value, place + count + 1
    raise Broken("an example that is cut off")


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _table() -> tuple[int, ...]:
    found = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        found.append(value)
    return tuple(found)


_CRC32C = _table()


def _masked_crc(data: bytes) -> int:
    """Return the checksum of a few bytes: CRC-32C, turned and shifted as TFRecord files have it."""
    value = 0xFFFFFFFF
    for byte in data:
        value = (value >> 8) ^ _CRC32C[(value ^ byte) & 0xFF]
    value ^= 0xFFFFFFFF
    return (((value >> 15) | (value << 17)) + 0xA282EAD8) & 0xFFFFFFFF
