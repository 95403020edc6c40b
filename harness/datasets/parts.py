"""The parts of a data set."""

from __future__ import annotations

from enum import IntEnum


class Part(IntEnum):
    """Where an image belongs. ``FREE`` ones are shared out by the split; the others are fixed by the data set."""

    FREE = -1
    TRAIN = 0
    VALIDATION = 1
    TEST = 2
