from __future__ import annotations

import json
import re
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness import carbon, page, reports
from harness.page import curve_data, search_rows
from harness.page.search_rows import Room, Texts
from harness.prices import Prices
from tests.page.conftest import CHECK

if TYPE_CHECKING:
    from tests.analysis.conftest import Made

_DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)
_ROOT = Path(__file__).parents[2]
_VOID = {"meta", "link", "input", "br", "hr", "img"}


class Nesting(HTMLParser):
    """Fails at a tag that closes another than the last that was opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "action", "data", "srcset")]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def data_of(path: Path) -> dict[str, Any]:
    found = _DATA.search(path.read_text("utf-8"))
    assert found is not None
    return dict(json.loads(found.group(1)))


def details_of(path: Path) -> list[dict[str, Any]]:
    """Return what is told of each cell, with its texts in place of their numbers."""
    told = data_of(path)["searches"]
    texts = told["texts"]
    return [
        {
            **cell,
            "facts": [
                [texts[term], texts[text]] for term, text in zip(cell["facts"][::2], cell["facts"][1::2], strict=True)
            ],
            "outcomes": [texts[trial[2]] for trial in cell["trials"]],
        }
        for cell in told["details"].values()
    ]


def written(made: Made, price_list: Prices, matrix_text: str | None = None) -> Path:
    results = made.results()
    tables = reports.made(results, prices=price_list, carbon=carbon.load())
    return page.write(made.folder, results, reports=tables, prices=price_list, matrix_text=matrix_text)


def test_every_tag_is_closed_whatever_names_hold(awkward: Path) -> None:
    nesting = Nesting()
    nesting.feed(awkward.read_text("utf-8"))
    assert nesting.open == []


def test_the_page_refers_to_nothing_outside_itself(awkward: Path) -> None:
    nesting = Nesting()
    nesting.feed(awkward.read_text("utf-8"))
    assert nesting.addresses
    assert all(address.startswith("#") or address == "data:," for address in nesting.addresses)


def test_deleted_pages_are_made_again_to_the_byte(made: Made, price_list: Prices) -> None:
    for seed in range(3):
        made.search([made.trial(0, 0.1 * seed, 0.3), made.trial(1, 0.7 / (seed + 1))], seed=seed)
    first = written(made, price_list).read_bytes()
    (made.folder.path / "report.html").unlink()
    assert written(made, price_list).read_bytes() == first


def test_a_plan_without_any_record_is_a_page(made: Made, price_list: Prices) -> None:
    made.plan()
    text = written(made, price_list).read_text("utf-8")
    assert "not run yet" in text
    assert "no search has ended well" in text


def test_an_empty_plan_is_a_page(made: Made, price_list: Prices) -> None:
    assert "no search was planned" in written(made, price_list).read_text("utf-8")


def test_the_matrix_is_shown_where_it_is_at_hand(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)])
    assert "seeds = [&quot;x&quot;]" in written(made, price_list, 'seeds = ["x"]').read_text("utf-8")
    assert "not at hand" in written(made, price_list).read_text("utf-8")


def test_no_path_of_this_machine_stands_on_the_page(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)])
    assert str(made.folder.path) not in written(made, price_list).read_text("utf-8")


def test_failed_and_missing_cells_stand_with_their_reasons(awkward: Path) -> None:
    text = awkward.read_text("utf-8")
    problems = text[text.index('id="problems-table"') : text.index('id="searches"')]
    assert "crash: &lt;script&gt;alert(1)&lt;/script&gt;" in problems
    assert "no GPU &amp; no hope" in problems
    assert problems.count("<tr data-") == 2


def test_curves_hold_the_mean_over_seeds_and_its_interval(awkward: Path) -> None:
    group = data_of(awkward)["groups"][0]
    random = next(tuner for tuner in group["tuners"] if tuner["name"] == "kt-random")
    cost, mean, low, high = random["bands"]["epochs"]["val_score"][-1]
    assert (cost, mean) == (4, 0.64)
    assert 0 < low < mean < high
    assert random["bands"]["epochs"]["test_score"][-1][1] == pytest.approx(0.54)


def test_one_seed_has_a_curve_and_no_interval(awkward: Path) -> None:
    group = data_of(awkward)["groups"][1]
    assert all(
        point[2:] == [None, None] for tuner in group["tuners"] for point in tuner["bands"]["wall_s"]["val_score"]
    )


def test_dollars_follow_wall_seconds(awkward: Path, price_list: Prices) -> None:
    lines = data_of(awkward)["groups"][0]["tuners"][0]["lines"]
    assert price_list.cpu is not None
    # Of a thousand searches, as one costs less than a cent.
    per_second = 1000 * price_list.cpu.usd_per_hour * 2 / 3600
    in_seconds, in_dollars = (lines[axis]["val_score"][0] for axis in ("wall_s", "cost_usd"))
    assert [cost for cost, _ in in_dollars] == pytest.approx([cost * per_second for cost, _ in in_seconds], rel=1e-3)


def test_a_search_is_drawn_to_the_end_of_what_it_spent(awkward: Path) -> None:
    random, tpe = (tuner["lines"]["epochs"]["val_score"][0] for tuner in data_of(awkward)["groups"][0]["tuners"][:2])
    assert tpe == [[1, 0.3], [2, 0.62], [2, 0.62]]
    # Random search begins at its mean over the orders of its trials, 0.2 first or 0.5, and ends where it ended.
    assert 0.2 < random[0][1] < 0.5
    assert random[-2:] == [[4, 0.62], [4, 0.62]]


def test_trials_hold_what_became_of_them(awkward: Path) -> None:
    cells = details_of(awkward)
    tpe = next(cell for cell in cells if ["trials by outcome", "1 completed, 1 diverged"] in cell["facts"])
    assert tpe["outcomes"][1] == "diverged: loss <NaN>"
    assert tpe["best"] == 0


def test_logs_are_cut_at_their_start_and_say_so(awkward: Path) -> None:
    cell = next(cell for cell in details_of(awkward) if cell["log"] is not None)
    assert cell["log"].endswith("Traceback </pre> the end")
    assert cell["log_left_out_bytes"] > 100_000
    assert len(cell["log"]) <= 2**14


def test_trials_beyond_the_room_are_counted_and_the_best_is_kept(made: Made) -> None:
    made.search([made.trial(number, 0.9 if number == 25 else 0.5) for number in range(30)])
    details = search_rows.details(
        made.results().cells[0], made.folder, room=Room(trials=10, log_bytes=512), score="F1", texts=Texts()
    )
    found = json.loads(json.dumps(details))
    assert [trial[0] for trial in found["trials"]] == [*range(10), 25]
    assert found["trials_left_out"] == 19


def test_a_larger_matrix_leaves_less_room_for_each_cell_but_some() -> None:
    rooms = [Room.among(cells) for cells in (0, 1, 1000, 10_000_000)]
    assert rooms[0] == rooms[1]
    assert rooms[1].trials > rooms[2].trials > rooms[3].trials > 0
    assert rooms[1].log_bytes > rooms[2].log_bytes > rooms[3].log_bytes > 0


def test_every_asset_is_shipped_in_a_wheel() -> None:
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text("utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["harness"]
    shipped = {path for pattern in patterns for path in (_ROOT / "harness").glob(pattern)}
    assets = set((_ROOT / "harness" / "page" / "assets").iterdir())
    assert _ROOT / "harness" / "page" / "assets" / "page.html" in assets
    assert assets <= shipped


def test_where_all_ended_well_searches_and_retrainings_are_told_apart(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)])
    assert "None: 1 of 1 planned searches ended well." in written(made, price_list).read_text("utf-8")
    made.search([made.trial(0, 0.5)], CHECK, role="learning_rate")
    assert "None: 1 of 1 planned searches and 1 of 1 retrainings ended well." in written(made, price_list).read_text()


def test_epochs_and_trials_are_whole_numbers(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5, 0.6), made.trial(1, 0.5)])
    path = written(made, price_list)
    text = path.read_text("utf-8")
    of_tuner = re.findall(r">([^<>]*)</td>", text[text.index('<table id="tuners-table"') :].split("</tbody>")[0])
    assert of_tuner[-2] == "3"
    assert data_of(path)["searches"]["folds"][0][0][-2:] == [3, 2]


def test_texts_that_many_searches_share_stand_once(made: Made, price_list: Prices) -> None:
    for seed in range(3):
        made.search([made.trial(0, 0.5)], seed=seed)
    texts = data_of(written(made, price_list))["searches"]["texts"]
    assert len(texts) == len(set(texts))
    assert texts.count("budget: epochs") == 1


def test_of_very_many_searches_details_are_told_of_failed_ones_alone(
    made: Made, price_list: Prices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_rows, "MOST_DETAILED", 2)
    for seed in range(2):
        made.search([made.trial(0, 0.5)], seed=seed)
    failed = made.search([], seed=2, status="failed", reason="boom")
    told = data_of(written(made, price_list))["searches"]
    assert list(told["details"]) == [failed.id]
    assert (told["left_out"], len(told["folds"][0])) == (2, 3)


def test_of_many_searches_no_curve_of_one_is_kept(
    made: Made, price_list: Prices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(curve_data, "MOST_LINES", 1)
    for seed in range(2):
        made.search([made.trial(0, 0.5)], seed=seed)
    tuner = data_of(written(made, price_list))["groups"][0]["tuners"][0]
    assert (tuner["lines"]["epochs"]["val_score"], tuner["counts"]["epochs"]["val_score"]) == ([], 2)
    assert tuner["bands"]["epochs"]["val_score"] != []


def test_of_very_many_that_ended_badly_the_first_are_listed_and_the_others_counted(
    made: Made, price_list: Prices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_rows, "MOST_PROBLEMS", 2)
    for seed in range(5):
        made.plan(seed=seed)
    text = written(made, price_list).read_text("utf-8")
    assert "And 3 more: they stand among the searches below." in text


def test_a_number_and_its_unit_stay_on_one_line(awkward: Path, made: Made, price_list: Prices) -> None:
    assert "&nbsp;% of its time thinking" in awkward.read_text("utf-8")
    for seed in range(2):
        for tuner in ("a", "b"):
            made.search([made.trial(0, 0.5)], tuner, seed)
    assert "(5.00&nbsp;s a search)" in written(made, price_list).read_text("utf-8")


def test_the_page_of_a_matrix_of_accuracy_speaks_of_f1_nowhere(made: Made, price_list: Prices) -> None:
    made.by_accuracy()
    path = written(made, price_list)
    assert re.findall(r".{0,60}F1.{0,60}", path.read_text("utf-8")) == []
    assert data_of(path)["scores"] == {"val_score": "validation accuracy", "test_score": "test accuracy"}
    assert "Validation and test accuracy against cost" in path.read_text("utf-8")
