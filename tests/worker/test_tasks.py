from __future__ import annotations

import hashlib
import importlib
import platform
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from harness.cells import OwnFile, SourceTable
from harness.datasets import resolving
from harness.errors import DatasetError, MachineError, UserError
from harness.matrix_schema import Augmentation, Budget, Dataset
from harness.phase_clock import PHASES
from harness.records import CellFolder
from harness.search_loop import ReplayMismatch
from harness.search_types import Outcome, Trial
from harness.space import Choice, Domain, Fixed, Range

if TYPE_CHECKING:
    from tests.worker.conftest import Bench

pytestmark = pytest.mark.train

Scores = Callable[[Trial], Any]
# Keras Tuner's Gaussian process thinks for seconds, so its search is short.
TUNERS: dict[str, dict[str, Any]] = {
    "optuna-tpe": {"epochs": 24, "pruner": "hyperband", "options": {"n_startup_trials": 2}},
    "kt-hyperband": {"epochs": 24},
    "kt-bayesian": {"epochs": 12, "options": {"num_initial_points": 2}},
}


def files_of(cache: Path) -> dict[str, int]:
    return {str(path.relative_to(cache)): path.stat().st_mtime_ns for path in cache.rglob("*") if path.is_file()}


def test_a_preparation_leaves_images_and_activations_that_a_search_only_reads(bench: Bench, tmp_path: Path) -> None:
    from harness.worker import tasks  # noqa: PLC0415 - TensorFlow, for marked tests only

    bench.cache = tmp_path / "fresh cache"
    cell = bench.cell(seed=77)
    prepared = tasks.prepare(bench.folder(cell), cache=bench.cache, started=time.monotonic())
    before = files_of(bench.cache)

    _, outcome = bench.search(cell)

    assert prepared["status"] == "completed"
    assert {Path(name).name for name in before} >= {"activations.npy", "images.npy", "facts.json"}
    assert files_of(bench.cache) == before
    phases = prepared["phases"]
    assert isinstance(phases, dict)
    assert outcome["setup_phases"]["data"] < phases["data"] / 2


def test_fewer_images_of_the_same_source_have_their_own_activations(bench: Bench, tmp_path: Path) -> None:
    from harness.worker import training_data  # noqa: PLC0415 - TensorFlow, for marked tests only

    bench.cache = tmp_path / "fresh cache"
    alone = training_data.load(bench.cell(images=100), bench.cache)
    bench.cache = tmp_path / "shared cache"
    whole = training_data.load(bench.cell(images=200), bench.cache)

    drawn = training_data.load(bench.cell(images=100), bench.cache)

    assert (len(whole.training.rows), len(drawn.training.rows)) == (200, 100)
    np.testing.assert_array_equal(drawn.training.rows, alone.training.rows)


def test_a_class_that_what_was_left_out_made_too_small_is_told_with_what_that_was(bench: Bench, tmp_path: Path) -> None:
    from PIL import Image  # noqa: PLC0415 - with the reader of images, for marked tests only

    from harness.worker import training_data  # noqa: PLC0415 - TensorFlow, for marked tests only

    for label, shades in (("cat", (1, 1, 1, 2)), ("dog", (5, 6, 7, 8))):
        (tmp_path / label).mkdir()
        for number, shade in enumerate(shades):
            Image.new("L", (8, 8), shade).save(tmp_path / label / f"{number}.png")
    (tmp_path / "cat" / "9.cr2").touch()
    dataset = Dataset(source="folder", path=str(tmp_path))
    source = SourceTable.model_validate(asdict(resolving.resolve(dataset, base=Path(), cache=tmp_path / ".cache")))
    cell = bench.cell().model_copy(update={"dataset": dataset, "source": source})

    with pytest.raises(DatasetError, match="class 'cat' has 2 images to share out; it needs at least 3") as caught:
        training_data.load(cell, tmp_path / ".cache")

    assert caught.value.facts["per_class"] == [2, 4]
    assert caught.value.facts["first_duplicates"] == ["cat/1.png", "cat/2.png"]
    assert caught.value.facts["unreadable"] == [["cat/9.cr2", "not an image by its suffix (.cr2)"]]


