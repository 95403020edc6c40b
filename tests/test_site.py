"""The documentation's site: each page is on it, each link leads to one, and what is made from the code is complete."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

import harness
from harness.cli.commands import harness as command_line
from website import staging

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sources")
    staging.stage(folder)
    return folder


def test_the_side_bar_lists_every_page() -> None:
    listed = set(staging.side_bar())
    decisions = {name for name in staging.pages().values() if name.startswith("decisions/")}

    assert set(staging.pages().values()) - listed == decisions | {staging.INDEX}
    assert set(staging.generated()) <= listed


def test_every_decision_is_listed() -> None:
    listed = staging.decisions().splitlines()

    assert all(Path(name).stem in listed for name in staging.pages().values() if name.startswith("decisions/"))


def test_every_link_of_a_staged_page_leads_to_a_page_or_a_file(site: Path) -> None:
    links = [
        (page.relative_to(site), link)
        for page in site.rglob("*.md")
        for link in staging.LINK.findall(re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL))
        if not Path(os.path.normpath(page.parent / link)).is_file()
    ]

    assert links == []


def test_a_link_out_of_the_documentation_leads_into_the_site_or_to_the_file(site: Path) -> None:
    readme, method = ((site / page).read_text() for page in ("project/readme.md", "method.md"))

    assert "](../own-images.md)" in readme
    assert f"]({os.path.relpath(ROOT / 'tests/objectives/test_equals_stock_keras.py', site)})" in method


def test_a_link_to_a_folder_becomes_its_words(tmp_path: Path) -> None:
    text = staging.with_links_of_the_site(ROOT / "README.md", tmp_path)

    assert "](results/reference/demo/)" in (ROOT / "README.md").read_text()
    assert "[`results/reference/demo/`]" not in text
    assert "`results/reference/demo/`" in text


def test_the_reference_has_every_command_with_its_options() -> None:
    text = staging.commands()

    assert [name for name in command_line.commands if f"## harness {name}\n" not in text] == []
    assert "## harness images build\n" in text
    assert "--retry-failed" in text


def test_the_reference_has_every_public_name() -> None:
    text = staging.python()

    assert [name for name in harness.__all__ if not re.search(rf":: harness\S*\.{name}\n", text)] == []
    assert "autoclass:: harness.testing.TunerContract" in text


def test_the_reference_has_the_keys_of_a_matrix() -> None:
    assert "| `epochs_per_trial` |" in staging.schema()


def test_the_picture_of_f1_shows_what_its_counts_give() -> None:
    true = {"cat": (76, 9, 4), "dog": (9, 4, 6), "bird": (2, 0, 3)}
    f1 = {name: 2 * tp / (2 * tp + fp + fn) for name, (tp, fp, fn) in true.items()}
    sizes = {name: tp + fn for name, (tp, _, fn) in true.items()}
    picture = (ROOT / "docs/pictures/macro-f1.svg").read_text()

    assert all(f">{score:.3f}<" in picture for score in f1.values())
    assert f"macro-F1 {sum(f1.values()) / 3:.3f}" in picture
    assert f"weighted-F1 {sum(f1[name] * sizes[name] for name in f1) / 100:.3f}, accuracy 0.870" in picture
