from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from PIL import Image

from harness import matrix
from harness.backbones import weights
from harness.backbones.weights import RANDOM, Weights
from harness.cli import streams
from harness.errors import SourceUnreachable
from harness.matrix_schema import Backbone

if TYPE_CHECKING:
    from tests.cli.conftest import Answer, CommandLine


@pytest.fixture
def birds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "meine Vögel"
    for number in range(8):
        path = root / ("owl" if number % 2 else "wren") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 40), (20 * number, 9, 9)).save(path)
    monkeypatch.chdir(tmp_path)
    return root


@pytest.fixture
def reachable(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(spec: Backbone, **_: object) -> Weights:
        return replace(RANDOM, trained_on=f"{spec.weights} pictures")

    monkeypatch.setattr(weights, "resolve", found)


def init(line: CommandLine, *arguments: str) -> Answer:
    return line.call("init", *arguments, *line.places)


@pytest.mark.usefixtures("reachable")
def test_the_matrix_that_is_written_loads_is_forecast_and_runs(line: CommandLine, birds: Path) -> None:
    answer = init(line, str(birds), "--budget", "1 day")

    file = Path("meine Vögel.toml")
    loaded = matrix.load(file).spec
    assert (answer.code, answer.err) == (0, "")
    assert list(loaded.backbones) == ["MobileNetV2", "EfficientNetLite0"]
    assert len(loaded.seeds) % len(loaded.tuners) == 0
    assert "MobileNetV2: weights trained on imagenet pictures" in answer.out
    places = " ".join(f"'{word}'" if " " in word else word for word in line.places)
    assert answer.out.endswith(f"wrote {file}; run it with: harness run 'meine Vögel.toml' {places}\n")
    planned = line.call("plan", str(file), *line.places)
    assert "time unknown" not in planned.out
    assert planned.code == line.call("run", str(file), *line.places).code == 0


def test_without_a_network_it_begins_with_random_weights_and_says_how_to_get_others(
    line: CommandLine, birds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_reach(spec: Backbone, **_: object) -> Weights:
        if spec.weights == "none":
            return RANDOM
        raise SourceUnreachable("no network; put the file at /there by hand")

    monkeypatch.setattr(weights, "resolve", out_of_reach)

    answer = init(line, str(birds))

    assert "  out of reach: MobileNetV2, packaged: no network; put the file at /there by hand\n" in answer.out
    assert "no pretrained weights: the matrix begins with random ones" in answer.out
    assert matrix.load(Path("meine Vögel.toml")).spec.backbones["EfficientNetLite0"].weights == "none"


@pytest.mark.usefixtures("reachable")
def test_no_file_is_replaced_unless_that_is_asked_for(line: CommandLine, birds: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text("dear to me", "utf-8")

    answer = init(line, str(birds), "--output", str(mine))

    assert (answer.code, answer.out, mine.read_text("utf-8")) == (2, "", "dear to me")
    assert answer.err == f"{mine}: is there already; give another file with --output, or replace it with --force\n"
    assert init(line, str(birds), "--output", str(mine), "--force").code == 0
    assert matrix.load(mine)


@pytest.mark.usefixtures("reachable")
def test_on_a_terminal_budget_and_file_are_asked_for(
    line: CommandLine, birds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["2 minutes", "owls.toml"])
    monkeypatch.setattr(streams, "is_asked", lambda: True)
    monkeypatch.setattr(click, "prompt", lambda *_, **__: next(answers))

    assert init(line, str(birds)).code == 0

    assert "Made for 2 minutes on this machine" in Path("owls.toml").read_text("utf-8")
    assert init(line, str(birds), "--yes").code == 0
    assert Path("meine Vögel.toml").is_file()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "nowhere: no such file or folder; check the path"),
        (["meine Vögel", "--budget", "much"], "--budget 'much': give a time or an amount, such as"),
        (["meine Vögel", "--output", "a.txt"], "--output a.txt: a matrix is a TOML file"),
        (["meine Vögel", "--output", "no/a.toml"], "--output no/a.toml: no file can be there; give one in a folder"),
        (["meine Vögel", "--results", "meine Vögel/r"], "would be read as images; give another one with --results"),
    ],
)
@pytest.mark.usefixtures("birds")
def test_a_mistake_is_one_line_with_the_way_out(line: CommandLine, arguments: list[str], said: str) -> None:
    answer = line.call("init", *arguments, "--cache", str(line.cache))

    assert answer.code == 2
    assert said in answer.err
    assert answer.err.count("\n") == 1


@pytest.mark.usefixtures("reachable")
def test_a_budget_that_fits_nothing_is_told(line: CommandLine, birds: Path) -> None:
    answer = init(line, str(birds), "--budget", "$0.0000001")

    assert answer.code == 0
    assert "that is more than $0.0000001: it is the least that compares anything\n" in answer.out
