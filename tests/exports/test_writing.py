"""Exports are whole or absent, and never written over anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.analysis import MatrixResults
from harness.errors import UserError
from harness.exports import optuna_storage
from harness.exports.formats import FORMATS
from harness.placement import required_libraries
from harness.prices import Prices
from tests.analysis.conftest import Made
from tests.exports.conftest import Written, exported


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_there_already_is_left_and_said(write: Written, name: str) -> None:
    there = write.folder / "there"
    there.write_text("mine")

    with pytest.raises(UserError, match="there: is there already; move it away, or name another with --output"):
        write(name, "there")
    assert there.read_text() == "mine"


def test_an_unknown_format_is_an_error_that_lists_those_that_are_there(write: Written) -> None:
    with pytest.raises(UserError, match=r"'optunna': no such format; give one of optuna, tensorboard, keras-tuner"):
        write("optunna", "there")


def test_a_package_that_lacks_is_an_error_that_says_how_to_get_it(
    write: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(required_libraries, "is_installed", lambda module: module != "tensorboard")

    with pytest.raises(UserError, match=r"needs tensorboard, which this Python lacks; pip install 'tuner-harness\["):
        write("tensorboard", "there")


def test_an_export_that_breaks_leaves_nothing(write: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaking(path: Path, *_: object) -> None:
        path.write_text("half")
        raise OSError(28, "no space left on device")

    monkeypatch.setattr(optuna_storage, "write", breaking)

    with pytest.raises(OSError, match="no space left"):
        write("optuna", "runs.db")
    assert [path.name for path in write.folder.iterdir()] == ["results"]


def test_a_folder_that_can_not_be_is_an_error_with_the_way_out(write: Written) -> None:
    (write.folder / "file").write_text("")

    with pytest.raises(UserError, match="can't be made"):
        write("parquet", "file/there")


def test_each_search_has_a_folder_of_its_own(made: Made, price_list: Prices) -> None:
    made.plan("a b", 1)
    made.plan("a/b", 1)

    first, second = exported(made.results(), price_list, Path()).searches()

    assert str(first.folder) == "animals/mobile/lr/a-b/1"
    assert str(second.folder) == f"animals/mobile/lr/a-b/1-{made.planned[1].id}"


def test_a_search_goes_by_all_its_names(results: MatrixResults, price_list: Prices) -> None:
    assert next(exported(results, price_list, Path()).searches()).study == "animals/mobile/lr/tpe/1"