def test_no_group_of_images_is_divided_and_what_each_part_holds_is_told(bench: Bench, tmp_path: Path) -> None:
    from PIL import Image  # noqa: PLC0415 - with the reader of images, for marked tests only

    from harness.worker import training_data  # noqa: PLC0415 - TensorFlow, for marked tests only

    for number in range(60):
        label, site = number % 2, number % 7
        (tmp_path / "cd"[label]).mkdir(exist_ok=True)
        Image.new("L", (8, 8), number).save(tmp_path / "cd"[label] / f"site {site} {number}.png")
    dataset = Dataset(source="folder", path=str(tmp_path), group_by="site [0-9]")
    source = SourceTable.model_validate(asdict(resolving.resolve(dataset, base=Path(), cache=tmp_path / ".cache")))
    cell = bench.cell(train="all").model_copy(update={"dataset": dataset, "source": source})

    found = training_data.load(cell, tmp_path / ".cache")

    parts = [found.training.train, found.training.validation, found.training.test]
    sites = [set((found.training.rows[part, 0, 0, 0] % 7).tolist()) for part in parts]
    assert sum(map(len, sites)) == len(set.union(*sites)) == found.facts.groups == 7
    assert found.facts.per_class_of_part == {
        name: np.bincount(found.training.labels[part]).tolist()
        for name, part in zip(("train", "validation", "test"), parts, strict=True)
    }


@pytest.mark.parametrize("grouped", [False, True])
def test_images_that_look_like_one_of_another_part_are_told_unless_groups_keep_them_together(
    bench: Bench, tmp_path: Path, *, grouped: bool
) -> None:
    from PIL import Image  # noqa: PLC0415 - with the reader of images, for marked tests only

    from harness.worker import training_data  # noqa: PLC0415 - TensorFlow, for marked tests only

    for number in range(40):
        burst, label = number // 4, "cd"[number // 4 % 2]
        patches = np.random.default_rng(burst).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        picture = Image.fromarray(patches).resize((80 + number, 60 + number), Image.Resampling.BICUBIC)
        (tmp_path / label).mkdir(exist_ok=True)
        picture.save(tmp_path / label / f"burst {burst} {number}.png")
    keys = {"group_by": "burst [0-9]+"} if grouped else {}
    dataset = Dataset.model_validate({"source": "folder", "path": str(tmp_path), **keys})
    source = SourceTable.model_validate(asdict(resolving.resolve(dataset, base=Path(), cache=tmp_path / ".cache")))
    cell = bench.cell(train="all").model_copy(update={"dataset": dataset, "source": source})

    facts = training_data.load(cell, tmp_path / ".cache").facts

    pairs = [[name.split()[1] for name in pair] for pair in facts.first_look_alikes]
    assert facts.look_alikes is not None
    assert facts.look_alikes == 0 if grouped else facts.look_alikes > 8
    assert len(pairs) == (0 if grouped else 5)
    assert all(one == other for one, other in pairs)


def test_a_search_leaves_trials_progress_and_an_outcome(bench: Bench) -> None:
    folder, outcome = bench.search(bench.cell())

    trials = folder.trials()
    assert [len(trial.epochs) for trial in trials] == [2, 2]
    assert folder.progress.read_text("utf-8").splitlines() == [
        f"{trial.number} {epoch.epoch} 2 {epoch.val_score!r}" for trial in trials for epoch in trial.epochs
    ]
    assert (outcome["status"], outcome["ended"]) == ("completed", "budget: epochs")
    assert (
        outcome["data"]["images"] == outcome["data"]["train"] + outcome["data"]["validation"] + outcome["data"]["test"]
    )
    assert outcome["environment"]["device"]
    assert outcome["energy"]["covers"] == "processor packages (RAPL)"
    assert "replay" not in outcome["setup_phases"]
    assert outcome["model"]["trained_weights"] == 1280 * 10 + 10
    assert outcome["peak_memory_bytes"]["value"] > 2**27


