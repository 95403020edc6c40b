from __future__ import annotations

from typing import TYPE_CHECKING

from harness import carbon, reports
from harness.prices import Prices

if TYPE_CHECKING:
    from pathlib import Path

    from tests.analysis.conftest import Made

INTENSITY = carbon.load()


def _written(made: Made, price_list: Prices) -> list[Path]:
    return reports.write(made.folder, made.results(), prices=price_list, carbon=INTENSITY)


def test_every_report_is_written_in_every_form(made: Made, price_list: Prices) -> None:
    written = _written(made, price_list)
    expected = {f"{name}.{ending}" for name in reports.REPORTS for ending in ("md", "csv", "tex")}
    assert {path.name for path in written} == expected
    assert all(path.parent == made.folder.tables and path.is_file() for path in written)


def test_deleted_tables_are_made_again_to_the_byte(made: Made, price_list: Prices) -> None:
    for seed in range(3):
        made.search([made.trial(0, 0.1 * seed, 0.3), made.trial(1, 0.7 / (seed + 1))], seed=seed)
        made.search([made.trial(0, 0.3)], "tpe", seed, kind="optuna-tpe", dataset="Füchse|_&%")
    made.plan(seed=9)
    first = {path: path.read_bytes() for path in _written(made, price_list)}
    for path in first:
        path.unlink()
    again = {path: path.read_bytes() for path in _written(made, price_list)}
    assert again == first


def test_no_name_of_this_machine_stands_in_a_table(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)])
    texts = [path.read_text("utf-8") for path in _written(made, price_list)]
    assert not any(str(made.folder.path) in text for text in texts)
