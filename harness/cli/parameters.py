"""Paths, numbers and dates on the command line."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path
from typing import Any

import click

from harness.api import given_paths
from harness.errors import UserError


class GivenPath(click.Path):
    """A path with ``~`` for the home, as a shell leaves it in quotes; an empty one is refused."""

    def __init__(self, *, file_okay: bool = True, dir_okay: bool = True, exists: bool = False) -> None:
        """Say what it may be."""
        super().__init__(file_okay=file_okay, dir_okay=dir_okay, exists=exists, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path.

        Raises:
            click.BadParameter: It is none.
        """
        try:
            path = self._given(value)
        except UserError as error:
            self.fail(f"{error}.", param, ctx)
        return super().convert(path, param, ctx)

    def _given(self, value: object) -> Path:
        return given_paths.given(value, called="path")


class ResultsPlace(GivenPath):
    """A folder for results, or the URL of one in a store: then the folder of this machine that stands for it."""

    def __init__(self) -> None:
        """Take a folder that need not exist."""
        super().__init__(file_okay=False)

    def _given(self, value: object) -> Path:
        return given_paths.results(value, called="path")


class MatrixResultsPlace(GivenPath):
    """The same for the results of one matrix."""

    def _given(self, value: object) -> Path:
        return given_paths.matrix_results(value)


class GivenMatrix(GivenPath):
    """The path of a matrix file, or the name of a matrix that the harness brings."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path of the file.

        Raises:
            click.BadParameter: It is no path.
        """
        return given_paths.matrix_file(super().convert(value, param, ctx))


class ResultsOrMatrix(GivenPath):
    """The results of one matrix, as a folder or URL, or else the matrix, by its file or the name of one of ours."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the folder, or the path of the matrix's file.

        Raises:
            click.BadParameter: It is no path.
        """
        path: Path = super().convert(value, param, ctx)
        return path if path.is_dir() or given_paths.is_url(value) else given_paths.matrix_file(path)

    def _given(self, value: object) -> Path:
        return given_paths.matrix_results(value)


class Amount(click.FloatRange):
    """A finite number above 0; NaN, which is in no range and above no limit, is refused as infinity is."""

    def __init__(self) -> None:
        """Take every such number."""
        super().__init__(min=0, min_open=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number.

        Raises:
            click.BadParameter: It is none, or not finite, or not above 0.
        """
        amount = float(super().convert(value, param, ctx))
        if not math.isfinite(amount):
            self.fail(f"{amount} is not a finite number; give one above 0, or leave the option out.", param, ctx)
        return amount


class Day(click.ParamType):  # type: ignore[type-arg]  # older clicks have it without
    """A date, or the date of a time, in ISO 8601."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dt.date:
        """Return the date.

        Raises:
            click.BadParameter: It is none.
        """
        try:
            return dt.datetime.fromisoformat(value).date()
        except ValueError:
            self.fail(f"{value!r} is not a date such as 2026-11-24.", param, ctx)