def test_every_second_of_a_search_is_in_a_phase(bench: Bench) -> None:
    folder = bench.folder(bench.cell())
    # In a worker the import of TensorFlow is part of its life; here it may have been imported for an earlier test.
    importlib.import_module("harness.worker.tasks")
    began = time.monotonic()

    outcome = bench.go_on(folder)

    took_s = time.monotonic() - began
    phases = [outcome["setup_phases"], outcome["closing_phases"], *(trial.phases for trial in folder.trials())]
    assert {name for each in phases for name in each} <= set(PHASES)
    assert sum(sum(each.values()) for each in phases) == pytest.approx(took_s, rel=0.01, abs=0.02)
    assert outcome["lived_s"] == pytest.approx(took_s, rel=0.01, abs=0.02)


METER = """\
import time

class create:
    covers = "a lamp of 40 W"
    readings = 0

    def read_j(self):
        time.sleep(0.05)
        self.readings += 1
        if self.readings == 6:
            raise TimeoutError("no answer")
        return 40 * time.monotonic()
"""


def test_a_slow_meter_that_fails_once_leaves_one_trial_without_joules_and_changes_nothing_else(
    bench: Bench, scores_of: Scores, tmp_path: Path
) -> None:
    path = tmp_path / "lamp.py"
    path.write_text(METER, "utf-8")
    plain = bench.cell("kt-grid", epochs=6)
    file = OwnFile(path=str(path), sha256=hashlib.sha256(path.read_bytes()).hexdigest())

    folder, outcome = bench.search(plain.model_copy(update={"meter_file": file}))

    trials = folder.trials()
    assert [scores_of(trial) for trial in trials] == [scores_of(trial) for trial in bench.search(plain)[0].trials()]
    assert [trial.energy_j is None for trial in trials].count(True) == 1
    reason = "lamp.py: read_j raised TimeoutError: no answer"
    told = {"value": 0.0, "reason": reason, "covers": "a lamp of 40 W", "meter": "lamp.py"}
    assert (outcome["status"], outcome["energy"]) == ("completed", told)
    assert all(trial.phases["meter"] > 0.09 for trial in trials)


@pytest.fixture(scope="session")
def whole() -> dict[str, CellFolder]:
    """Finished searches by tuner, for the tests below to compare with."""
    return {}


@pytest.fixture
def finished(request: pytest.FixtureRequest, bench: Bench, whole: dict[str, CellFolder]) -> CellFolder:
    """A search that nothing disturbed: each once for all tests."""
    name = request.param
    if name not in whole:
        whole[name], _ = bench.search(bench.cell(name, epochs_per_trial=4, **TUNERS[name]))
    return whole[name]


@pytest.mark.parametrize("finished", TUNERS, indirect=True)
def test_a_search_repeats_to_the_last_bit(finished: CellFolder, bench: Bench, scores_of: Scores) -> None:
    again, _ = bench.search(finished.cell())

    assert sum(trial.charged_epochs for trial in finished.trials()) == finished.cell().budget.epochs
    assert [scores_of(trial) for trial in again.trials()] == [scores_of(trial) for trial in finished.trials()]


