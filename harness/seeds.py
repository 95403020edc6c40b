"""Seeds by role: hashed, so that near seeds are as unlike as far ones."""

from __future__ import annotations

import hashlib

# Keras Tuner reads seed 0 as "no seed", and numpy's legacy generators stop at 2**32 - 1.
_LARGEST = 2**31 - 2


def derive(seed: int, *roles: str | int) -> int:
    """Return the seed of one role, in [1, 2**31 - 2].

    Equal arguments give equal seeds on every machine. Searches that share ``seed`` share their split, initial
    weights, batch order and dropout, which is what makes tuners comparable in pairs.
    """
    text = "/".join(str(part) for part in (seed, *roles))
    return 1 + int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % _LARGEST
