from __future__ import annotations

from pathlib import Path
from typing import Protocol

import pytest

from harness import code_identity, environment, matrix
from harness.campaign import matrix_resolution
from harness.campaign.matrix_resolution import Resolution
from harness.catalogue.tuners import RANDOM
from harness.environment import Identity
from harness.errors import UserError
from harness.matrix import combinations


class Resolve(Protocol):
    """Writes a matrix with more data sets or backbones and resolves it."""

    def __call__(self, *, datasets: str = "", backbones: str = "") -> Resolution: ...


MATRIX = """\
seeds = [2, 1]
[budget]
epochs = 6
[protocol]
epochs_per_trial = 3
image_size = 32
[datasets]
digits = {{}}
{datasets}
[backbones]
EfficientNetLite0 = {{ weights = "none" }}
{backbones}
[tuners]
default = {{}}
optuna-tpe = {{}}
[hyperparameters.lr]
learning_rate = {{ low = 1e-4, high = 1e-1, log = true }}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ä matrix.toml"


@pytest.fixture
def resolve(path: Path, tmp_path: Path) -> Resolve:
    def _resolve(*, datasets: str = "", backbones: str = "") -> Resolution:
        path.write_text(MATRIX.format(datasets=datasets, backbones=backbones), "utf-8")
        return matrix_resolution.resolve(matrix.load(path), cache=tmp_path / "cache")

    return _resolve


def test_a_data_set_that_is_the_folder_of_the_matrixs_own_results_is_refused(path: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / path.stem / name).mkdir(parents=True)
        (tmp_path / path.stem / name / "1.png").touch()
    images = f'mine = {{ source = "folder", path = "{path.stem}" }}'
    path.write_text(MATRIX.format(datasets=images, backbones=""), "utf-8")

    with pytest.raises(UserError, match=r"datasets.mine: .*the results folder, .*, lies in it .* --results"):
        matrix_resolution.resolve(matrix.load(path), cache=tmp_path / "cache", results=tmp_path)


@pytest.fixture
def without_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send whatever is downloaded to a proxy that isn't there."""
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)


def test_cells_stand_in_the_order_of_the_matrix(resolve: Resolve, path: Path) -> None:
    resolved = resolve()

    assert resolved.unreachable == ()
    asked = [(each.seed, each.tuner) for each in combinations(matrix.load(path).spec)]
    assert [(cell.seed, cell.names.tuner) for cell in resolved.cells] == asked
    assert asked == [(2, "default"), (2, "optuna-tpe"), (1, "default"), (1, "optuna-tpe")]


def test_ids_are_stable_and_their_own(resolve: Resolve) -> None:
    first, second = resolve(), resolve()

    ids = [cell.id for cell in first.cells]
    assert ids == [cell.id for cell in second.cells]
    assert len(set(ids)) == 4
    assert len({cell.group for cell in first.cells}) == 1


def test_a_cell_says_what_it_was_made_with(resolve: Resolve) -> None:
    cell = resolve().cells[0]

    assert cell.environment == environment.lock_hash()
    assert cell.code == code_identity.of_cell(library="harness", model=cell.backbone.model)
    assert cell.training_code == code_identity.of_training(model=cell.backbone.model)
    assert len(cell.source.content_hash) == 64
    assert cell.weights.told == {
        "kind": "none",
        "path": None,
        "sha256": None,
        "source": "random",
        "trained_on": "nothing",
    }


def test_cells_are_planned_for_the_workers_that_will_run_them(resolve: Resolve, path: Path, tmp_path: Path) -> None:
    here = resolve().cells[0]
    workers = Identity(environment="1" * 64, code=here.code)

    there = matrix_resolution.resolve(matrix.load(path), cache=tmp_path / "cache", identity=workers).cells[0]

    assert (there.environment, there.code) == ("1" * 64, here.code)
    assert there.id != here.id


