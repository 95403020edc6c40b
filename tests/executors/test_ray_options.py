"""What is asked of a Ray cluster, without one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.cells import Cell, WeightsTable
from harness.errors import MachineError, UserError
from harness.executors import ray_cluster, ray_node
from harness.executors.ray_node import Left
from harness.matrix_schema import Container
from harness.placement.executor_choice import Where
from harness.testing import executor_contract


def test_a_cell_needs_a_processor_unless_the_matrix_says_more() -> None:
    assert ray_cluster.needs(Container(), needs_gpu=False) == {"num_cpus": 1}
    asked = Container(cpus=4, memory_gib=2)
    assert ray_cluster.needs(asked, needs_gpu=True) == {"num_cpus": 4, "num_gpus": 1, "memory": 2 * 2**30}


def test_rays_own_options_are_taken_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ray_cluster.OPTIONS, '{"num_cpus": 8, "resources": {"fast": 1}}')
    assert ray_cluster.given() == {"num_cpus": 8, "resources": {"fast": 1}}


@pytest.mark.parametrize(
    ("told", "complaint"),
    [("{", "no JSON"), ('{"max_retries": 3}', "max_retries is none of num_cpus"), ("[1]", "none of num_cpus")],
)
def test_options_that_are_none_are_refused(told: str, complaint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ray_cluster.OPTIONS, told)
    with pytest.raises(UserError, match=complaint):
        ray_cluster.given()


def test_without_ray_the_way_out_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MachineError, match=r"pip install 'tuner-harness\[ray\]'"):
        ray_cluster.create(container=Container())


@pytest.mark.parametrize("executor", ["local", "auto", "docker", "slurm"])
def test_only_ray_has_an_address(executor: str) -> None:
    with pytest.raises(UserError, match="only --executor ray"):
        Where(executor=executor, address="10.0.0.1:6379").intended(device="any")


def test_where_cells_run_is_said_and_ray_is_not_imported_for_it() -> None:
    where = Where(executor="ray", address="10.0.0.1:6379", at_once=3)
    before = "ray" in sys.modules
    assert str(where.intended(device="any")) == "by Ray, 3 cells at once"
    assert ("ray" in sys.modules) == before
    assert where.options[-2:] == ["--address", "10.0.0.1:6379"]


def test_paths_of_a_cell_are_those_of_the_node() -> None:
    asked: Cell = executor_contract.CELL
    there = asked.model_copy(
        update={
            "source": asked.source.changed(paths=["/host/a", "/host/b"]),
            "weights": WeightsTable(sha256="0" * 64, path="/host/w"),
        }
    )
    placed = ray_node.placed(there, {"/host/a": "/node/a", "/host/w": "/node/w"})
    assert list(placed.source.paths) == ["/node/a", "/host/b"]
    assert placed.weights.path == "/node/w"
    assert placed.id == there.id


def test_only_whole_trials_are_sent_and_what_they_rely_on_comes_before_them(tmp_path: Path) -> None:
    left = Left(tmp_path)
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "trial-00000.npz").write_bytes(b"weights")
    (tmp_path / "trials.jsonl").write_bytes(b"one\ntw")
    first = [(piece.name, piece.offset, piece.data) for piece in left.new()]
    assert first == [("checkpoints/trial-00000.npz", 0, b"weights"), ("trials.jsonl", 0, b"one\n")]
    (tmp_path / "trials.jsonl").write_bytes(b"one\ntwo\n")
    assert [(piece.offset, piece.data) for piece in left.new()] == [(4, b"two\n")]
    assert list(left.new(is_over=True)) == []
