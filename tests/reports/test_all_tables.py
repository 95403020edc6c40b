from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

from harness import carbon, reports
from harness.prices import Prices

if TYPE_CHECKING:
    from tests.analysis.conftest import Made


INTENSITY = carbon.load()


def written(made: Made, price_list: Prices) -> list[Path]:
    found = reports.made(made.results(), prices=price_list, carbon=INTENSITY)
    return reports.write(made.folder, reports.rendered(found))


def test_every_report_is_written_in_every_form(made: Made, price_list: Prices) -> None:
    paths = written(made, price_list)
    expected = {f"{name}.{ending}" for name in reports.REPORTS for ending in ("md", "csv", "tex")}
    assert {path.name for path in paths} == expected
    assert all(path.parent == made.folder.tables and path.is_file() for path in paths)


def test_deleted_tables_are_made_again_to_the_byte(made: Made, price_list: Prices) -> None:
    for seed in range(3):
        made.search([made.trial(0, 0.1 * seed, 0.3), made.trial(1, 0.7 / (seed + 1))], seed=seed)
        made.search([made.trial(0, 0.3)], "tpe", seed, kind="optuna-tpe", dataset="Füchse|_&%")
    made.plan(seed=9)
    first = {path: path.read_bytes() for path in written(made, price_list)}
    for path in first:
        path.unlink()
    again = {path: path.read_bytes() for path in written(made, price_list)}
    assert again == first


def test_no_name_of_this_machine_stands_in_a_table(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)])
    texts = [path.read_text("utf-8") for path in written(made, price_list)]
    assert not any(str(made.folder.path) in text for text in texts)


def test_tables_are_the_same_to_the_byte_from_records_and_from_what_was_kept(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.2, 0.5), made.trial(1, 1 / 3, energy_j=None)], seed=0)
    made.search([made.trial(0, 0.7)], "tpe", seed=0, kind="optuna-tpe")
    made.search([made.trial(0)], "tpe", seed=1, kind="optuna-tpe", status="failed", reason="boom")
    made.plan("tpe", seed=2)

    def contents() -> list[bytes]:
        return [path.read_bytes() for path in written(made, price_list)]

    from_records, from_kept = contents(), contents()
    made.folder.derived.unlink()

    assert from_records == from_kept == contents()


def test_no_table_of_a_matrix_of_accuracy_speaks_of_f1(made: Made, price_list: Prices) -> None:
    made.by_accuracy()
    texts = {path.name: path.read_text("utf-8") for path in written(made, price_list)}
    assert [name for name, text in texts.items() if "F1" in text] == []
    assert "val accuracy" in texts["efficiency.md"]
    assert "test accuracy" in texts["efficiency.tex"]


def test_a_spreadsheet_with_scores_tells_their_metric(made: Made, price_list: Prices) -> None:
    made.by_accuracy()
    without = ("phases", "outcomes", "models", "profiles", "told")
    # No tuner of these is in both groups.
    empty = ("ranks", "pairwise")
    for path in written(made, price_list):
        if path.suffix == ".csv" and path.stem not in (*without, *empty):
            rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8"))))
            assert rows, path.name
            assert {row["metric"] for row in rows} == {"accuracy"}, path.name


def test_ranks_and_pairs_tell_their_metric(made: Made, price_list: Prices) -> None:
    made.protocol = {"metric": "accuracy"}
    for seed in range(2):
        made.search([made.trial(0, 0.5)], "a", seed)
        made.search([made.trial(0, 0.6)], "b", seed)
    for path in written(made, price_list):
        if path.name in ("ranks.csv", "pairwise.csv", "answer.csv"):
            rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8"))))
            assert rows, path.name
            assert {row["metric"] for row in rows} == {"accuracy"}, path.name


def test_a_metric_that_no_record_tells_is_empty(made: Made, price_list: Prices) -> None:
    made.plan()
    (efficiency, *_) = (path.read_text("utf-8") for path in written(made, price_list) if path.suffix == ".csv")
    assert next(csv.DictReader(io.StringIO(efficiency)))["metric"] == ""
