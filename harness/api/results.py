"""The results of a matrix as frames, as an answer, and as tables, pictures and page."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from harness import analysis, page, plots, reports, result_stores
from harness import carbon as intensities
from harness import matrix as matrices
from harness import prices as price_lists
from harness.analysis import best_configurations
from harness.analysis.best_configurations import Winner
from harness.analysis.statistics import judged
from harness.api import given_paths, notebook
from harness.campaign import outdated_results
from harness.carbon import Intensity
from harness.errors import ResultsError, UserError
from harness.exports import frames
from harness.exports import writing as exporting
from harness.exports.exported_searches import Export
from harness.matrix import Matrix, mistakes
from harness.matrix_schema import EQUIVALENCE
from harness.page import summary_sentences
from harness.placement import required_libraries
from harness.prices import Prices
from harness.reports import Tables, best, tuner_advice
from harness.reports.report_types import Report
from harness.results_folder import MatrixFolder

if TYPE_CHECKING:
    import polars as pl

log = logging.getLogger(__name__)

PARTS = ("tables", "plots", "page")
"""What can be written."""


def _nothing(_part: str, _paths: Sequence[Path]) -> None:
    pass


def load(
    path: str | Path,
    *,
    matrix: Matrix | str | Path | None = None,
    prices: str | Path | None = None,
    carbon: str | Path | None = None,
    grid: str | None = None,
    mix_environments: bool = False,
) -> Results:
    """Return the results in a folder that a run left, such as ``results/birds``; log its ``remarks`` as warnings.

    Args:
        path: The folder, or its URL in a store: what is there and not here is fetched.
        matrix: What was asked for, or its file: its ``equivalence`` counts, and its text stands in the page.
        prices: Price file to use instead of the harness's own.
        carbon: File of carbon intensities to use instead of the harness's own.
        grid: Whose electricity it was, by its name among these; by default the world's mean.
        mix_environments: Whether searches of unlike environments may stand in one table.

    Raises:
        UserError: A package, a file or a grid is missing.
        ResultsError: No search in the folder has a record, or its plan can't be read.
    """
    if not isinstance(grid, str | None):
        raise UserError(f"grid = {grid!r}: give its name as text")
    found = opened(
        given_paths.matrix_results(path),
        matrix=_matrix(matrix),
        prices=prices,
        carbon=carbon,
        grid=grid,
        mix_environments=mix_environments,
    )
    for line in found.remarks:
        log.warning(line)
    return found


def _matrix(given: Matrix | str | Path | None) -> Matrix | None:
    if given is None or isinstance(given, Matrix):
        return given
    return matrices.load(given_paths.given(given, called="matrix"))


def opened(
    path: Path,
    *,
    matrix: Matrix | None = None,
    prices: str | Path | None = None,
    carbon: str | Path | None = None,
    grid: str | None = None,
    mix_environments: bool = False,
) -> Results:
    """Return the same, and leave it to the caller to say the remarks.

    Raises:
        UserError: As ``load``.
        ResultsError: As ``load``.
    """
    required_libraries.check_reports()
    folder, refused = MatrixFolder(path), result_stores.fetch(path)
    if not folder.has_records:
        named = "MATRIX" if matrix is None else matrix.path
        raise ResultsError(f"{folder.path}: no search has a record yet; run the matrix first: harness run {named}")
    price_list = price_lists.load(None if prices is None else given_paths.given(prices, called="prices"))
    intensity = intensities.load(None if carbon is None else given_paths.given(carbon, called="carbon"), grid=grid)
    equivalence = EQUIVALENCE if matrix is None else matrix.spec.equivalence
    return Results(
        folder=folder,
        prices=price_list,
        carbon=intensity,
        mix_environments=mix_environments,
        equivalence=equivalence,
        matrix_text=None if matrix is None else matrix.text,
        remarks=(*refused, *(() if matrix is None else outdated_results.remarks(folder, matrix))),
        # Before the records are read, whichever part asks for them first.
        key=reports.tables_cache.key(
            folder,
            prices=price_list,
            carbon=intensity,
            mix_environments=mix_environments,
            equivalence=equivalence,
        ),
    )


# No slots: records are read, and reports made, once and only if something asks for them.
@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Results:
    """The results of one matrix: read once, when first asked for.

    Attributes:
        folder: Where the records are.
        prices: What a machine's hour costs.
        carbon: What a kilowatt-hour emits.
        mix_environments: Whether searches of unlike environments may stand in one table.
        equivalence: The difference in score that makes no practical one.
        matrix_text: The matrix as TOML; None where it is not at hand.
        remarks: A line where the searches are not what the matrix asks for by now.
        key: What changes whenever the tables would.
    """

    folder: MatrixFolder
    prices: Prices
    carbon: Intensity
    mix_environments: bool
    equivalence: float
    matrix_text: str | None
    remarks: tuple[str, ...]
    key: str

    @property
    def path(self) -> Path:
        """The folder."""
        return self.folder.path

    @cached_property
    def recorded(self) -> analysis.MatrixResults:
        """Every planned cell with what its files say."""
        return analysis.read(self.folder, equivalence=self.equivalence)

    def searches(self) -> pl.DataFrame:
        """Return a row for each planned search, failed and missing ones included (``frames.searches``)."""
        return frames.searches(self.recorded, prices=self.prices)

    def trials(self) -> pl.DataFrame:
        """Return a row for each trial of each search, in their order (``frames.trials``)."""
        return frames.trials(self.recorded)

    def epochs(self) -> pl.DataFrame:
        """Return a row for each epoch of each trial (``frames.epochs``)."""
        return frames.epochs(self.recorded)

    def answer(self) -> pl.DataFrame:
        """Return how each tuner stands at each budget, as ``tables/answer.csv`` has it.

        Raises:
            ResultsError: Searches of one group ran in unlike environments that are not to be mixed.
        """
        return self.table("answer")

    def best(self, *, tuner: str | None = None) -> pl.DataFrame:
        """Return a row for each group: its best configuration, what found it, and what to expect of it.

        The search with the best validation score gives it, the earlier of equals. Columns: ``dataset``, ``backbone``,
        ``hyperparameters``; ``tuner``, ``seed``, ``id``, ``trial`` and ``epoch`` that found it; ``metric``, and
        ``val_score`` and ``test_score`` of that epoch in it, 0 to 1; ``search_s`` and ``usd`` of that search;
        ``tuner_test_score`` with ``_low``, ``_high`` and ``_n``: the mean of the test scores that this tuner's searches
        reached, with its 95 % t interval over so many seeds; ``searches_ok``, ``searches_failed`` and
        ``searches_missing``; and ``params_…``, the hyperparameters. What is unknown is null.

        Args:
            tuner: Choose among this tuner's searches alone, by its name in the matrix.

        Raises:
            UserError: No tuner has that name.
            ResultsError: As ``answer``.
        """
        found = self.winners(tuner=tuner)
        return frames.of_report(best.report(self.comparable, found, prices=self.prices))

    def winners(self, *, tuner: str | None = None) -> list[Winner]:
        """Return the same as objects, with the search and all that is recorded of it.

        Raises:
            UserError: As ``best``.
            ResultsError: As ``answer``.
        """
        known = dict.fromkeys(search.planned.tuner for search in self.recorded.searches)
        if tuner is not None and tuner not in known:
            raise UserError(f"{self.path}: {mistakes.unknown('tuner', str(tuner), known)}")
        return best_configurations.winners(self.comparable, tuner=tuner)

    def table(self, name: str) -> pl.DataFrame:
        """Return the numbers of a table as its CSV has them, by its name, such as ``efficiency`` or ``ranks``.

        Raises:
            UserError: There is no table of that name.
            ResultsError: As ``answer``.
        """
        found = next((report for report in self.reports if report.name == name), None)
        if found is None:
            raise UserError(f"{name}: no table has that name; these are there: {', '.join(reports.REPORTS)}")
        return frames.of_report(found)

    def advice(self) -> list[str]:
        """Return which tuner to use and why, in sentences.

        Raises:
            ResultsError: As ``answer``.
        """
        return tuner_advice.sentences(judged(self.comparable, prices=self.prices).answer, self.recorded.score)

    @cached_property
    def comparable(self) -> analysis.MatrixResults:
        """The cells, once it is known that tables may compare them.

        Raises:
            ResultsError: Searches of one group ran in unlike environments that are not to be mixed.
        """
        if not self.mix_environments:
            reports.refuse_unlike(analysis.groups(self.recorded))
        return self.recorded

    @cached_property
    def reports(self) -> tuple[Report, ...]:
        """Every table, readable and in numbers."""
        return reports.made(self.comparable, prices=self.prices, carbon=self.carbon)

    @cached_property
    def tables(self) -> Tables:
        """Every table in each of its forms; those of an earlier time, where nothing has changed."""
        found = reports.tables_cache.load(self.folder.derived_tables, self.key)
        if found is None:
            found = reports.rendered(self.reports)
            reports.tables_cache.save(self.folder.derived_tables, self.key, found)
        return found

    def write(
        self, only: Collection[str] = (), *, wrote: Callable[[str, Sequence[Path]], None] = _nothing
    ) -> dict[str, list[Path]]:
        """Write tables, pictures and page into the folder, and return the files of each part.

        Args:
            only: Those of ``PARTS`` that are asked for; empty, all are.
            wrote: Called with each part and its files once they are there.

        Raises:
            UserError: There is no such part.
            ResultsError: As ``answer``.
            MachineError: The store that the folder stands for can't be reached.
        """
        only = (only,) if isinstance(only, str) else tuple(only)
        unknown = [part for part in only if part not in PARTS]
        if unknown:
            raise UserError(f"only = {unknown[0]!r}: no such part; give of {', '.join(PARTS)}, or nothing for all")
        makers: dict[str, Callable[[], list[Path]]] = {"tables": self._write_tables, "page": self._write_page}
        written: dict[str, list[Path]] = {}
        with ExitStack() as stack:
            if not only or "plots" in only:
                # Begun first: they take longest, and where there are many, processes of their own.
                makers["plots"] = stack.enter_context(self._pictures())
            for part in (part for part in makers if not only or part in only):
                written[part] = makers[part]()
                wrote(part, written[part])
        store = result_stores.of(self.path.parent)
        if store is not None:
            store.put_made(self.path.name)
        return written

    def export(self, to: str, output: str | Path) -> Path:
        """Write every planned search as another tool keeps it, and return where.

        Args:
            to: ``optuna``, ``tensorboard``, ``keras-tuner``, ``mlflow``, ``wandb-offline`` or ``parquet``.
            output: File or folder to write, which must not be there yet.

        Raises:
            UserError: There is no such format, a package is missing, or ``output`` is there already or can't be.
        """
        place = given_paths.given(output, called="output").absolute()
        return exporting.write(to, Export(name=self.path.name, results=self.recorded, prices=self.prices, output=place))

    def _write_tables(self) -> list[Path]:
        return reports.write(self.folder, self.tables)

    def _write_page(self) -> list[Path]:
        made = page.write(
            self.folder, self.comparable, reports=self.reports, prices=self.prices, matrix_text=self.matrix_text
        )
        return [made]

    @contextmanager
    def _pictures(self) -> Iterator[Callable[[], list[Path]]]:
        """Begin the pictures; give what waits for them."""
        with plots.drawers(self.folder) as drawer:
            yield plots.begin(self.folder, self.comparable, prices=self.prices, drawer=drawer)

    def __repr__(self) -> str:
        """Say what is there, and what follows from it."""
        return "\n".join([self._title(), *self.remarks, *self.advice()])

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the advice, how the tuners stand, and a curve for each of the first groups."""
        sections = next(report.sections for report in self.reports if report.name == "answer")
        drawn = notebook.curves(self.comparable, prices=self.prices)
        return notebook.html(self._title(), [*self.remarks, *self.advice()], next(iter(sections), None), list(drawn))

    def _title(self) -> str:
        return f"{self.path.name}: {summary_sentences.ended(self.recorded.searches)}"
