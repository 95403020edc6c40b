"""The page as a person meets it: in a real browser, by mouse, by keyboard, on a phone, in the dark, on paper."""

from __future__ import annotations

import io
import os
import random
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from harness.reports import numerals
from tests.page.conftest import CHECK, NASTY

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.browser

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_DESKTOP = {"width": 1280, "height": 900}
_PHONE = {"width": 390, "height": 844}

# The least contrast of any text with what is behind it: WCAG 2.2, 1.4.3.
_WORST_CONTRAST = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const linear = (part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = parse(getComputedStyle(one).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  let worst = { contrast: Infinity, text: "", seen: 0 };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let seen = 0;
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const isShown = element.checkVisibility() && !element.closest("script, option, label:has(:disabled)");
    if (!isShown || walker.currentNode.data.trim() === "") continue;
    seen += 1;
    const style = getComputedStyle(element);
    const ink = parse(element instanceof SVGElement ? style.fill : style.color);
    const [dark, light] = [luminance(ink), luminance(behind(element))].sort((a, b) => a - b);
    const contrast = (light + 0.05) / (dark + 0.05);
    if (contrast < worst.contrast) worst = { contrast, text: walker.currentNode.data };
  }
  return { ...worst, seen };
}"""


@dataclass(slots=True, kw_only=True)
class Heard:
    """What a page said to its console and asked of a network."""

    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


def _without_browser(reason: str) -> None:
    if os.environ.get("HARNESS_TESTS_NEED_BROWSER"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        _without_browser(f"no browser: none of {', '.join(_NAMES)} is on the path")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only where there is a browser

    with sync_playwright() as driver:
        # Chromium's sandbox refuses to run as root.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        launched = driver.chromium.launch(executable_path=found, args=arguments)
        yield launched
        launched.close()


def opened(
    browser: Browser, path: Path, *, size: dict[str, int] | None = None, heard: Heard | None = None, **options: Any
) -> Page:
    page = browser.new_page(viewport=size or _DESKTOP, **options)  # type: ignore[arg-type] # playwright's own TypedDict
    page.set_default_timeout(10_000)
    if heard is not None:
        page.on("console", lambda message: heard.console.append(message.text))
        page.on("pageerror", lambda error: heard.console.append(str(error)))
        page.on("request", lambda request: heard.requests.append(request.url))
    page.goto(path.as_uri())
    return page


@pytest.fixture
def desktop(browser: Browser, awkward: Path) -> Iterator[Page]:
    page = opened(browser, awkward)
    yield page
    page.close()


def column(page: Page, table: str, label: str) -> list[str]:
    """Return the texts of a column's shown cells."""
    heads = page.locator(f"#{table} > thead th").all_inner_texts()
    place = [head.strip() for head in heads].index(label) + 1
    found = page.locator(f"#{table} > tbody > tr[data-tuner]:not([hidden]) > :nth-child({place})")
    return [text.strip() for text in found.all_inner_texts()]


def press(page: Page, table: str, label: str) -> None:
    page.locator(f"#{table} > thead").get_by_role("button", name=label, exact=True).click()


def test_nothing_is_asked_of_a_network_and_the_console_stays_silent(browser: Browser, awkward: Path) -> None:
    heard = Heard()
    page = opened(browser, awkward, heard=heard)
    page.locator("#searches-table .more").first.click()
    page.locator("#controls").get_by_label("test F1").check()
    page.wait_for_timeout(200)
    page.close()
    assert heard.console == []
    assert [url for url in heard.requests if not url.startswith("data:")] == [awkward.as_uri()]


def test_a_script_that_got_in_would_not_run(desktop: Page) -> None:
    desktop.evaluate(
        "() => { const got = document.createElement('script');"
        " got.textContent = 'window.got = 1'; document.body.append(got); }"
    )
    assert desktop.evaluate("window.got") is None


