"""A tuner, a model, a metric, a meter and a reader from an installed package, from the matrix to their records."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from harness import container_images, extensions
from harness.cells import Cell, OwnFile
from harness.environment import Identity
from harness.errors import MatrixError
from harness.executors import LocalExecutor
from harness.matrix import load
from harness.placement import executor_choice, required_libraries
from harness.placement.container_choice import DECLARED, Intent
from harness.placement.slot_choice import ChosenSlots
from tests.extensions.installing import Package

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

DOCS = Path(__file__).parents[2] / "docs"
TUNER, MODEL, METRIC, READER = (
    re.findall(r"```python\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)[0]
    for page in ("add-a-tuner.md", "add-a-model.md", "add-a-metric.md", "add-a-data-set.md")
)
METER = """\
import time

class Lamp:
    covers = "a lamp of 40 W"

    def read_j(self):
        return 40 * time.monotonic()
"""
PACKAGE = Package(
    name="Our-own",
    files={
        "our_own/__init__.py": "",
        "our_own/tuner.py": TUNER,
        "our_own/model.py": MODEL,
        "our_own/metric.py": METRIC,
        "our_own/meter.py": METER,
        "our_own/reader.py": READER,
    },
    entry_points={
        "harness.tuners": {"near-the-best": "our_own.tuner:create"},
        "harness.models": {"small": "our_own.model:create"},
        "harness.metrics": {"weighted-recall": "our_own.metric:score"},
        "harness.meters": {"lamp": "our_own.meter:Lamp"},
        "harness.datasets": {"traps": "our_own.reader:read"},
    },
)
MATRIX = """\
seeds = [1]
[budget]
epochs = 6
[protocol]
metric = "package:weighted-recall"
meter = "package:lamp"
epochs_per_trial = 3
image_size = 32
[datasets.traps]
source = "file"
path = "package:traps"
data = "traps"
options = { every = 1 }
[backbones.small]
model = "file"
path = "package:small"
options = { blocks = 2, width = 8 }
weights = "none"
[tuners.near-the-best]
tuner = "file"
path = "package:near-the-best"
options = { share = 0.7 }
[hyperparameters."lr only"]
learning_rate = { low = 1e-4, high = 1e-1, log = true }
"""


@pytest.fixture
def site(line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder that the package is installed in, which host and workers look through, and a matrix that names it."""
    folder = PACKAGE.install(line.folder / "site packages")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    line.matrix.write_text(MATRIX, "utf-8")
    (line.folder / "traps").mkdir()
    rng = np.random.default_rng(1)
    for name in "ABCDEF":
        frames = rng.integers(0, 256, (10, 8, 8), dtype=np.uint8)
        np.savez(line.folder / "traps" / f"{name}.npz", frames=frames, species=np.array(["fox", "lynx"] * 5))
    yield folder
    importlib.invalidate_caches()


def by_tuner(line: CommandLine) -> dict[str, Cell]:
    return {cell.names.tuner: cell for cell in line.cells}


@pytest.mark.usefixtures("site")
def test_cells_know_package_version_and_entry_point_and_no_place_of_this_machine(line: CommandLine) -> None:
    cell = by_tuner(line)["near-the-best"]

    for own, entry_point in (
        (cell.tuner_file, "our_own.tuner:create"),
        (cell.model_file, "our_own.model:create"),
        (cell.metric_file, "our_own.metric:score"),
        (cell.meter_file, "our_own.meter:Lamp"),
        (OwnFile.model_validate(cell.source.told["reader"]), "our_own.reader:read"),
    ):
        assert own is not None
        assert (own.told["package"], own.told["version"], own.told["entry_point"]) == ("Our-own", "1.0", entry_point)
    assert cell.read == (line.folder / "traps",)
    assert str(line.folder) not in cell.published.model_dump_json()