def test_every_cell_is_a_line_of_the_plan(resolve: Resolve) -> None:
    resolved = resolve()

    assert [planned.id for planned in resolved.planned] == [cell.id for cell in resolved.cells]
    assert resolved.planned[0].tuner == "default"
    assert (resolved.planned[0].role, resolved.planned[0].reason) == ("search", None)


@pytest.mark.usefixtures("without_network")
def test_what_can_not_be_reached_is_planned_with_its_reason_while_the_others_run(resolve: Resolve) -> None:
    resolved = resolve(backbones='MobileNetV2 = { weights = "imagenet" }')

    assert [cell.names.backbone for cell in resolved.cells] == ["EfficientNetLite0"] * 4
    assert [planned.backbone for planned in resolved.unreachable] == ["MobileNetV2"] * 4
    assert len({planned.id for planned in resolved.planned}) == 8
    assert len({planned.group for planned in resolved.unreachable}) == 1
    for planned in resolved.unreachable:
        assert planned.reason is not None
        assert "can't be downloaded" in planned.reason
        assert "\n" not in planned.reason
        assert planned.id.startswith("unreachable-")


@pytest.mark.usefixtures("without_network")
def test_data_that_can_not_be_reached_are_planned_too(resolve: Resolve) -> None:
    resolved = resolve(datasets="cifar10 = {}")

    assert [cell.names.dataset for cell in resolved.cells] == ["digits"] * 4
    assert [planned.dataset for planned in resolved.unreachable] == ["cifar10"] * 4


def test_a_users_mistake_names_file_and_key(resolve: Resolve, path: Path) -> None:
    with pytest.raises(UserError) as caught:
        resolve(datasets='"my birds" = { source = "folder", path = "no/such" }')

    assert str(caught.value).startswith(f"{path}: datasets.my birds: ")
    assert "no/such" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_weights_file_that_is_missing_names_file_and_key(resolve: Resolve, path: Path) -> None:
    with pytest.raises(UserError) as caught:
        resolve(backbones='mine = { model = "MobileNetV2", weights = "w.h5" }')

    assert str(caught.value).startswith(f"{path}: backbones.mine: weights: no file ")


def test_relative_paths_start_at_the_matrix_file(
    resolve: Resolve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "w.h5").write_bytes(b"weights")
    monkeypatch.chdir("/")

    resolved = resolve(backbones='mine = { model = "MobileNetV2", weights = "w.h5" }')

    assert {cell.weights.path for cell in resolved.cells} == {None, str(tmp_path / "w.h5")}


def test_the_name_of_a_section_is_not_part_of_a_cell(resolve: Resolve, path: Path, tmp_path: Path) -> None:
    ids = {cell.id for cell in resolve().cells}
    renamed = MATRIX.format(datasets="", backbones="").replace("digits = {}", 'ziffern = { source = "digits" }')
    path.write_text(renamed, "utf-8")

    again = matrix_resolution.resolve(matrix.load(path), cache=tmp_path / "cache")

    assert {cell.id for cell in again.cells} == ids
    assert {cell.names.dataset for cell in again.cells} == {"ziffern"}


def test_random_search_alone_scores_the_best_epoch_of_every_trial(resolve: Resolve) -> None:
    """So that any order of its trials has a test score."""
    audits = {cell.tuner.tuner: cell.audit for cell in resolve().cells}

    assert {tuner: audit for tuner, audit in audits.items() if audit == "trial"} == {
        tuner: "trial" for tuner in audits if tuner in RANDOM
    }
    assert "incumbent" in audits.values()


def test_as_many_seeds_as_wanted_take_no_more_walks_through_the_sources(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    walks = []
    walk = code_identity.reached

    def counted(*, library: str, model: str, package: Path) -> frozenset[str]:
        walks.append((library, model))
        return walk(library=library, model=model, package=package)

    monkeypatch.setattr(code_identity, "reached", counted)
    path.write_text(MATRIX.format(datasets="", backbones="").replace("[2, 1]", str([*range(40)])), "utf-8")

    resolved = matrix_resolution.resolve(matrix.load(path), cache=tmp_path / "cache")

    assert len(resolved.cells) == 80
    assert len(walks) <= 3