def test_markup_in_names_is_text(desktop: Page) -> None:
    assert desktop.locator("b").count() == 0
    assert any('</script><b onclick="x' in name for name in column(desktop, "tuners-table", "tuner"))


def test_a_column_is_sorted_up_then_down_then_as_the_matrix_has_it(desktop: Page) -> None:
    before = column(desktop, "tuners-table", "search s")
    press(desktop, "tuners-table", "search s")
    up = column(desktop, "tuners-table", "search s")
    press(desktop, "tuners-table", "search s")
    down = column(desktop, "tuners-table", "search s")
    press(desktop, "tuners-table", "search s")
    numbers = sorted(float(text) for text in before if text != numerals.UNKNOWN)
    assert [float(text) for text in up if text != numerals.UNKNOWN] == numbers
    assert [float(text) for text in down if text != numerals.UNKNOWN] == numbers[::-1]
    assert up[-1] == down[-1] == numerals.UNKNOWN
    assert column(desktop, "tuners-table", "search s") == before != up


def test_the_sorted_column_is_told_to_those_who_cannot_see_it(desktop: Page) -> None:
    press(desktop, "searches-table", "seeds")
    assert desktop.locator("#searches-table th[aria-sort]").count() == 1
    assert desktop.locator("#searches-table th[aria-sort]").get_attribute("aria-sort") == "ascending"


def test_what_was_never_reached_is_sorted_after_every_time(desktop: Page) -> None:
    press(desktop, "tuners-table", "to target")
    texts = column(desktop, "tuners-table", "to target")
    known = [text for text in texts if text != numerals.UNKNOWN]
    assert [text.startswith("never") for text in known] == sorted(text.startswith("never") for text in known)
    assert any(text.startswith("never") for text in known)


def test_filters_narrow_tables_summary_and_curves_together(desktop: Page) -> None:
    desktop.locator("#filters select[name=tuner]").select_option(label="optuna-tpe")
    assert set(column(desktop, "tuners-table", "tuner")) == {"optuna-tpe"}
    assert len(column(desktop, "searches-table", "tuner")) == 2
    assert desktop.locator("#legend tbody tr").count() == 1
    desktop.locator("#filters select[name=dataset]").select_option(label="animals")
    assert len(column(desktop, "searches-table", "tuner")) == 1
    assert desktop.locator(".groups > section[data-dataset]:visible").count() == 1
    assert desktop.locator("#filters output").inner_text() == "1 of 7 rows of tuners, 4 of 16 searches shown"


def test_a_chosen_tuner_leaves_the_summary_whole_and_the_page_says_so(desktop: Page) -> None:
    sentences = desktop.locator("#summary .groups")
    before = sentences.inner_text()
    note = desktop.get_by_text("The answer and its sentences compare all tuners, whichever is chosen here.")
    noted = [note.is_visible()]
    desktop.locator("#filters select[name=tuner]").select_option(label="kt-random")
    noted.append(note.is_visible())
    assert sentences.inner_text() == before
    desktop.get_by_role("button", name="Show all").click()
    note.wait_for(state="hidden")
    assert noted == [False, True]


def test_a_state_narrows_the_searches_alone(desktop: Page) -> None:
    desktop.locator("#filters select[name=status]").select_option(label="failed")
    assert desktop.locator("#filters output").inner_text() == "7 of 7 rows of tuners, 1 of 16 searches shown"
    assert desktop.locator("#legend tbody tr").count() == 5
    assert column(desktop, "problems-table", "state") == ["failed"]


def test_no_choice_of_a_tuner_empties_the_table_of_tuners(browser: Browser, retrained: Path) -> None:
    page = opened(browser, retrained)
    choices = page.locator("#filters select[name=tuner] option").all_inner_texts()
    listed = page.locator(f"#searches-table tr[data-tuner='{CHECK}']:visible").count()
    page.close()
    assert choices == ["all", "kt-random", "kt-bayesian"]
    assert listed == 1


