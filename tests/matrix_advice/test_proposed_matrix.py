from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness import matrix
from harness.matrix_advice.proposed_matrix import MatrixProposal, name_from
from harness.matrix_advice.reachable_weights import Reached

LITE = Reached(model="EfficientNetLite0", weights="packaged", trained_on="ImageNet")


def proposal(path: Path) -> MatrixProposal:
    dataset = {"source": "table", "path": str(path), "columns": {"label": 'a "kind"'}, "max_images": 50}
    return MatrixProposal(name="größe 1.a", dataset=dataset, images=120, image_size=96, backbones=[LITE], seeds=4)


def test_the_commented_file_says_what_the_sections_say(tmp_path: Path) -> None:
    made = proposal(tmp_path / "my data/list.csv")
    file = tmp_path / "größe 1.a.toml"

    file.write_text(made.text(base=tmp_path, head=["What for."]), "utf-8")

    judged, expected = matrix.load(file).spec, made.matrix(base=tmp_path).spec
    assert judged.datasets["größe 1.a"].path == "my data/list.csv"
    assert judged.model_copy(update={"datasets": expected.datasets}) == expected
    assert file.read_text("utf-8").startswith("# What for.\n")


def test_data_elsewhere_keep_their_whole_path(tmp_path: Path) -> None:
    made = proposal(tmp_path / "list.csv")

    assert f"'{tmp_path / 'list.csv'}'" in made.text(base=tmp_path / "other", head=[]).replace('"', "'")


def test_batches_are_small_where_images_are_few(tmp_path: Path) -> None:
    few = proposal(tmp_path)

    assert few.sections["hyperparameters"]["full"]["batch_size"]["choices"] == [8, 16, 32]
    assert replace(few, images=5000).sections["hyperparameters"]["full"]["batch_size"]["choices"] == [16, 32, 64]


@pytest.mark.parametrize(
    ("path", "name"),
    [("a/Vögel 2.csv", "Vögel 2"), ("what? [x]", "what-x"), ("...", "images"), (f"{'x' * 80}", "x" * 60)],
)
def test_a_name_that_can_stand_in_tables_is_made_of_any(path: str, name: str) -> None:
    assert name_from(Path("/somewhere", path)) == name
