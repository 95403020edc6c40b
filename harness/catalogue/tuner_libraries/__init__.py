"""What is declared of each library of tuners, a module each; no library is imported.

A library costs two source files: its declaration here, and its adapter of the same name in ``harness.tuners``. Nothing
names either, so that no other library's cells become others by it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping

from harness.catalogue.tuner_declarations import DeclaredLibrary, DeclaredTuner


def _declared() -> dict[str, DeclaredLibrary]:
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    found: list[DeclaredLibrary] = [importlib.import_module(f"{__name__}.{name}").LIBRARY for name in names]
    return {library.name: library for library in found}


LIBRARIES: Mapping[str, DeclaredLibrary] = _declared()
"""Libraries by their names."""

TUNERS: Mapping[str, DeclaredTuner] = {
    name: tuner for library in LIBRARIES.values() for name, tuner in library.tuners.items()
}
"""Their tuners by name."""


def own_packages(tuner: str) -> tuple[str, ...]:
    """Return the packages whose versions are part of the identity of this tuner's cells alone."""
    return LIBRARIES[TUNERS[tuner].library].own_packages if tuner in TUNERS else ()


def adapter(library: str) -> str:
    """Return the name of the module that makes a library's tuners."""
    return f"harness.tuners.{library.replace('-', '_')}"