def test_searches_and_retrainings_are_counted_apart_and_alike_everywhere(browser: Browser, retrained: Path) -> None:
    page = opened(browser, retrained)
    said = page.locator("#filters output")
    assert page.locator(".lead").inner_text() == ("4 searches: 4 ok; 2 retrainings: 1 ok, 1 failed; run on 2026-01-01.")
    assert said.inner_text() == "2 of 2 rows of tuners, 4 of 4 searches and 2 of 2 retrainings shown"
    page.locator("#filters select[name=status]").select_option(label="failed")
    assert said.inner_text() == "2 of 2 rows of tuners, 0 of 4 searches and 1 of 2 retrainings shown"
    page.close()


def _spend(page: Page, budget: int) -> None:
    """Move the slider to so many steps from its left end."""
    page.locator("#budget-at").fill(str(budget))


def test_the_slider_asks_who_stands_where_by_then(desktop: Page) -> None:
    row = desktop.locator("#forest-1 tr[data-name=kt-bayesian]")
    whole = row.locator(".gain .told").inner_text()
    _spend(desktop, 0)
    said = desktop.locator("#budget output")
    assert said.inner_text().startswith("after ")
    assert row.locator(".gain .told").inner_text() == "no model yet"
    assert row.locator(".chance").inner_text() == numerals.UNKNOWN
    _spend(desktop, int(desktop.locator("#budget-at").get_attribute("max") or 0))
    assert said.inner_text().startswith("whole searches")
    assert row.locator(".gain .told").inner_text() == whole


def test_a_budget_in_epochs_gives_costs_in_epochs(desktop: Page) -> None:
    desktop.locator("#budget").get_by_label("epochs").check()
    assert desktop.locator("#forest-1 th.cost").inner_text() == "epochs"
    assert desktop.locator("#forest-1 tr[data-name=kt-random] td.cost .told").inner_text() == "4.00"


def test_each_tuner_has_a_row_in_the_forest_of_its_group(desktop: Page) -> None:
    names = desktop.locator("#forest-1 tr[data-name]").evaluate_all("rows => rows.map((row) => row.dataset.name)")
    assert sorted(names[:2]) == ["default", "kt-random"]
    assert {"optuna-tpe", "kt-bayesian"} <= set(names)


@pytest.mark.parametrize("size", [{"width": 1440, "height": 900}, {"width": 390, "height": 844}])
def test_the_first_screen_holds_the_verdict_and_a_forest(browser: Browser, awkward: Path, size: dict[str, int]) -> None:
    page = opened(browser, awkward, size=size)
    tops = page.evaluate(
        "() => ['.verdict', '.grounds', '.forest-table'].map((one) => document.querySelector(one)"
        ".getBoundingClientRect().top)"
    )
    wide = page.evaluate("() => document.documentElement.scrollWidth")
    page.close()
    assert tops == sorted(tops)
    assert tops[-1] < 0.8 * size["height"]
    assert wide <= size["width"]


def test_more_columns_are_shown_on_demand(desktop: Page) -> None:
    button = desktop.locator("button[aria-controls=tuners-table]")
    extra = desktop.locator("#tuners-table th.extra").first
    seen = [extra.is_visible()]
    button.click()
    seen.append(extra.is_visible())
    assert (seen, button.get_attribute("aria-expanded")) == ([False, True], "true")
    assert button.inner_text() == "fewer columns"


def test_a_state_narrows_the_searches_of_an_open_fold(desktop: Page) -> None:
    desktop.locator("#searches-table tr[data-tuner='optuna-tpe'] .more").first.click()
    desktop.locator("#filters select[name=status]").select_option(label="missing")
    assert desktop.locator("table.searches tbody tr:visible").count() == 1


