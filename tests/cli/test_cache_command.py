from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness import cache_inventory
from harness.cli import cache_command
from harness.record_schema import DataTable

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

IMAGES, ACTIVATIONS = f"images/{'a' * 64}", f"activations/{'c' * 32}"


@pytest.fixture
def filled(line: CommandLine) -> CommandLine:
    """A cache with images that were used lately and activations that were not for three days."""
    for name, size in ((IMAGES, 3 * 2**20), (ACTIVATIONS, 1000)):
        (line.cache / name).mkdir(parents=True)
        (line.cache / name / "values.npy").write_bytes(b"x" * size)
    cache_inventory.mark_prepared(line.cache, "new", data=DataTable(), kept={IMAGES: "digits at 32×32"})
    cache_inventory.mark_prepared(
        line.cache, "old", data=DataTable(), kept={ACTIVATIONS: "digits at 32×32 through M (none)"}
    )
    note: Path = line.cache / "prepared" / "old"
    os.utime(note, (note.stat().st_atime, note.stat().st_mtime - 3 * 86400))
    return line


def test_what_lies_there_is_said_with_what_for_and_how_large(filled: CommandLine) -> None:
    answer = filled.call("cache", "--cache", str(filled.cache))

    assert (answer.code, answer.err) == (0, "")
    assert "digits at 32×32 through M (none)" in answer.out
    assert "3.0 MiB" in answer.out
    assert answer.out.splitlines()[-1] == f"{filled.cache}: 2 things, 3.0 MiB"


def test_the_same_in_json(filled: CommandLine) -> None:
    (filled.cache / "images" / f".{'b' * 64}.part").mkdir()
    found = json.loads(filled.call("cache", "--json", "--cache", str(filled.cache)).out)

    assert [each["path"] for each in found["kept"]] == [IMAGES, ACTIVATIONS]
    assert found["kept"][0]["size_bytes"] == 3 * 2**20
    assert found["half_built"] == {f"images/.{'b' * 64}.part": 0}


def test_pruning_only_says_what_would_go_unless_it_is_meant(filled: CommandLine) -> None:
    options = ["cache", "prune", "--cache", str(filled.cache), "--older-than", "2"]

    said, done = filled.call(*options), filled.call(*options, "--yes")

    assert said.out.splitlines()[-1] == (f"{filled.cache}: would remove 1 of 2 things, 1000 bytes; --yes removes them")
    assert done.out == f"{filled.cache}: removed 1 of 2 things, 1000 bytes\n"
    assert [kept.path for kept in cache_inventory.contents(filled.cache)] == [IMAGES]
    assert (said.code, done.code) == (0, 0)


def test_a_cache_named_before_the_word_prune_is_the_one_that_is_pruned(filled: CommandLine) -> None:
    filled.call("cache", "--cache", str(filled.cache), "prune", "--all", "--yes")

    assert cache_inventory.contents(filled.cache) == []


@pytest.mark.parametrize("options", [[], ["--all", "--older-than", "1"], ["--yes"]])
def test_what_is_to_go_must_be_said(filled: CommandLine, options: list[str]) -> None:
    answer = filled.call("cache", "prune", "--cache", str(filled.cache), *options)

    assert answer.code == 2
    assert answer.err == "harness cache prune: say what is to go: --older-than DAYS, or --all\n"
    assert len(cache_inventory.contents(filled.cache)) == 2


def test_nothing_goes_while_a_run_uses_it(filled: CommandLine) -> None:
    with cache_inventory.used(filled.cache):
        answer = filled.call("cache", "prune", "--cache", str(filled.cache), "--all", "--yes")

    assert (answer.code, answer.err) == (2, f"{filled.cache}: in use by a run; wait for its end\n")


def test_a_cache_that_is_not_there_is_empty(line: CommandLine) -> None:
    for options in ([], ["prune", "--all", "--yes"]):
        answer = line.call("cache", "--cache", str(line.cache / "none"), *options)
        assert answer.code == 0
    assert not (line.cache / "none").exists()


def test_a_run_holds_the_cache_and_its_notes_say_what_for(line: CommandLine) -> None:
    assert line.run().code == 0

    (digits,) = [kept for kept in cache_inventory.contents(line.cache) if kept.kind == "downloads"]
    assert digits.what == "digits"


@pytest.mark.parametrize(
    ("size", "said"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1.0 KiB"), (5 * 2**30, "5.0 GiB"), (2**52, "4096.0 TiB")],
)
def test_sizes_are_told_in_the_unit_that_suits_them(size: int, said: str) -> None:
    assert cache_command.told(size) == said