@pytest.mark.parametrize(
    ("finished", "kept"),
    [*((name, kept) for name in ("optuna-tpe", "kt-hyperband") for kept in (1, 4, -1)), ("kt-bayesian", 2)],
    indirect=["finished"],
)
def test_a_search_resumed_from_its_first_trials_ends_as_if_nothing_had_happened(
    finished: CellFolder, bench: Bench, scores_of: Scores, kept: int
) -> None:
    expected = finished.trials()
    folder = bench.folder(finished.cell())
    for trial in expected[:kept]:
        folder.append(trial)
    if finished.checkpoints.exists():
        folder.checkpoints.mkdir()
        for path in sorted(finished.checkpoints.iterdir())[: len(expected[:kept])]:
            shutil.copy(path, folder.checkpoints)

    outcome = bench.go_on(folder)

    assert folder.trials()[: len(expected[:kept])] == expected[:kept]
    assert [scores_of(trial) for trial in folder.trials()] == [scores_of(trial) for trial in expected]
    assert outcome["setup_phases"]["replay"] > 0
    assert outcome["busyness"]["covers"] == "its last process, which resumed the search"
    assert len(folder.progress.read_text("utf-8").splitlines()) == finished.cell().budget.epochs


@pytest.mark.parametrize("finished", ["kt-hyperband"], indirect=True)
def test_hyperband_promotes_what_later_trials_continue(finished: CellFolder) -> None:
    promoted = [trial for trial in finished.trials() if trial.parent is not None]

    assert len(promoted) >= 2
    assert all(trial.first_epoch > 1 for trial in promoted)
    assert len(list(finished.checkpoints.iterdir())) == len(finished.trials())


@pytest.mark.parametrize("finished", ["kt-hyperband"], indirect=True)
def test_promoted_trials_need_their_parents_weights(finished: CellFolder, bench: Bench) -> None:
    folder = bench.folder(finished.cell())
    for trial in finished.trials()[:4]:
        folder.append(trial)

    with pytest.raises(FileNotFoundError, match="trial-"):
        bench.go_on(folder)


@pytest.mark.parametrize("tuner", ["kt-hyperband", "optuna-tpe"])
def test_trials_that_patience_ends_leave_their_epochs_to_others_and_resume_exactly(
    bench: Bench, scores_of: Scores, tuner: str
) -> None:
    cell = bench.cell(tuner, epochs_per_trial=9, epochs=40)
    cell = cell.model_copy(update={"protocol": cell.protocol.model_copy(update={"patience": 1})})
    finished, _ = bench.search(cell)
    expected = finished.trials()
    folder = bench.folder(cell)
    for trial in expected[:3]:
        folder.append(trial)
    if finished.checkpoints.exists():
        shutil.copytree(finished.checkpoints, folder.checkpoints)

    bench.go_on(folder)

    early = [trial for trial in expected if trial.charged_epochs < trial.last_epoch - trial.first_epoch + 1]
    assert any(trial.outcome is Outcome.COMPLETED and "(patience 1)" in str(trial.reason) for trial in early)
    assert sum(trial.charged_epochs for trial in expected) == 40
    assert [scores_of(trial) for trial in folder.trials()] == [scores_of(trial) for trial in expected]


@pytest.mark.parametrize("train", ["head", "last:2", "all"])
def test_augmented_images_are_drawn_again_where_a_search_goes_on(bench: Bench, scores_of: Scores, train: str) -> None:
    cell = bench.cell("kt-hyperband", model="file", train=train, images=60, epochs_per_trial=4, epochs=10)
    augmentation = Augmentation(flip="horizontal", rotation=0.05)
    cell = cell.model_copy(update={"protocol": cell.protocol.model_copy(update={"augmentation": augmentation})})
    finished, _ = bench.search(cell)
    expected = finished.trials()
    folder = bench.folder(cell)
    for trial in expected[:2]:
        folder.append(trial)
    shutil.copytree(finished.checkpoints, folder.checkpoints)

    bench.go_on(folder)

    assert [scores_of(trial) for trial in folder.trials()] == [scores_of(trial) for trial in expected]