def test_a_link_to_a_tuner_chooses_it(browser: Browser, awkward: Path) -> None:
    page = opened(browser, awkward)
    page.locator("#forest-1 a", has_text="kt-bayesian").click()
    chosen = page.locator("#filters select[name=tuner]").input_value()
    page.close()
    assert chosen == "=kt-bayesian"


def test_a_link_to_a_group_chooses_it_whatever_it_is_called(browser: Browser, awkward: Path) -> None:
    page = opened(browser, awkward)
    page.locator("#forest-2 h3 a").click()
    chosen = page.locator("#filters select[name=dataset]").input_value()
    page.close()
    assert chosen == f"={NASTY.replace(chr(0x2028), chr(92) + 'u2028')}"


def test_every_filter_is_undone_by_one_button(desktop: Page) -> None:
    desktop.locator("#filters select[name=status]").select_option(label="failed")
    assert len(column(desktop, "searches-table", "tuner")) == 1
    desktop.get_by_role("button", name="Show all").click()
    desktop.locator("#filters output").filter(has_text="16 of 16").wait_for()
    assert len(column(desktop, "searches-table", "tuner")) == 7


@pytest.mark.parametrize("axis", ["epochs", "search s", "device s", "joules", "USD per 1,000 searches"])
def test_the_cost_axis_can_be_switched(desktop: Page, axis: str) -> None:
    desktop.locator("#controls").get_by_label(axis, exact=True).check()
    assert axis in desktop.locator("#chart text").all_text_contents()
    assert desktop.locator("#cursor-at").inner_text().endswith(axis)
    assert desktop.locator("#chart .line").count() == 4
    assert float(desktop.locator("#cursor-at").inner_text().split()[0]) > 0


def test_validation_and_test_scores_have_curves_of_their_own(desktop: Page) -> None:
    first = desktop.locator("#legend tbody tr").nth(0)
    assert first.locator("td").first.inner_text() == "0.640"
    assert any(text.startswith("target") for text in desktop.locator("#chart text").all_text_contents())
    desktop.locator("#controls").get_by_label("test F1").check()
    assert first.locator("td").first.inner_text() == "0.540"
    assert not any(text.startswith("target") for text in desktop.locator("#chart text").all_text_contents())


def test_a_tuner_is_hidden_and_shown_in_the_legend(desktop: Page) -> None:
    box = desktop.locator("#legend").get_by_label("kt-bayesian")
    box.uncheck()
    assert desktop.locator("#chart .line").count() == 3
    desktop.locator("#legend").get_by_label("kt-bayesian").check()
    assert desktop.locator("#chart .line").count() == 4


def test_each_search_is_drawn_on_demand(desktop: Page) -> None:
    assert desktop.locator("#chart .thin").count() == 0
    desktop.get_by_label("each search").check()
    assert desktop.locator("#chart .thin").count() == 12


def test_pointing_into_the_curves_reads_them(desktop: Page) -> None:
    before = desktop.locator("#cursor-at").inner_text()
    desktop.locator("#chart svg").scroll_into_view_if_needed()
    frame = desktop.locator("#chart svg").bounding_box()
    assert frame is not None
    desktop.mouse.move(frame["x"] + frame["width"] * 0.4, frame["y"] + 50)
    assert desktop.locator("#cursor-at").inner_text() != before


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_reading_line_comes_with_its_first_use_and_looks_like_no_tuner(
    browser: Browser, awkward: Path, scheme: str
) -> None:
    page = opened(browser, awkward, color_scheme=scheme)
    line = page.locator("#chart .cursor")
    before = line.evaluate("(one) => one.checkVisibility()")
    page.locator("#cursor").press("PageDown")
    look = line.evaluate("(one) => [getComputedStyle(one).stroke, getComputedStyle(one).strokeDasharray]")
    after = line.evaluate("(one) => one.checkVisibility()")
    page.locator("#controls").get_by_label("test F1").check()
    redrawn = line.evaluate("(one) => one.checkVisibility()")
    page.close()
    channels = [int(part) for part in re.findall(r"\d+", look[0])]
    assert (before, after, redrawn) == (False, True, True)
    assert max(channels) - min(channels) < 32, look
    assert look[1] != "none"


