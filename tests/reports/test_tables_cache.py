from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness import carbon, reports
from harness.prices import Prices
from harness.reports import Tables, tables_cache

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.analysis.conftest import Made

INTENSITY = carbon.load()


def key_of(made: Made, price_list: Prices, *, mix_environments: bool = False, equivalence: float = 0.01) -> str:
    return tables_cache.key(
        made.folder,
        prices=price_list,
        carbon=INTENSITY,
        mix_environments=mix_environments,
        equivalence=equivalence,
    )


def tables_of(made: Made, price_list: Prices) -> Tables:
    return reports.rendered(reports.made(made.results(), prices=price_list, carbon=INTENSITY))


def test_what_is_kept_is_what_was_made(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.2, 1 / 3)], "Bäume ☃", seed=0)
    made.search([made.trial(0)], seed=1, status="failed", reason="boom: ∞")
    tables, path = tables_of(made, price_list), made.folder.derived_tables

    tables_cache.save(path, "key", tables)

    found = tables_cache.load(path, "key")
    assert found is not None
    assert found.files == tables.files
    assert json.loads(json.dumps(asdict(found))) == json.loads(json.dumps(asdict(tables)))


def test_tables_of_an_empty_plan_are_kept_too(made: Made, price_list: Prices) -> None:
    tables = tables_of(made, price_list)
    tables_cache.save(made.folder.derived_tables, "key", tables)
    found = tables_cache.load(made.folder.derived_tables, "key")
    assert found is not None
    assert found.files == tables.files


def test_another_key_finds_nothing(made: Made, price_list: Prices) -> None:
    tables_cache.save(made.folder.derived_tables, "key", tables_of(made, price_list))
    assert tables_cache.load(made.folder.derived_tables, "another key") is None


def test_nothing_kept_is_nothing_found(tmp_path: Path) -> None:
    assert tables_cache.load(tmp_path / "no folder" / "tables", "key") is None


@pytest.mark.parametrize(
    "damage", [lambda _: b"", lambda stored: stored[:-1], lambda stored: stored[:-9] + b"damaged!!"]
)
def test_a_damaged_file_is_ignored(made: Made, price_list: Prices, damage: Callable[[bytes], bytes]) -> None:
    path = made.folder.derived_tables
    tables_cache.save(path, "key", tables_of(made, price_list))
    path.write_bytes(damage(path.read_bytes()))
    assert tables_cache.load(path, "key") is None


def test_a_disk_that_refuses_is_survived(made: Made, price_list: Prices, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    tables_cache.save(tmp_path / "file" / "tables", "key", tables_of(made, price_list))
    assert tables_cache.load(tmp_path / "file" / "tables", "key") is None


def test_the_key_stays_while_nothing_changes(made: Made, price_list: Prices) -> None:
    cell = made.search([made.trial(0, 0.2)])
    made.results()
    before = key_of(made, price_list)
    made.results()  # writes the plan again, which says the same
    made.folder.cell(cell.id).log.write_text("printed")
    assert key_of(made, price_list) == before


def test_the_key_follows_whatever_the_tables_follow_from(made: Made, price_list: Prices) -> None:
    cell = made.search([made.trial(0, 0.2)])
    made.plan(seed=1)
    made.results()
    folder = made.folder.cell(cell.id)
    keys = [key_of(made, price_list)]
    keys.append(key_of(made, price_list, mix_environments=True))
    keys.append(key_of(made, price_list, equivalence=0.02))
    keys.append(key_of(made, replace(price_list, title="another list")))
    keys.append(
        tables_cache.key(
            made.folder, prices=price_list, carbon=carbon.load(grid="france"), mix_environments=False, equivalence=0.01
        )
    )
    folder.append(made.trial(1, 0.3))
    keys.append(key_of(made, price_list))
    folder.note_attempt({"reason": "killed"})
    keys.append(key_of(made, price_list))
    (folder.path / "record.json").unlink()
    keys.append(key_of(made, price_list))
    made.folder.cell("of another plan").path.mkdir()
    keys.append(key_of(made, price_list))
    made.plan(seed=2)
    made.results()
    keys.append(key_of(made, price_list))
    assert len(set(keys)) == len(keys)


def test_a_folder_that_moved_has_another_key_because_messages_name_it(made: Made, price_list: Prices) -> None:
    made.plan()
    made.results()
    before = key_of(made, price_list)
    moved = made.folder.path.rename(made.folder.path.with_name("moved"))
    made.folder = type(made.folder)(moved)
    assert key_of(made, price_list) != before
