"""An export written whole or not at all."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable
from pathlib import Path

from harness import atomic_folders, files
from harness.analysis import MatrixResults
from harness.errors import UserError
from harness.exports.formats import FORMATS, ExportFormat
from harness.placement import required_libraries
from harness.prices import Prices


def write(name: str, output: Path, results: MatrixResults, prices: Prices) -> Path:
    """Write every planned search in a format of ``FORMATS``, and return ``output``.

    Raises:
        UserError: There is no such format, a package is missing, or ``output`` is there already or can't be.
    """
    if name not in FORMATS:
        raise UserError(f"to = {name!r}: no such format; give one of {', '.join(FORMATS)}")
    form = FORMATS[name]
    _check_installed(name, form)
    if output.exists() or output.is_symlink():
        raise UserError(f"{output}: is there already; move it away, or name another with --output")
    put: Callable[[Path, MatrixResults, Prices], None]
    put = importlib.import_module(f"harness.exports.{form.writer}").write
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except files.WRONG_PATH as error:
        raise UserError(f"{output}: can't be made ({error.strerror}); name another with --output") from error

    def build(path: Path) -> None:
        put(path, results, prices)

    return atomic_folders.folder(output, build) if form.is_folder else _file(output, build)


def _check_installed(name: str, form: ExportFormat) -> None:
    lacking = required_libraries.lacking(form.modules)
    if lacking:
        needed = required_libraries.listed(lacking)
        raise UserError(f"export to {name} needs {needed}, which this Python lacks; {form.remedy}")


def _file(output: Path, build: Callable[[Path], None]) -> Path:
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.") as aside:
        built = Path(aside, output.name)
        build(built)
        built.rename(output)
    return output