def test_pointing_shows_the_reading_line_where_the_pointer_is(desktop: Page) -> None:
    desktop.locator("#chart svg").scroll_into_view_if_needed()
    frame = desktop.locator("#chart svg").bounding_box()
    assert frame is not None
    across = frame["x"] + frame["width"] * 0.4
    desktop.mouse.move(across, frame["y"] + 50)
    line = desktop.locator("#chart .cursor").evaluate("(one) => one.getBoundingClientRect().x")
    assert line == pytest.approx(across, abs=1.5)


def test_the_curves_are_read_at_whole_epochs_up_to_the_last(desktop: Page) -> None:
    desktop.locator("#controls").get_by_label("epochs", exact=True).check()
    random_score = desktop.locator("#legend tbody tr").nth(0).locator("td").first
    assert (desktop.locator("#cursor-at").inner_text(), random_score.inner_text()) == ("4 epochs", "0.640")
    desktop.locator("#cursor").fill("900")
    assert desktop.locator("#cursor-at").inner_text() == "3 epochs"
    # Half of the orders of its two trials have come to 0.64 by then, the others are at 0.5.
    assert 0.5 < float(random_score.inner_text()) < 0.64


def test_before_its_first_score_a_tuner_has_none(desktop: Page) -> None:
    desktop.locator("#cursor").fill("0")
    assert numerals.UNKNOWN in desktop.locator("#legend tbody td:first-of-type").all_inner_texts()


def test_failed_and_missing_cells_are_listed_with_their_reasons(desktop: Page) -> None:
    assert column(desktop, "problems-table", "reason") == ["crash: <script>alert(1)</script>", "no GPU & no hope"]
    assert column(desktop, "problems-table", "state") == ["failed", "missing"]


def test_a_failed_cell_leads_to_its_log_and_says_what_was_cut(desktop: Page) -> None:
    desktop.locator("#problems-table a").first.click()
    detail = desktop.locator(".detail")
    detail.get_by_text("No trial is recorded").wait_for()
    assert desktop.evaluate("document.activeElement.className") == "more"
    detail.locator("summary").click()
    assert detail.locator("pre").inner_text().endswith("Traceback </pre> the end")
    assert "bytes before them are left out" in detail.locator("summary").inner_text()


def test_trials_are_shown_on_demand_and_put_away_again(desktop: Page) -> None:
    fold = desktop.locator("#searches-table tr[data-tuner='optuna-tpe'] .more").first
    fold.click()
    assert desktop.locator("table.searches tbody tr").count() == 4
    button = desktop.locator("table.searches .more").first
    button.click()
    assert button.get_attribute("aria-expanded") == "true"
    assert desktop.locator(".detail .detail tbody tr").count() == 2
    assert desktop.locator(".detail tbody").get_by_text("diverged: loss <NaN>").is_visible()
    button.click()
    assert desktop.locator(".detail .detail").count() == 0
    fold.click()
    assert desktop.locator(".detail").count() == 0


def test_sorting_keeps_trials_beneath_their_search(desktop: Page) -> None:
    desktop.locator("#searches-table .more").nth(3).click()
    owner = desktop.evaluate("document.querySelector('tr.opened').previousElementSibling.dataset.fold")
    press(desktop, "searches-table", "search s")
    press(desktop, "searches-table", "search s")
    assert desktop.evaluate("document.querySelector('tr.opened').previousElementSibling.dataset.fold") == owner


