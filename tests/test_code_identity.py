from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

import harness
from harness import code_identity

PACKAGE = Path(harness.__file__).parent
KINDS = {
    "untuned": ("harness", "MobileNetV2", "digits"),
    "keras-tuner": ("keras-tuner", "MobileNetV2", "digits"),
    "optuna": ("optuna", "MobileNetV2", "digits"),
    "own": ("file", "MobileNetV2", "digits"),
    "lite0": ("harness", "EfficientNetLite0", "digits"),
    "own model": ("harness", "file", "digits"),
    "own data": ("harness", "MobileNetV2", "file"),
}
EVERY = frozenset(KINDS)
# What no search runs through, by the first part of the module's name.
OUTSIDE = (
    *(
        "__init__",
        "analysis",
        "api",
        "cache_inventory",
        "campaign",
        "carbon",
        "cli",
        "compare",
        "executors",
        "exports",
        "foreign_searches",
        "container_images",
    ),
    *(
        "matrix",
        "matrix_advice",
        "score_names",
        "page",
        "tuner_plot_styles",
        "image_labels",
        "placement",
        "text_sanitising",
        "result_stores",
        "results_folder",
        "plots",
        "reports",
        "testing",
    ),
    "__main__",
)
# Modules that only some kinds of cells run through, or none though a neighbour is run through by all.
ONLY = {
    "catalogue.tuner_libraries.keras_tuner": {"keras-tuner"},
    "catalogue.tuner_libraries.optuna": {"optuna"},
    "catalogue.tuner_libraries.bayesopt": set(),
    "catalogue.tuner_libraries.dehb": set(),
    "catalogue.tuner_libraries.hyperopt": set(),
    "catalogue.tuner_libraries.skopt": set(),
    "catalogue.tuner_libraries.smac": set(),
    "tuners.ask_and_tell": set(),
    "tuners.configuration_space": set(),
    "tuners.keras_tuner": {"keras-tuner"},
    "tuners.bayesopt": set(),
    "tuners.dehb": set(),
    "tuners.hyperopt": set(),
    "tuners.skopt": set(),
    "tuners.smac": set(),
    "tuners.optuna": {"optuna"},
    "tuners.own_tuner": {"own"},
    "tuners.optuna_samplers": {"optuna"},
    "tuners.optuna_pruners": {"optuna"},
    "tuners.domains": {"keras-tuner", "optuna"},
    "backbones.efficientnet_lite0": {"lite0"},
    "backbones.torch_tensor_reader": {"lite0"},
    "backbones.own_model": {"own model"},
    "meters.gpu_meter": set(),
    "datasets.huggingface": set(),
    "datasets.own_data": {"own data"},
    "datasets.extracted_images": {"own data"},
    "datasets.resolving": set(),
    "datasets.table_files": set(),
    "datasets.image_tables": set(),
    "datasets.tfds": set(),
    "datasets.tfrecord": set(),
    "objectives.standalone_model": set(),
    "worker.executor_probe": set(),
    "worker.model_export": set(),
    "worker.fork_server": set(),
    "worker.cell_queue": set(),
    "worker.table_replay": set(),
    "worker.replay_process": set(),
    "tuners.every_configuration": set(),
    "objectives.recorded_curves": set(),
    "objectives.grid_of_heads": set(),
    "objectives.heads_side_by_side": set(),
    "learning_curve_tables": set(),
    "virtual_clock": set(),
    "datasets.data_summary": set(),
    "datasets.archives": set(),
    "catalogue.hyperband_brackets": set(),
    "environment": EVERY,
    "extensions.finding": set(),
}
MODULES = sorted(path.relative_to(PACKAGE).with_suffix("").as_posix() for path in PACKAGE.rglob("*.py"))


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    package = tmp_path_factory.mktemp("a copy") / "harness"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    return package


def hashes(package: Path) -> dict[str, str]:
    return {
        kind: code_identity.of_cell(library=library, model=model, data=data, package=package)
        for kind, (library, model, data) in KINDS.items()
    }


@pytest.fixture(scope="module")
def unchanged(copy: Path) -> dict[str, str]:
    return hashes(copy)


def changed_by(package: Path, unchanged: dict[str, str], names: Iterable[str], text: str) -> frozenset[str]:
    """Which kinds of cells are others once ``text`` stands at the end of these modules."""
    paths = [package / f"{name}.py" for name in names]
    as_they_were = [path.read_text("utf-8") for path in paths]
    for path, own in zip(paths, as_they_were, strict=True):
        path.write_text(own + text, "utf-8")
    try:
        after = hashes(package)
    finally:
        for path, own in zip(paths, as_they_were, strict=True):
            path.write_text(own, "utf-8")
    return frozenset(kind for kind in KINDS if unchanged[kind] != after[kind])


def expected(name: str) -> frozenset[str]:
    dotted = name.replace("/", ".").removesuffix(".__init__")
    if dotted in ONLY:
        return frozenset(ONLY[dotted])
    return frozenset() if dotted.split(".")[0] in OUTSIDE else EVERY


@pytest.mark.parametrize("kind", KINDS)
def test_a_cell_runs_through_just_these_modules(kind: str) -> None:
    library, model, data = KINDS[kind]
    named = {name.replace("/", ".").removesuffix(".__init__") for name in MODULES if kind in expected(name)}

    assert code_identity.reached(library=library, model=model, data=data) == {f"harness.{name}" for name in named}


