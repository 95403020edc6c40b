from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from harness.compare import badge, change_points, history_page
from harness.compare.history import Night
from harness.compare.history_page import Links
from harness.compare.verdict import RunComparison, RunVerdict
from tests.compare.test_change_points import nights, noisy


@pytest.fixture
def stepped() -> list[Night]:
    found = nights(noisy([1.0] * 20 + [1.1] * 20, 0.005))
    return [night.model_copy(update={"commit": f"{n:040x}", "run": f"nights/{n}"}) for n, night in enumerate(found)]


@pytest.fixture
def links(tmp_path: Path) -> Links:
    return Links(history=tmp_path / "h.jsonl", page=tmp_path / "out" / "h.html", commit_url="https://host/c/{commit}")


def drawn(found: list[Night], links: Links) -> str:
    return history_page.page(found, change_points.find(found), links)


def test_a_series_is_a_line_with_a_dot_for_each_night_and_a_mark_where_its_level_changed(
    stepped: list[Night], links: Links
) -> None:
    page = drawn(stepped, links)

    assert page.count("<polyline") == 1
    assert page.count('class="dot"') == len(stepped)
    assert page.count('class="mark"') == 1
    assert page.count('class="level"') == 2
    assert '<span class="worse">1.00 → 1.10</span>' in page
    assert "Drift over 40 nights: worse" in page


def test_a_night_leads_to_its_report_where_that_is_there_and_else_to_its_commit(
    stepped: list[Night], links: Links, tmp_path: Path
) -> None:
    (tmp_path / "nights/3").mkdir(parents=True)
    (tmp_path / "nights/3/report.html").touch()

    dots = re.findall(r'<a href="([^"]+)"><path', drawn(stepped, links))

    assert dots[3] == "../nights/3/report.html"
    assert dots[4] == f"https://host/c/{4:040x}"


def test_without_a_host_a_commit_is_words(stepped: list[Night], links: Links) -> None:
    page = drawn(stepped, replace(links, commit_url=None))

    assert "<a href" not in page
    assert f"<td>{39:040x}"[:14] in page


def test_too_few_nights_are_drawn_without_marks(links: Links) -> None:
    page = drawn(nights([1.0, 1.1, 1.0]), links)

    assert page.count('class="dot"') == 3
    assert "mark" not in page.partition("</style>")[2]
    assert "too few to say" in page


def test_nights_of_another_machine_are_left_out(links: Links) -> None:
    page = drawn([*nights([1.0] * 5, like="a"), *nights([1.0] * 3, like="b")], links)

    assert page.count('class="dot"') == 3
    assert "5 nights of other machines" in page


def test_what_others_wrote_is_text(links: Links) -> None:
    found = nights([1.0, 1.2])
    found = [
        night.model_copy(update={"values": {"epoch": {"<script>x": n + 1.0}}, "commit": '"><b>'})
        for n, night in enumerate(found)
    ]

    page = drawn(found, links)

    assert "<script" not in page
    assert "<b>" not in page


@pytest.mark.parametrize(("verdict", "colour"), [(RunVerdict.NO_WORSE, "brightgreen"), (RunVerdict.WORSE, "red")])
def test_a_badge_has_the_verdict_and_its_colour(verdict: RunVerdict, colour: str) -> None:
    told = badge.of_comparison(RunComparison(verdict=verdict, reasons=()))

    assert told == {"schemaVersion": 1, "label": "tuners", "message": verdict.value, "color": colour}


def test_a_badge_of_a_history_says_how_many_nights_it_rests_on(stepped: list[Night]) -> None:
    assert badge.of_drift(change_points.find(stepped))["message"] == "worse in 40 nights"
    assert badge.of_drift(change_points.find(stepped[:20]))["message"] == "20 nights, too few to say"