def _end_of_head(page: Page, frame: Locator) -> tuple[int, ...]:
    """Return the colour at a table's right edge, beneath the texts of its head."""
    beneath = frame.locator("thead").evaluate("(head) => head.getBoundingClientRect().bottom") - 4
    box = frame.bounding_box()
    assert box is not None
    clip = {"x": box["x"] + box["width"] - 2, "y": beneath, "width": 1, "height": 1}
    pixel = Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB").getpixel((0, 0))  # type: ignore[arg-type] # playwright's own TypedDict
    assert isinstance(pixel, tuple)
    return tuple(int(channel) for channel in pixel)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_table_that_goes_on_to_the_right_shows_that_it_does(browser: Browser, retrained: Path, scheme: str) -> None:
    page = opened(browser, retrained, size=_PHONE, color_scheme=scheme)
    frame = page.locator(".frame:has(#tuners-table)")
    frame.scroll_into_view_if_needed()
    before = _end_of_head(page, frame)
    frame.evaluate("(one) => one.scrollTo(one.scrollWidth, 0)")
    at_the_end = _end_of_head(page, frame)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    page.close()
    assert at_the_end == tuple(ground)
    assert max(abs(one - other) for one, other in zip(before, at_the_end, strict=True)) > 20


def test_tuners_of_one_colour_are_told_apart_in_their_table_as_in_the_curves(desktop: Page) -> None:
    looks = {
        table: {
            tuner: desktop.locator(f"#{table} tr[{key}='{tuner}'] svg").first.evaluate("(one) => one.outerHTML")
            for tuner in ("default", "kt-random")
        }
        for table, key in (("tuners-table", "data-tuner"), ("legend", "data-name"))
    }
    assert looks["tuners-table"] == looks["legend"]
    assert re.sub(r"tuner-\d", "", looks["legend"]["default"]) != re.sub(r"tuner-\d", "", looks["legend"]["kt-random"])


def test_on_a_phone_the_curves_keep_their_boxes_and_labels_whole(browser: Browser, awkward: Path) -> None:
    page = opened(browser, awkward, size=_PHONE)
    boxes = page.locator("#legend input").evaluate_all("(all) => all.map((one) => one.getBoundingClientRect().width)")
    halo = page.locator("#chart text").first.evaluate(
        "(one) => [getComputedStyle(one).paintOrder, getComputedStyle(one).stroke]"
    )
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.close()
    assert len(boxes) == 5
    assert len(set(boxes)) == 1
    assert halo == ["stroke", ground]


def test_everything_that_can_be_used_is_reached_by_tab_and_shows_that_it_is(desktop: Page) -> None:
    usable = "a[href], button, select, input[type=checkbox], input[type=range], summary, .frame"
    shown = f"[...document.querySelectorAll(`{usable}`)].filter((one) => one.checkVisibility())"
    wanted = desktop.evaluate(f"{shown}.map((one, number) => (one.dataset.n = number)).length")
    reached = set()
    for _ in range(wanted + 20):
        desktop.keyboard.press("Tab")
        focused = desktop.evaluate(
            "[document.activeElement.dataset.n, getComputedStyle(document.activeElement).outlineStyle]"
        )
        if focused[0] is not None:
            reached.add(int(focused[0]))
            assert focused[1] != "none"
    assert reached == set(range(wanted))


def test_the_first_tab_skips_to_the_results(desktop: Page) -> None:
    desktop.keyboard.press("Tab")
    assert desktop.evaluate("document.activeElement.textContent") == "Skip to the results"
    desktop.keyboard.press("Enter")
    assert desktop.evaluate("document.activeElement.id") == "main"


def test_sorting_opening_and_reading_work_by_keyboard_alone(desktop: Page) -> None:
    desktop.locator("#tuners-table thead button").nth(4).focus()
    desktop.keyboard.press("Enter")
    assert desktop.locator("#tuners-table th[aria-sort]").count() == 1
    desktop.locator("#searches-table .more").first.focus()
    desktop.keyboard.press("Enter")
    assert desktop.locator(".detail").count() == 1
    desktop.locator("#cursor").focus()
    before = desktop.locator("#cursor").get_attribute("aria-valuetext")
    desktop.keyboard.press("PageDown")
    assert desktop.locator("#cursor").get_attribute("aria-valuetext") != before