def test_another_source_of_the_package_is_another_search_and_another_version_alone_is_none(
    line: CommandLine, site: Path
) -> None:
    before = by_tuner(line)
    metadata = site / "Our_own-1.0.dist-info/METADATA"
    metadata.write_text(metadata.read_text("utf-8").replace("1.0", "1.1"), "utf-8")

    assert {name: cell.id for name, cell in by_tuner(line).items()} == {name: cell.id for name, cell in before.items()}
    (site / "our_own/tuner.py").write_text(f"{TUNER}\nNOISE = 1\n", "utf-8")
    assert all(cell.id != before[name].id for name, cell in by_tuner(line).items())


@pytest.mark.parametrize(
    ("named", "other", "said"),
    [
        (
            "package:near-the-best",
            "package:near",
            "tuners.near-the-best: path: package:near: no installed package",
        ),
        ("package:small", "package:large", "backbones.small: path: package:large: no installed package has it"),
        ("package:weighted-recall", "package:", "protocol: metric: package:: no installed package has it"),
        ("package:lamp", "package:plug", "protocol: meter: package:plug: no installed package has it"),
        ("package:traps", "package:trap", "datasets.traps: path: package:trap: no installed package has it"),
    ],
)
@pytest.mark.usefixtures("site")
def test_what_is_not_installed_is_told_in_one_line_before_anything_runs(
    line: CommandLine, named: str, other: str, said: str
) -> None:
    line.matrix.write_text(MATRIX.replace(f'"{named}"', f'"{other}"'), "utf-8")

    for answer in (line.run(), line.plan()):
        assert answer.code == 2
        assert answer.err.startswith(f"{line.matrix}: {said}")
        assert answer.err.count("\n") == 1
    assert line.executor.started == []


def test_an_image_that_lacks_the_package_is_told_for_each_that_needs_it(line: CommandLine, site: Path) -> None:
    assert site.is_dir()
    with pytest.raises(MatrixError) as caught:
        required_libraries.check(load(line.matrix), image_with(frozenset()))

    assert caught.value.mistakes[-1] == (
        f"{line.matrix}: datasets.traps: package:traps is from the package Our-own, which image mine:cpu lacks; add it "
        "to the image's requirements (docs/containers.md), or run the matrix as local processes (--executor local)"
    )
    assert len(caught.value.mistakes) == 5
    required_libraries.check(load(line.matrix), image_with(frozenset({"our-own"})))


def image_with(packages: frozenset[str]) -> Intent:
    """Containers of an image that has what the harness needs, and these packages."""
    return Intent(
        reference="mine:cpu",
        engine="20.10",
        chosen=ChosenSlots(),
        build=None,
        identity=Identity(environment="e" * 64, code="c" * 64),
        packages=container_images.packages_of(container_images.load(DECLARED)[0]) | packages,
    )


@pytest.mark.usefixtures("site")
@pytest.mark.train
@pytest.mark.slow
@pytest.mark.parametrize("start", ["warm", "fresh"])
def test_real_workers_search_with_all_of_it(line: CommandLine, monkeypatch: pytest.MonkeyPatch, start: str) -> None:
    monkeypatch.setattr(executor_choice, "LOCAL", LocalExecutor)

    answer = line.run("--executor", "local", "--start", start)

    assert answer.code == 0, answer.err
    records = [line.matrix_folder.cell(cell_id).record() for cell_id in line.matrix_folder.cell_ids()]
    assert [record.cell.told["names"]["tuner"] for record in records if record is not None] == ["near-the-best"]
    for record in records:
        assert record is not None
        assert record.model.width == 16
        assert record.cell.told["model_file"]["package"] == "Our-own"
        assert (record.energy.covers, record.energy.meter) == ("a lamp of 40 W", "Our-own 1.0")
        assert str(line.folder) not in str(record.cell)
    assert "weighted-recall" in answer.out
    assert "60 images, 2 classes (30), 6 groups" in answer.out


def test_every_kind_has_a_group_of_entry_points_of_its_own() -> None:
    kinds = (extensions.TUNER, extensions.MODEL, extensions.METRIC, extensions.METER, extensions.DATA)

    assert {kind.group for kind in kinds} == set(PACKAGE.entry_points)
