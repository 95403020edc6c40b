"""Put the site's sources together: the documentation as it stands, and reference pages made from the code.

``python website/staging.py FOLDER`` empties FOLDER and fills it. Pages of ``docs/`` keep their names. Their links to
the README and its neighbours lead to pages of the site, those to other files of the repository to copies of these.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import click

import harness
from harness import testing
from harness.cli.commands import harness as command_line
from harness.matrix import documentation_tables

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
INDEX = "index.md"
"""The front page: each of its sections is one of the side bar, with the pages that the section links, in its order."""
BESIDE = {name: f"project/{name.lower()}" for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")}
"""Pages of the repository's own folder, and where they are in the site."""
DECISIONS = "decisions/index.md"
GENERATED = {"Reference": ["reference/commands.md", "reference/python.md", "reference/schema.md"]}
"""Pages made from the code, by the section of the front page that they are added to."""

LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)")
LINKED_FOLDER = re.compile(r"\[([^\]]+)\]\(FOLDER\)")
SECTION = re.compile(r"^## (.+)$", flags=re.MULTILINE)
WIDTH = 100


def pages() -> dict[Path, str]:
    """Return each page that stands in the repository, and its name in the site."""
    documentation = {path: path.relative_to(DOCS).as_posix() for path in sorted(DOCS.rglob("*.md"))}
    return documentation | {ROOT / name: staged for name, staged in BESIDE.items()}


def stage(folder: Path) -> None:
    """Fill ``folder`` with the site's sources; what was there is deleted."""
    shutil.rmtree(folder, ignore_errors=True)
    for path, name in pages().items():
        _write(folder / name, with_links_of_the_site(path, folder))
    for path in (path for path in DOCS.rglob("*") if path.is_file() and path.suffix != ".md"):
        target = folder / path.relative_to(DOCS)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    for name, text in generated().items():
        _write(folder / name, text)
    _write(folder / INDEX, (folder / INDEX).read_text("utf-8") + "\n".join(side_bar()))


def with_links_of_the_site(page: Path, folder: Path) -> str:
    """Return a page's text, in which relative links lead from its place in the site to what they led to.

    A link to a folder, which a site has no page for, becomes its words alone.
    """
    known = pages() | {DOCS / "decisions": DECISIONS}
    here = (folder / known[page]).parent

    def moved(link: re.Match[str]) -> str:
        target = Path(os.path.normpath(page.parent / link.group()))
        if target in known:
            return os.path.relpath(folder / known[target], here)
        return "FOLDER" if target.is_dir() else os.path.relpath(target, here)

    return LINKED_FOLDER.sub(r"\1", LINK.sub(moved, page.read_text("utf-8")))


def side_bar() -> Iterator[str]:
    """Yield the front page's lists of pages in the form that Sphinx makes its side bar from, unseen on the page."""
    _, *parts = SECTION.split((DOCS / INDEX).read_text("utf-8"))
    for heading, text in zip(parts[::2], parts[1::2], strict=True):
        names = [BESIDE.get(link.removeprefix("../"), link) for link in LINK.findall(text)]
        names = [DECISIONS if name == "decisions" else name for name in names]
        yield from ("", ":::{toctree}", ":hidden:", f":caption: {heading}", "")
        yield from dict.fromkeys(names + GENERATED.get(heading, []))
        yield ":::"


def generated() -> dict[str, str]:
    """Return the pages that are made from the code, by name."""
    return {
        "reference/commands.md": commands(),
        "reference/python.md": python(),
        "reference/schema.md": schema(),
        DECISIONS: decisions(),
    }


def commands() -> str:
    """Return what each command's ``--help`` says."""
    return "\n".join(["# Commands", "", "What `--help` of each command says.", *_help(command_line, "harness")])


def _help(command: click.Command, name: str) -> Iterator[str]:
    context = click.Context(command, info_name=name, terminal_width=WIDTH, max_content_width=WIDTH)
    yield from ("", f"## {name}", "", "```text", command.get_help(context), "```")
    for nested in command.commands.values() if isinstance(command, click.Group) else ():
        yield from _help(nested, f"{name} {nested.name}")


def python() -> str:
    """Return directives for what ``harness`` and ``harness.testing`` are for, from their docstrings."""
    lines = [
        "# Python",
        "",
        "What the docstrings say; [From Python](../api.md) shows how it is used.",
        "",
        "## harness",
    ]
    for name in harness.__all__:
        thing = getattr(harness, name)
        kind = "autoclass" if isinstance(thing, type) else "autofunction" if callable(thing) else "automodule"
        target = thing.__name__ if kind == "automodule" else f"harness.{name}"
        lines += _directive(kind, target)
    lines += ["", "## harness.testing", "", "Contracts that extensions are tested by."]
    for name in (name for name in testing.__all__ if name.endswith("Contract")):
        lines += _directive("autoclass", f"harness.testing.{name}")
    return "\n".join(lines)


def _directive(kind: str, target: str) -> list[str]:
    members = [":members:"] if kind != "autofunction" else []
    return ["", "```{eval-rst}", f".. {kind}:: {target}", *(f"   {one}" for one in members), "```"]


def schema() -> str:
    """Return the tables of a matrix's keys, from its JSON schema."""
    where = "From the schema that `harness schema` prints; [The matrix file](../matrix.md) explains them."
    return f"# Keys of a matrix\n\n{where}\n" + documentation_tables.markdown().replace("\n### ", "\n## ")


def decisions() -> str:
    """Return the list of decisions."""
    names = sorted(path.stem for path in (DOCS / "decisions").glob("*.md"))
    return "\n".join(["# Decisions", "", "What was worth arguing about.", "", ":::{toctree}", *names, ":::"])


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


if __name__ == "__main__":
    stage(Path(sys.argv[1]).resolve())