@pytest.mark.parametrize("size", [_PHONE, _DESKTOP], ids=["phone", "desktop"])
def test_only_tables_scroll_sideways(browser: Browser, awkward: Path, size: dict[str, int]) -> None:
    page = opened(browser, awkward, size=size)
    page.locator("#searches-table .more").first.click()
    for fold in page.locator("details").all():
        fold.evaluate("(one) => { one.open = true; }")
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert page.locator(".detail").evaluate("(one) => one.getBoundingClientRect().width") <= size["width"]
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_light_and_in_dark(browser: Browser, awkward: Path, scheme: str) -> None:
    page = opened(browser, awkward, color_scheme=scheme)
    page.locator("#problems-table a").first.click()
    for fold in page.locator("details").all():
        fold.evaluate("(one) => { one.open = true; }")
    worst = page.evaluate(_WORST_CONTRAST)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.close()
    assert worst["seen"] > 200
    assert worst["contrast"] >= 4.5, worst
    assert (ground == "rgb(255, 255, 255)") == (scheme == "light")


def test_on_paper_there_are_no_controls_and_nothing_is_folded(desktop: Page) -> None:
    desktop.emulate_media(media="print", color_scheme="dark")
    desktop.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert not desktop.locator("#filters").is_visible()
    assert not desktop.locator("nav").is_visible()
    assert desktop.locator("#drawn").inner_text() == "Mean validation F1 over search s: animals, mobile, lr"
    assert desktop.locator("main > section > details:not([open])").count() == 0
    assert desktop.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_without_scripts_the_tables_and_reasons_are_there(browser: Browser, awkward: Path) -> None:
    page = opened(browser, awkward, java_script_enabled=False)
    assert page.locator("#tuners-table tbody tr").count() == 7
    assert page.locator("#problems-table").get_by_text("no GPU & no hope").is_visible()
    assert page.get_by_text("need JavaScript").is_visible()
    assert not page.locator("#curves").is_visible()
    page.close()


def test_the_script_writes_numbers_as_the_tables_do(desktop: Page) -> None:
    drawn = random.Random(7)  # noqa: S311 - no secret
    numbers = [0.0, 1.0, 10.0, 999.4, 999.6, 1000.0, 1e-4, 9.999e-5, 1e6, 999_999.0, 0.1 + 0.2, 5e-324, 1.7e308]
    numbers += [10 ** drawn.uniform(-9, 9) for _ in range(500)]
    source = resources.files("harness.page").joinpath("assets", "numbers.js").read_text("utf-8")
    written = desktop.evaluate(f"(numbers) => {{ {source}; return numbers.map(cost); }}", numbers)
    assert written == [numerals.number(number) for number in numbers]


def test_tables_of_text_are_sorted_by_the_numbers_in_it(desktop: Page) -> None:
    source = resources.files("harness.page").joinpath("assets", "numbers.js").read_text("utf-8")
    texts = ["0.843 [0.830, 0.856]", "+0.5 (1 seed)", "-3", "1.20e-05", "< 0.001", "never, 1/3", "∞", numerals.UNKNOWN]
    keys = "texts.map((text) => String(sortKey({ dataset: {}, textContent: text })))"
    found = desktop.evaluate(f"(texts) => {{ {source}; return {keys}; }}", texts)
    assert found == ["0.843", "0.5", "-3", "0.000012", "0.001", "Infinity", "Infinity", "null"]


def test_a_tuner_that_never_got_there_is_no_fast_one(desktop: Page) -> None:
    source = resources.files("harness.page").joinpath("assets", "numbers.js").read_text("utf-8")
    never = "{ dataset: {}, textContent: 'never [0, ∞]' }"
    assert desktop.evaluate(f"() => {{ {source}; return sortKey({never}, 'speed-up'); }}") == 0