# One of each set of kinds, the first and the last of what is run through: which modules these are is shown above.
@pytest.mark.seconds
@pytest.mark.parametrize(
    "name",
    [
        *("worker/__main__", "atomic_folders", "search_loop", "environment", "tuners/__init__"),
        *("tuners/optuna", "tuners/keras_tuner", "tuners/domains", "backbones/efficientnet_lite0"),
    ],
)
def test_a_module_changes_just_the_cells_that_run_through_it(copy: Path, unchanged: dict[str, str], name: str) -> None:
    assert changed_by(copy, unchanged, [name], "\nA_CONSTANT = 3.25\n") == expected(name)


def test_no_other_module_changes_any_cell(copy: Path, unchanged: dict[str, str]) -> None:
    others = [name for name in MODULES if not expected(name)]

    assert len(others) > 100
    assert changed_by(copy, unchanged, others, "\nA_CONSTANT = 3.25\n") == frozenset()


@pytest.mark.seconds
def test_remarks_and_texts_that_do_nothing_change_no_cell(copy: Path, unchanged: dict[str, str]) -> None:
    assert changed_by(copy, unchanged, MODULES, '\n# a remark\n"""And a text that stands alone."""\n') == frozenset()


@pytest.mark.seconds
def test_layout_and_what_is_only_said_of_an_option_change_no_cell(copy: Path) -> None:
    path = copy / "catalogue/tuner_libraries/optuna.py"
    before, text = hashes(copy), path.read_text("utf-8")

    path.write_text(text.replace('meaning="', 'meaning="Above all ').replace("\n\n\n", "\n\n\n\n"), "utf-8")

    assert hashes(copy) == before
    path.write_text(text.replace('extra="gp"', 'extra="gpu"'), "utf-8")
    assert hashes(copy) != before
    path.write_text(text, "utf-8")


def test_only_the_entry_of_its_own_model_counts(copy: Path) -> None:
    path = copy / "catalogue/backbones.json"
    before, text = hashes(copy), path.read_text("utf-8")

    path.write_text(text.replace('"module": "mobilenet_v2"', '"module": "mobilenet_v3"'), "utf-8")

    after = hashes(copy)
    assert {kind for kind in KINDS if before[kind] != after[kind]} == EVERY - {"lite0", "own model"}
    path.write_text(text, "utf-8")


def test_a_new_library_of_tuners_is_two_files_and_makes_no_other_cell_another(
    copy: Path, unchanged: dict[str, str]
) -> None:
    added = [copy / "catalogue/tuner_libraries/new_library.py", copy / "tuners/new_library.py"]
    before = code_identity.of_any_cell(copy)
    for path in added:
        path.write_text("A_CONSTANT = 1\n", "utf-8")

    after, own = hashes(copy), code_identity.reached(library="new-library", model="MobileNetV2", package=copy)
    image = code_identity.of_any_cell(copy)

    for path in added:
        path.unlink()
    assert after == unchanged
    assert {"harness.catalogue.tuner_libraries.new_library", "harness.tuners.new_library"} <= own
    assert image != before


def test_an_image_is_made_from_what_any_cell_runs_through(copy: Path) -> None:
    before = code_identity.of_any_cell(copy)
    path = copy / "tuners/optuna.py"
    text = path.read_text("utf-8")

    path.write_text(f"# a remark\n{text}", "utf-8")
    assert code_identity.of_any_cell(copy) == before
    path.write_text(f"{text}\nA_CONSTANT = 1\n", "utf-8")
    assert code_identity.of_any_cell(copy) != before
    path.write_text(text, "utf-8")


def test_evidence_tells_sources_apart_to_the_byte(copy: Path) -> None:
    before = code_identity.as_they_are(copy)
    path = copy / "tuners/optuna.py"
    text = path.read_text("utf-8")
    path.write_text(f"# a remark\n{text}", "utf-8")

    assert code_identity.as_they_are(copy) != before
    path.write_text(text, "utf-8")


def test_a_tuners_adapter_is_no_part_of_what_prepares_activations(copy: Path) -> None:
    before = code_identity.of_training(model="MobileNetV2", package=copy)
    path = copy / "tuners/optuna.py"
    text = path.read_text("utf-8")
    path.write_text(f"{text}\nA_CONSTANT = 1\n", "utf-8")

    assert code_identity.of_training(model="MobileNetV2", package=copy) == before
    path.write_text(text, "utf-8")


def test_a_package_without_any_worker_has_a_hash_of_nothing(tmp_path: Path) -> None:
    assert code_identity.of_any_cell(tmp_path) == code_identity.of_any_cell(tmp_path / "elsewhere")
    assert code_identity.reached(library="optuna", model="MobileNetV2", package=tmp_path) == frozenset()


def test_imports_for_type_checkers_are_not_run_through(tmp_path: Path) -> None:
    (tmp_path / "worker").mkdir()
    for name, text in {
        "__init__": "",
        "worker/__init__": "",
        "worker/__main__": (
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import harness.seen\nimport harness.run\n"
        ),
        "seen": "",
        "run": "",
    }.items():
        (tmp_path / f"{name}.py").write_text(text)

    reached = code_identity.reached(library="harness", model="none", package=tmp_path)

    assert "harness.run" in reached
    assert "harness.seen" not in reached
