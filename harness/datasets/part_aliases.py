"""The parts of a data set, and the names that people give them."""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import IntEnum


class Part(IntEnum):
    """Where an image belongs. ``FREE`` ones are shared out by the split; the others are fixed by the data set."""

    FREE = -1
    TRAIN = 0
    VALIDATION = 1
    TEST = 2


_WORDS = {
    **dict.fromkeys(("train", "training", "trn"), Part.TRAIN),
    **dict.fromkeys(("validation", "validate", "validating", "valid", "val", "dev", "development"), Part.VALIDATION),
    **dict.fromkeys(("test", "testing", "tst", "holdout"), Part.TEST),
}
# What stands beside the word and changes nothing, as in "Training Set" or "images_test".
_FILLERS = frozenset({"data", "dataset", "folder", "images", "image", "imgs", "img", "part", "set", "split", "subset"})
_GLUED = re.compile(r"(dataset|data|images|imgs|set|split)$")


def part_named(name: str) -> Part | None:
    """Return the part that ``name`` usually means, as ``Training``, ``valid``, ``test_set``, ``train2017``, or None."""
    words = [word for word in re.split(r"[\W_\d]+", name.casefold()) if word and word not in _FILLERS]
    if len(words) != 1:
        return None
    (word,) = words
    return _WORDS.get(word, _WORDS.get(_GLUED.sub("", word)))


def settled(part: Part, given: Collection[Part]) -> Part:
    """Return where the images of a part belong in a data set that gives these parts.

    Where one is missing, the images of train are free: some of them are cut for it.
    """
    is_complete = len({*given} - {Part.FREE}) == len(Part) - 1
    return Part.FREE if part is Part.TRAIN and not is_complete else part