def test_a_torn_last_line_is_mended_before_a_search_goes_on(bench: Bench, scores_of: Scores) -> None:
    cell = bench.cell("kt-random")
    finished, _ = bench.search(cell)
    folder = bench.folder(cell)
    lines = (finished.path / "trials.jsonl").read_bytes()
    (folder.path / "trials.jsonl").write_bytes(lines[:-40])

    bench.go_on(folder)

    assert [scores_of(trial) for trial in folder.trials()] == [scores_of(trial) for trial in finished.trials()]


def test_a_finished_search_that_is_resumed_trains_nothing(bench: Bench) -> None:
    folder, first = bench.search(bench.cell())
    before = folder.trials()

    outcome = bench.go_on(folder)

    assert folder.trials() == before
    assert outcome["ended"] == first["ended"]


def test_tuners_of_a_group_get_the_same_curve_for_the_same_parameters(bench: Bench) -> None:
    domains: dict[str, Domain] = {
        "learning_rate": Choice(choices=(0.003, 0.03), default=0.03),
        "dropout": Choice(choices=(0.0, 0.5), default=0.0),
        "batch_size": Fixed(value=20),
    }
    cells = [bench.cell(tuner, domains=domains, epochs=8) for tuner in ("kt-grid", "optuna-grid")]
    assert cells[0].group == cells[1].group

    curves = []
    for cell in cells:
        folder, _ = bench.search(cell)
        curves.append(
            {
                (trial.parameters["learning_rate"], trial.parameters["dropout"]): [
                    (epoch.val_score, epoch.loss) for epoch in trial.epochs
                ]
                for trial in folder.trials()
            }
        )

    assert len(curves[0]) == 4
    assert curves[0] == curves[1]
    assert len({str(curve) for curve in curves[0].values()}) == 4


@pytest.mark.parametrize(
    ("train", "depths"),
    [("last:2", {}), ("last:9", {"fine_tune_depth": Choice(choices=(1, 5), default=5)})],
)
def test_backbones_are_trained_as_deep_as_asked(bench: Bench, train: str, depths: dict[str, Domain]) -> None:
    domains: dict[str, Domain] = {"learning_rate": Range(low=1e-4, high=1e-2, log=True, default=1e-3), **depths}
    cell = bench.cell(
        "kt-random", model="MobileNetV2", train=train, domains=domains, epochs=2, epochs_per_trial=1, images=60
    )

    folder, outcome = bench.search(cell)

    assert [trial.outcome for trial in folder.trials()] == [Outcome.COMPLETED] * 2
    assert all(cell.space.contains(trial.parameters) for trial in folder.trials())
    head = 1280 * 10 + 10
    assert outcome["model"]["trained_weights"] > head


def test_every_other_hyperparameter_is_trained_with(bench: Bench) -> None:
    domains: dict[str, Domain] = {
        "learning_rate": Fixed(value=0.01),
        "optimizer": Choice(choices=("adam", "sgd", "rmsprop"), default="adam"),
        "hidden_units": Choice(choices=(0, 8), default=0),
        "weight_decay": Choice(choices=(0.0, 0.1), default=0.0),
        "label_smoothing": Choice(choices=(0.0, 0.2), default=0.0),
        "schedule": Choice(choices=("constant", "cosine"), default="constant"),
        "class_weights": Choice(choices=("none", "balanced"), default="none"),
    }

    # Keras Tuner's grid changes last what stands first: few networks are built, let go and built again.
    folder, _ = bench.search(bench.cell("kt-grid", domains=domains, epochs=96, epochs_per_trial=1))

    losses = {trial.epochs[0].loss for trial in folder.trials()}
    assert len(folder.trials()) == 96
    assert len(losses) == 96


