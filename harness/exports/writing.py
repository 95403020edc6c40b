"""An export written whole or not at all."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable
from pathlib import Path

from harness import atomic_folders, files
from harness.errors import UserError
from harness.exports.exported_searches import Export
from harness.exports.formats import FORMATS, ExportFormat
from harness.placement import required_libraries


def write(to: str, export: Export) -> Path:
    """Write every planned search in a format of ``FORMATS``, and return where.

    Raises:
        UserError: There is no such format, a package is missing, or its output is there already or can't be.
    """
    output = export.output
    if to not in FORMATS:
        raise UserError(f"to = {to!r}: no such format; give one of {', '.join(FORMATS)}")
    form = FORMATS[to]
    if output.exists() or output.is_symlink():
        raise UserError(f"{output}: is there already; move it away, or name another with --output")
    _check_installed(to, form)
    put: Callable[[Path, Export], None]
    put = importlib.import_module(f"harness.exports.{form.writer}").write
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except files.WRONG_PATH as error:
        raise UserError(f"{output}: can't be made ({error.strerror}); name another with --output") from error

    def build(path: Path) -> None:
        put(path, export)

    return atomic_folders.folder(output, build) if form.is_folder else _file(output, build)


def _check_installed(to: str, form: ExportFormat) -> None:
    lacking = required_libraries.lacking(form.modules)
    if lacking:
        needed = required_libraries.listed(lacking)
        raise UserError(f"export to {to} needs {needed}, which this Python lacks; {form.remedy}")


def _file(output: Path, build: Callable[[Path], None]) -> Path:
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.") as aside:
        built = Path(aside, output.name)
        build(built)
        built.rename(output)
    return output
