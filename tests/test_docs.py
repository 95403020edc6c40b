"""README, docs and the other pages: links lead somewhere, and commands, options, make targets and files exist."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from harness import matrix
from harness.cli.commands import harness
from harness.plots.all_plots import NAMES
from harness.reports.all_tables import REPORTS

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = [README, *sorted({*ROOT.glob("*.md")} - {README}), *sorted((ROOT / "docs").rglob("*.md"))]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
COMMANDS = ("harness", ".venv/bin/harness")

BLOCK = re.compile(r"^```\w*\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
MATRIX = re.compile(r"^```toml\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", flags=re.MULTILINE)
OPTION = re.compile(r"--?[a-z][a-z-]*")
FILE = re.compile(r"(harness|tests|benchmarks|docs|docker|requirements|\.ci|\.github)/[\w./-]+")
ASSIGNMENT = re.compile(r"[A-Z_]+=\S*")

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


def prose(text: str) -> str:
    return BLOCK.sub("", text)


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives a page's headings."""
    headings = HEADING.findall(prose(page.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def leads_somewhere(link: str, page: Path) -> bool:
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page
    return target.exists() and (not anchor or anchor in anchors(target))


def code_lines(text: str) -> Iterator[str]:
    """Each line of a block and each span between backticks; what a line continues is joined, comments are left out."""
    for block in BLOCK.findall(text):
        yield from block.replace("\\\n", " ").splitlines()
    yield from (span.replace("\n", " ").replace("\\|", "") for span in SPAN.findall(prose(text)))


def words_of(line: str) -> list[str]:
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        # An apostrophe or a quote that is not a shell's.
        words = line.split()
    while words and ASSIGNMENT.fullmatch(words[0]):
        words = words[1:]
    return words


def options_of(command: click.Command) -> set[str]:
    own = {option for param in command.params if isinstance(param, click.Option) for option in param.opts}
    return own | {"-h", "--help"}


def every_option(command: click.Command) -> set[str]:
    nested = command.commands.values() if isinstance(command, click.Group) else ()
    return options_of(command).union(*map(every_option, nested))


def mistakes(words: list[str]) -> list[str]:
    """What the command line wouldn't know of ``words``, which begin with the harness's name."""
    command: click.Command = harness
    for place, word in enumerate(words[1:], start=1):
        if not isinstance(command, click.Group):
            return [word for word in words[place:] if OPTION.fullmatch(word) and word not in options_of(command)]
        if word in command.commands:
            command = command.commands[word]
        elif not (word.startswith("-") and word in options_of(command)):
            return [word]
    return []


def unknown_in(line: str) -> list[str]:
    words = words_of(line)
    if words and words[0] in COMMANDS:
        return mistakes(words)
    if words and OPTION.fullmatch(words[0]):
        return [] if words[0] in every_option(harness) else [words[0]]
    if words and words[0] == "make":
        goals = [word for word in words[1:] if not ASSIGNMENT.fullmatch(word)]
        return [word for word in goals if word not in TARGETS]
    return []


def files_in(line: str) -> list[str]:
    return [word for word in words_of(line) if FILE.fullmatch(word)]


@pages
def test_links_lead_somewhere(page: Path) -> None:
    links = [link for link in LINK.findall(prose(page.read_text())) if "://" not in link]

    assert [link for link in links if not leads_somewhere(link, page)] == []


@pages
def test_commands_options_and_make_targets_exist(page: Path) -> None:
    unknown = {line: found for line in code_lines(page.read_text()) if (found := unknown_in(line))}

    assert unknown == {}


@pages
def test_files_that_are_named_exist(page: Path) -> None:
    named = {name for line in code_lines(page.read_text()) for name in files_in(line)}

    assert sorted(name for name in named if not (ROOT / name).exists()) == []


@pages
def test_matrices_that_are_shown_can_be_loaded(page: Path, tmp_path: Path) -> None:
    for number, shown in enumerate(MATRIX.findall(page.read_text())):
        path = tmp_path / f"{page.stem}-{number}.toml"
        path.write_text(shown)

        assert matrix.load(path).spec.tuners


def test_every_page_is_linked_from_another() -> None:
    linked = {
        (page.parent / link.partition("#")[0]).resolve()
        for page in PAGES
        for link in LINK.findall(page.read_text())
        if link.partition("#")[0]
    }

    assert [page.name for page in PAGES[1:] if page not in linked] == []


def test_a_page_shows_every_command() -> None:
    lines = list(code_lines((ROOT / "docs/commands.md").read_text()))
    shown = {words[1] for line in lines if len(words := words_of(line)) > 1 and words[0] in COMMANDS}

    assert shown >= set(harness.commands)


def test_every_table_has_a_section_and_every_picture_a_row() -> None:
    tables = HEADING.findall((ROOT / "docs/tables.md").read_text())
    rows = [row.split("|")[1] for row in (ROOT / "docs/plots.md").read_text().splitlines() if row.startswith("| `")]

    assert set(tables) >= set(REPORTS)
    assert sorted(name for row in rows for name in SPAN.findall(row)) == sorted(NAMES)


def test_the_table_of_layers_is_what_the_import_contracts_say() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = [layer.split(" | ") for layer in contracts[0]["layers"]]
    section = (ROOT / "docs/design.md").read_text().partition("## Layers")[2].partition("\n## ")[0]
    rows = [row.split("|")[2] for row in section.splitlines() if row.startswith("| ") and "`" in row]

    told = [name for row in rows for name in SPAN.findall(row)]

    assert sorted(told) == sorted(name for layer in layers for name in layer)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("harness run MATRIX --at-once 4  # comment", []),
        ("harness run MATRIX --sideways", ["--sideways"]),
        ("harness fly", ["fly"]),
        ("harness images build --base NAME", []),
        ("harness images paint", ["paint"]),
        ("--from-nothing", []),
        ("--from-everything", ["--from-everything"]),
        ("MATRIX=path make bench", []),
        ("make nightly-baseline NIGHT=2026-11-24", []),
        ("make tea", ["tea"]),
    ],
)
def test_a_line_is_looked_at_as_a_shell_would(line: str, found: list[str]) -> None:
    assert unknown_in(line) == found


def test_links_and_anchors_that_lead_nowhere_are_seen() -> None:
    assert leads_somewhere("docs/design.md#several-cells-at-once", README)
    assert not leads_somewhere("docs/design.md#no-such-heading", README)
    assert not leads_somewhere("docs/nowhere.md", README)