def test_structures_known_beforehand_are_built_before_the_first_ask(bench: Bench) -> None:
    domains: dict[str, Domain] = {
        "learning_rate": Choice(choices=(0.003, 0.03), default=0.03),
        "optimizer": Choice(choices=("adam", "sgd", "rmsprop"), default="sgd"),
    }

    folder, outcome = bench.search(bench.cell("optuna-grid", domains=domains, epochs=6, epochs_per_trial=1))

    assert {trial.parameters["optimizer"] for trial in folder.trials()} == {"adam", "sgd", "rmsprop"}
    assert outcome["model"]["builds"] == 3
    assert outcome["setup_phases"]["build"] > 0
    assert not any("build" in trial.phases for trial in folder.trials())


def test_a_search_whose_every_trial_diverges_is_charged_and_ends(bench: Bench) -> None:
    domains: dict[str, Domain] = {
        "learning_rate": Range(low=1e16, high=1e18, log=True, default=1e17),
        "optimizer": Fixed(value="sgd"),
        "weight_decay": Fixed(value=1e18),
    }

    folder, outcome = bench.search(bench.cell("kt-hyperband", domains=domains, epochs=12, epochs_per_trial=4))

    assert {trial.outcome for trial in folder.trials()} == {Outcome.DIVERGED}
    assert sum(trial.charged_epochs for trial in folder.trials()) == 12
    assert (outcome["status"], outcome["ended"]) == ("completed", "budget: epochs")


def test_a_search_that_now_goes_otherwise_is_refused(bench: Bench) -> None:
    folder, _ = bench.search(bench.cell())
    (first, *_) = folder.trials()
    (folder.path / "trials.jsonl").unlink()
    folder.append(replace(first, parameters={**first.parameters, "dropout": 0.123}))

    with pytest.raises(ReplayMismatch, match=r"trial 0: .*--retry-failed"):
        bench.go_on(folder)


def test_a_budget_in_dollars_on_a_machine_without_a_price_is_refused_in_one_line(bench: Bench) -> None:
    from harness.worker import tasks  # noqa: PLC0415 - TensorFlow, for marked tests only

    cell = bench.cell().model_copy(update={"budget": Budget(cost_usd=0.5)})

    with pytest.raises(UserError, match=r"^budget\.cost_usd: .*Quantum 9000.*; budget seconds or epochs instead$"):
        tasks.usd_per_hour(cell, {"device": "Quantum 9000", "logical_cpus": 2})
    assert tasks.usd_per_hour(cell, {"device": "cpu", "logical_cpus": 2}) == pytest.approx(0.1, abs=0.05)
    assert tasks.usd_per_hour(bench.cell(), {"device": "Quantum 9000", "logical_cpus": 2}) is None


@pytest.mark.parametrize("program", ["prepare", "search", "save"])
def test_a_worker_that_needs_a_gpu_and_sees_none_does_nothing(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    from harness.worker import tasks  # noqa: PLC0415 - TensorFlow, for marked tests only

    monkeypatch.setenv("HARNESS_NEEDS_GPU", "1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    bench.cache = tmp_path / "fresh cache"
    folder = bench.folder(bench.cell())

    with pytest.raises(MachineError, match="a GPU was asked for"):
        tasks.PROGRAMS[program](folder, cache=bench.cache, started=time.monotonic())

    assert folder.trials() == []
    assert not (bench.cache / "activations").exists()


def test_a_record_says_all_that_a_time_depends_on(bench: Bench) -> None:
    _, outcome = bench.search(bench.cell())

    told = outcome["environment"]
    assert told["packages"]["keras"]
    assert told["cpu_model"]
    assert told["memory_bytes"] > 2**28
    assert told["kernel"] == platform.release()
    assert (told["determinism"], told["precision"], told["jit"]) == (True, "float32", False)
    assert outcome["busyness"]["covers"] == "first ask to end"
    assert {"others_share", "steal_share", "waiting_share", "runnable_others"} < set(outcome["busyness"])
    assert told["tuner_threads"] == 1
    assert {pool["threads"] for pool in told["thread_pools"]} == {1}
    assert {"device", "lock_hash", "logical_cpus", "python"} <= set(told)
