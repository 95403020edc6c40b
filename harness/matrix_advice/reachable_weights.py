"""Which pretrained weights this machine has or can fetch, tried for a short while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.backbones import weights
from harness.backbones.weights import Weights
from harness.errors import HarnessError
from harness.matrix_schema import Backbone

PATIENCE_S = 60.0
"""How long all of them are tried: the files have some twenty megabytes."""

FAMILIES: Sequence[Sequence[tuple[str, str]]] = (
    (("MobileNetV2", "imagenet"), ("MobileNetV2", "packaged")),
    (("EfficientNetLite0", "packaged"), ("EfficientNetV2B0", "imagenet")),
)
"""Small models that suit a first comparison, the smallest first; of each family the first that is in reach is taken."""

Find = Callable[[Backbone], Weights]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A backbone whose weights lie on this machine, as a matrix names it."""

    model: str
    weights: str
    trained_on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What was found, the smallest first, and a line for each that is out of reach."""

    reached: tuple[Reached, ...]
    out_of_reach: tuple[str, ...]


def finder(*, image_size: int, cache: Path) -> Find:
    """Return what finds weights as a run would: in the cache, or by the network."""
    return lambda section: weights.resolve(section, image_size=image_size, base=cache, cache=cache)


def seek(find: Find, *, patience_s: float = PATIENCE_S) -> Sought:
    """Try each family's backbones, the families side by side, for so many seconds in all."""
    searches = [_Search(family, find) for family in FAMILIES]
    ends = time.monotonic() + patience_s
    for search in searches:
        search.join(max(0.0, ends - time.monotonic()))
    return Sought(
        reached=tuple(search.reached for search in searches if search.reached is not None),
        out_of_reach=tuple(line for search in searches for line in search.refusals(patience_s)),
    )


class _Search(threading.Thread):
    """The search for the weights of one family; what takes too long is left to itself, and ends with the process."""

    def __init__(self, family: Sequence[tuple[str, str]], find: Find) -> None:
        super().__init__(daemon=True)
        self.reached: Reached | None = None
        self._family, self._find = family, find
        self._refused: list[str] = []
        self.start()

    def run(self) -> None:
        for model, name in self._family:
            try:
                found = self._find(Backbone(model=model, weights=name))
            except (HarnessError, OSError) as error:
                self._refused.append(f"{model}, {name}: {error}")
            else:
                self.reached = Reached(model=model, weights=name, trained_on=found.trained_on)
                return

    def refusals(self, patience_s: float) -> list[str]:
        if self.is_alive():
            model, name = self._family[len(self._refused)]
            return [*self._refused, f"{model}, {name}: no answer within {patience_s:.0f} s"]
        return self._refused
