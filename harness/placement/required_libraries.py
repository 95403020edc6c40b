"""The libraries that searches import: looked for where they are to run, never imported, before anything does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import metadata
from importlib.util import find_spec
from typing import TYPE_CHECKING

from harness import extensions
from harness.catalogue.tuner_libraries import LIBRARIES
from harness.catalogue.tuners import declared
from harness.errors import MatrixError, UserError
from harness.extensions import Kind, finding
from harness.matrix import Matrix

if TYPE_CHECKING:
    from harness.placement.container_choice import Intent
    from harness.placement.executor_choice import Local

TRAINING = ("tensorflow", "keras", "h5py", "numpy", "PIL", "imagehash", "threadpoolctl")
"""What every search imports, whichever its tuner."""

REPORTS = ("matplotlib", "numpy", "optuna", "polars", "scipy")
"""What tables, pictures and page import; they are made where the command is called, wherever cells run."""

REPORTS_REMEDY = "make setup, or pip install 'tuner-harness[report]'"

# What packages call themselves where their modules have another name.
_PACKAGES = {
    "tensorflow": ("tensorflow-cpu", "tensorflow"),
    "PIL": ("pillow",),
    "sklearn": ("scikit-learn",),
    **{module: (name,) for library in LIBRARIES.values() for module, name in library.packages.items()},
}
# A Gaussian process is computed on the CPU; the builds for GPUs, which PyPI has, are gigabytes.
_REMEDIES = {
    "gp": "pip install 'torch>=2.6' --index-url https://download.pytorch.org/whl/cpu, then pip install "
    "'tuner-harness[gp]'"
}


def is_installed(module: str) -> bool:
    """Return whether this Python has a module, or the package that it is part of."""
    return find_spec(module.partition(".")[0]) is not None


def packages_of(module: str) -> tuple[str, ...]:
    """Return the names of the packages that may bring a module."""
    top = module.partition(".")[0]
    return _PACKAGES.get(top, (top,))


def needed(tuner: str) -> tuple[str, ...]:
    """Return what a tuner imports beyond what training does; of a user's own only its file could tell."""
    known = declared(tuner)
    shared = LIBRARIES[known.library].beneath if known.library in LIBRARIES else ()
    modules = (*known.modules, *shared, *known.beneath)
    return tuple(dict.fromkeys(module.partition(".")[0] for module in modules))


def version_of(name: str) -> str | None:
    """Return the version of a distribution that is installed; None where it isn't."""
    return next((one.version for one in metadata.distributions(name=name)), None)


def remedy(tuner: str | None = None, *, has_gpus: bool = False) -> str:
    """Return how to install what a tuner needs; None: what training does."""
    extra = None if tuner is None else declared(tuner).extra
    known = extra or ("gpu" if has_gpus else "cpu")
    return _REMEDIES.get(known, f"make setup, or pip install 'tuner-harness[{known}]'")


def check(matrix: Matrix, where: Intent | Local) -> None:
    """Let only a place pass that has what training and the matrix's tuners import.

    Raises:
        MatrixError: It lacks something; a line for training or for each tuner says what, and the way out.
    """
    _refuse(_of_search(matrix, where))


def check_with_reports(matrix: Matrix, where: Intent | Local) -> None:
    """Let only a place pass that has what searches import, and a Python that can report on them: all of it is told.

    Raises:
        MatrixError: Something is lacking; a line each says what, and the way out.
    """
    _refuse([*_of_reports(), *_of_search(matrix, where)])


def check_reports() -> None:
    """Let only an installation pass that can make reports: better told before hours of searching than after.

    Raises:
        UserError: A package is missing; says how to get it.
    """
    for line in _of_reports():
        raise UserError(line)


def lacking(modules: Sequence[str]) -> list[str]:
    """Return which of these modules this Python doesn't have."""
    return [module for module in modules if not is_installed(module)]


def _refuse(mistakes: Sequence[str]) -> None:
    if mistakes:
        raise MatrixError(*mistakes)


def _of_reports() -> list[str]:
    found = lacking(REPORTS)
    return [f"reports need {listed(found)}, which this Python lacks; {REPORTS_REMEDY}"] if found else []


def _of_search(matrix: Matrix, where: Intent | Local) -> list[str]:
    found = [module for module in TRAINING if not where.has(module)]
    if found:
        return [f"training needs {listed(found)}, which {where.place} lacks; {where.remedy()}"]
    return [*_of_tuners(matrix, where), *_of_packages(matrix, where)]


def _of_tuners(matrix: Matrix, where: Intent | Local) -> Iterator[str]:
    for name, section in matrix.spec.tuners.items():
        found = [module for module in needed(section.tuner) if not where.has(module)]
        if found:
            needs = f"{section.tuner} needs {listed(found)}, which {where.place} lacks"
            yield f"{matrix.path}: tuners.{name}: {needs}; {where.remedy(section.tuner)}, or leave the tuner out"


def _of_packages(matrix: Matrix, where: Intent | Local) -> Iterator[str]:
    for key, kind, given in _own(matrix):
        package = finding.package_of(kind, given)
        if package is not None and not where.has_package(package):
            lacks = f"{given} is from the package {package}, which {where.place} lacks"
            way_out = f"add it to the image's requirements (docs/containers.md), or {where.remedy()}"
            yield f"{matrix.path}: {key}: {lacks}; {way_out}"


def _own(matrix: Matrix) -> Iterator[tuple[str, Kind, str]]:
    """Yield what the matrix names of users' own: its section, what it is for, and where it is."""
    spec = matrix.spec
    own_data = {name: section for name, section in spec.datasets.items() if section.source == "file"}
    sections = (
        ("protocol", extensions.METRIC, spec.protocol.own_metric),
        ("protocol", extensions.METER, spec.protocol.meter),
        *((f"backbones.{name}", extensions.MODEL, section.path) for name, section in spec.backbones.items()),
        *((f"tuners.{name}", extensions.TUNER, section.path) for name, section in spec.tuners.items()),
        *((f"datasets.{name}", extensions.DATA, section.path) for name, section in own_data.items()),
    )
    yield from ((key, kind, given) for key, kind, given in sections if given is not None)


def listed(modules: Sequence[str]) -> str:
    """Return the names of the packages that would bring these modules."""
    return ", ".join(packages_of(module)[-1] for module in modules)
