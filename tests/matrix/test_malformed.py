from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.catalogue import tuners
from harness.errors import MatrixError
from harness.hyperparameters import KNOWN
from harness.matrix import Matrix, combinations, json_schema, load
from harness.matrix.mistakes import dotted

Document = dict[str, Any]
KeyPath = tuple[str | int, ...]

# Every key of the format, so that each can be spoilt.
FULL: Document = {
    "seeds": [1, 2, 3],
    "budget": {"epochs": 60, "trials": 20, "wall_s": 600.0, "device_s": 300.0, "cost_usd": 0.5},
    "protocol": {
        "metric": "macro_f1",
        "epochs_per_trial": 10,
        "image_size": 96,
        "schedule": "cosine",
        "warmup_epochs": 0.5,
        "class_weights": "balanced",
        "patience": 3,
        "augmentation": {"flip": "horizontal", "rotation": 0.05, "translation": 0.1, "zoom": 0.1, "contrast": 0.2},
        "split": {"train": 0.6, "validation": 0.2, "test": 0.2},
        "determinism": True,
        "precision": "float32",
        "jit": False,
        "learning_rate_factors": [0.1, 1.0, 10.0],
    },
    "container": {"cpus": 4.0, "memory_gib": 8.0, "pids": 4096, "shm_mib": 64, "deadline_s": 7200.0},
    "datasets": {
        "small animals": {"source": "animals", "per_class": 100, "max_images": 1000, "sample_seed": 7},
        "mine": {"source": "folder", "path": "data/mine"},
        "listed": {
            "source": "table",
            "path": "birds.csv",
            "columns": {"image": "file", "label": "kind", "part": "split", "group": "site"},
        },
    },
    "backbones": {
        "frozen": {"model": "MobileNetV2", "weights": "imagenet", "train": "head", "alpha": 0.35},
        "own": {"model": "MobileNetV2", "weights": "w.h5", "weights_sha256": "ab" * 32, "train": "last:9"},
    },
    "tuners": {
        "untuned": {"tuner": "default"},
        "tpe + hyperband": {
            "tuner": "optuna-tpe",
            "pruner": "hyperband",
            "options": {"n_startup_trials": 5, "multivariate": True},
            "pruner_options": {"reduction_factor": 3},
        },
    },
    "hyperparameters": {
        "full": {
            "learning_rate": {"low": 1e-4, "high": 1e-1, "log": True, "default": 1e-3},
            "batch_size": {"choices": [16, 32, 64], "default": 32},
            "dropout": {"low": 0.0, "high": 0.6, "step": 0.1, "default": 0.2},
            "hidden_units": {"low": 0, "high": 256, "step": 64},
            "optimizer": {"choices": ["adam", "sgd"], "default": "sgd"},
            "weight_decay": 1e-4,
        },
        "deep": {"fine_tune_depth": {"low": 1, "high": 9}, "learning_rate": 1e-3},
    },
    "include": [{"dataset": ["small animals", "mine"], "seed": [1, 2, 3]}],
    "exclude": [
        {"hyperparameters": "deep", "backbone": "frozen"},
        {"tuner": ["untuned"], "seed": 3},
    ],
}
JARGON = ("pydantic", "Traceback", "Input should", "Extra inputs", "not permitted", "valid dictionary", "NoneType")
REQUIRED: tuple[KeyPath, ...] = (
    ("seeds",),
    ("budget",),
    ("datasets",),
    ("backbones",),
    ("tuners",),
    ("hyperparameters",),
    ("datasets", "mine", "source"),
    ("datasets", "mine", "path"),
    ("backbones", "own", "model"),
    ("tuners", "tpe + hyperband", "tuner"),
    ("hyperparameters", "full", "learning_rate", "low"),
    ("hyperparameters", "full", "learning_rate", "high"),
    ("hyperparameters", "full", "optimizer", "choices"),
)
# Values of every other kind than the one that stands there. A number may stand for a domain or for a list of seeds.
WRONG: dict[type, tuple[Any, ...]] = {
    bool: (1, "yes", [], {}, date(2026, 1, 2)),
    int: ("text", 1.5, True, math.nan, math.inf, [], {"a": 1}, date(2026, 1, 2), 2**70),
    float: ("text", True, math.nan, -math.inf, [], {"a": 1}, date(2026, 1, 2), 16**5000),
    str: (1, 1.5, False, [], {"a": 1}, date(2026, 1, 2)),
    list: (1.5, True, {}, [], [[]], [{"a": {}}], date(2026, 1, 2)),
    dict: ("text", True, [], {}, date(2026, 1, 2)),
}
# Empty lists and tables that mean "none".
MAY_BE_EMPTY = (
    "columns",
    "options",
    "pruner_options",
    "learning_rate_factors",
    "include",
    "exclude",
    "protocol",
    "split",
    "augmentation",
    "container",
)


def walk(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    if path:
        yield path, value
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from walk(part, (*path, key))


def changed(path: KeyPath, value: Any) -> Document:
    document = copy.deepcopy(FULL)
    place = parent_of(document, path)
    place[path[-1]] = value
    return document


def dropped(path: KeyPath) -> Document:
    document = copy.deepcopy(FULL)
    del parent_of(document, path)[path[-1]]
    return document


def parent_of(document: Document, path: KeyPath) -> Any:
    place: Any = document
    for key in path[:-1]:
        place = place[key]
    return place


def wrong_values(path: KeyPath, value: Any) -> Iterator[Any]:
    for wrong in WRONG[type(value)]:
        empty_is_fine = wrong in ([], {}) and type(wrong) is type(value) and path[-1] in MAY_BE_EMPTY
        # Choices and options may be numbers of any kind: their own bounds are tested below.
        free = path[0] == "hyperparameters" and len(path) > 3 and path[3] in ("choices", "default")
        free = free or (path[0] == "tuners" and len(path) > 3)
        if not empty_is_fine and not (free and isinstance(wrong, int | float | str) and abs_or_0(wrong) < 2**63):
            yield wrong


def abs_or_0(value: float | str) -> float:
    return 0 if isinstance(value, str) else abs(value)


def structural() -> Iterator[tuple[str, KeyPath, Document]]:
    for path in REQUIRED:
        yield f"without {dotted(path)}", path, dropped(path)
    for path, value in walk(FULL):
        for place, wrong in enumerate(wrong_values(path, value)):
            yield f"{dotted(path)} of kind {place} {type(wrong).__name__}", path, changed(path, wrong)
        if isinstance(value, dict) and path not in (("datasets",), ("backbones",), ("tuners",)):
            yield f"stranger in {dotted(path)}", path, changed(path, {**value, "zzz": 1})
    yield "stranger at the top", (), {**FULL, "zzz": 1}


STRUCTURAL = list(structural())


def lines_of(error: MatrixError, path: Path) -> tuple[str, ...]:
    assert error.mistakes
    for line in error.mistakes:
        assert line.startswith(f"{path}: ")
        assert line.isprintable()
        assert len(line) < 300
        assert len(line) > len(f"{path}: ") + 10
        assert not any(word in line for word in JARGON), line
    return error.mistakes


def test_the_matrix_that_is_spoilt_below_is_sound(load_document: Callable[[Document], Matrix]) -> None:
    matrix = load_document(FULL)

    assert len(combinations(matrix.spec)) == 3 * 2 * 2 * 2 * 2 - 3 * 2 * 2 - 2 * 3


def test_there_are_enough_spoilt_matrices() -> None:
    assert len(STRUCTURAL) >= 250


@pytest.mark.parametrize(("path", "document"), [case[1:] for case in STRUCTURAL], ids=[case[0] for case in STRUCTURAL])
def test_one_mistake_is_one_line_that_names_its_key(
    path: KeyPath, document: Document, write: Callable[[Document], Path]
) -> None:
    file = write(document)

    with pytest.raises(MatrixError) as caught:
        load(file)

    lines = lines_of(caught.value, file)
    assert len(lines) == 1, lines
    assert f"{file}: {dotted(path[:2])}" in lines[0]
    assert all(str(part) in lines[0] for part in path if isinstance(part, str))


def invisible_to_a_schema(path: KeyPath, document: Document) -> bool:
    """Whether only the loader can see the mistake.

    JSON has neither NaN nor bounds on integers; the options of each tuner, the path that only some sources need, and
    which steps fit are more than the schema says.
    """
    numbers = [value for _, value in walk(document) if isinstance(value, int | float)]
    odd = any(not abs(number) < 2**63 for number in numbers)
    return odd or path[2:3] in (("options",), ("pruner_options",), ("path",)) or path[-1:] == ("step",)


VISIBLE = [case for case in STRUCTURAL if not invisible_to_a_schema(*case[1:])]


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json_schema())


def test_the_schema_accepts_the_matrix_that_is_spoilt_here(validator: jsonschema.Draft202012Validator) -> None:
    validator.validate(FULL)


def test_the_schema_sees_most_of_what_the_loader_sees() -> None:
    assert len(VISIBLE) > len(STRUCTURAL) / 2


@pytest.mark.parametrize("document", [case[2] for case in VISIBLE], ids=[case[0] for case in VISIBLE])
def test_the_schema_refuses_it_too(document: Document, validator: jsonschema.Draft202012Validator) -> None:
    assert not validator.is_valid(document)


# One mistake each, and what its line must say.
MEANING: tuple[tuple[KeyPath, Any, str], ...] = (
    (("seeds",), [1, 1, 3], "seeds[1]: 1 is listed twice"),
    (("seeds",), [-1, 1, 2, 3], "seeds[0]: must be at least 0, not -1"),
    (("seeds",), [1, 2, 3, 2**31], "seeds[3]: must be at most 2147483647"),
    (("budget",), {}, "budget: has no limit; set one of epochs, trials"),
    (("budget", "epochs"), 0, "must be at least 1, not 0"),
    (("budget", "epochs"), 9, "9 epochs can't finish one trial of 10; raise it or lower protocol.epochs_per_trial"),
    (("budget", "trials"), -3, "must be at least 1, not -3"),
    (("budget", "trials"), 10**10, "must be at most 1000000000"),
    (("budget", "wall_s"), 0, "must be more than 0, not 0"),
    (("budget", "device_s"), -0.5, "must be more than 0, not -0.5"),
    (("budget", "cost_usd"), 0.0, "must be more than 0, not 0.0"),
    (("container", "cpus"), 0, "must be at least 0.01, not 0"),
    (("container", "memory_gib"), 0.01, "must be at least 0.03125, not 0.01"),
    (("container", "memory_gb"), 8, "unknown key 'memory_gb'; did you mean 'memory_gib'?"),
    (("container", "pids"), 0, "must be at least 1, not 0"),
    (("container", "deadline_s"), 0, "must be more than 0, not 0"),
    (("protocol", "metric"), "macro-f1", "unknown value 'macro-f1'; did you mean 'macro_f1'?"),
    (("protocol", "metric"), "", "known: macro_f1, weighted_f1, micro_f1, accuracy"),
    (("protocol", "image_size"), 31, "must be at least 32, not 31"),
    (("protocol", "image_size"), 1025, "must be at most 1024, not 1025"),
    (("protocol", "precision"), "mixed-float16", "did you mean 'mixed_float16'?"),
    (("protocol", "epochs_per_trial"), 61, "budget.epochs: 60 epochs can't finish one trial of 61"),
    (("protocol", "split", "train"), 0.7, "protocol.split: train 0.7, validation 0.2 and test 0.2 sum to 1.1"),
    (("protocol", "split", "test"), 0, "must be more than 0, not 0"),
    (("protocol", "split", "test"), 1, "must be less than 1, not 1"),
    (("protocol", "learning_rate_factors"), [0.1, 10.0], "lacks 1.0"),
    (("protocol", "learning_rate_factors"), [1, 1.0], "learning_rate_factors[1]: 1.0 is listed twice"),
    (("protocol", "learning_rate_factors"), [1, 0], "must be more than 0, not 0"),
    (("protocol", "schedule"), "cosin", "unknown value 'cosin'; did you mean 'cosine'?"),
    (("protocol", "warmup_epochs"), 10, "10 epochs leave none of the 10 of a trial; lower it or raise"),
    (("protocol", "warmup_epochs"), -1, "must be at least 0, not -1"),
    (("protocol", "class_weights"), "balance", "unknown value 'balance'; did you mean 'balanced'?"),
    (("protocol", "patience"), 9, "9 ends no trial of 10 epochs before its last; lower it or leave it out"),
    (("protocol", "patience"), -1, "must be at least 0, not -1"),
    (("protocol", "augmentation", "flip"), "horizontl", "unknown value 'horizontl'; did you mean 'horizontal'?"),
    (("protocol", "augmentation", "rotation"), 0.6, "must be at most 0.5, not 0.6"),
    (("protocol", "augmentation", "zoom"), 0, "must be more than 0, not 0"),
    (("protocol", "augmentation", "contrst"), 0.2, "unknown key 'contrst'; did you mean 'contrast'?"),
    (("protocol", "augmentation"), "flip", "must be a table, written [protocol.augmentation] or { … }, not 'flip'"),
    (("protocol", "split", "tests"), 0.2, "unknown key 'tests'; did you mean 'test'?"),
    (("protocol", "determinsm"), True, "unknown key 'determinsm'; did you mean 'determinism'?"),
    (("datasets", "mine", "source"), "fodler", "unknown data set 'fodler'; did you mean 'folder'?"),
    (
        ("datasets", "anmals"),
        {},
        "datasets.anmals.source: missing; add source = …, or did you mean [datasets.animals]?",
    ),
    (("datasets", "zoo"), {}, "datasets.zoo.source: missing; add it, such as source = 'animals'"),
    (("backbones", "resnet50"), {}, "resnet50.model: missing; add model = …, or did you mean [backbones.ResNet50]?"),
    (("datasets", "small animals", "per_class"), 0, "must be at least 1, not 0"),
    (("datasets", "mine", "group_by"), "", "datasets.mine.group_by: is empty; give at least one character"),
    (("datasets", "listed", "columns", "image"), "", "listed.columns.image: is empty; give at least one character"),
    (("datasets", "listed", "columns", "lable"), "x", "columns.lable: unknown key 'lable'; did you mean 'label'?"),
    (
        ("datasets", "mine", "columns"),
        {"image": "x"},
        "datasets.mine.columns: not used by source 'folder'; leave it out",
    ),
    (("datasets", "small animals", "sample_seed"), -1, "must be at least 0, not -1"),
    (("datasets", "same"), {"source": "folder", "path": "data/mine"}, "datasets.same: says the same as 'mine'"),
    (("datasets", ""), {"source": "digits"}, 'datasets."": the name is empty'),
    (("datasets", "a/b"), {"source": "digits"}, """datasets."a/b": '/' can't stand in a name; use letters"""),
    (("datasets", "a\nb"), {"source": "digits"}, "can't stand in a name"),
    (("datasets", "x" * 61), {"source": "digits"}, "the name has 61 characters; 60 are allowed"),
    (("backbones", ".own"), {"model": "NASNetMobile"}, "neither starts with a dot"),
    (("tuners", "a "), {"tuner": "kt-random"}, "nor ends with a space"),
    (("hyperparameters", "a\u202eb"), {"dropout": {"low": 0, "high": 0.5}}, "can't stand in a name"),
    (("backbones", "frozen", "model"), "MobileNetV9", "backbones.frozen.model: unknown backbone 'MobileNetV9'"),
    (("backbones", "frozen", "train"), "last:0", "'last:0' doesn't fit; `head` (backbone frozen), `last:N`"),
    (("backbones", "own", "weights_sha256"), "AB" * 32, "64 lower-case hexadecimal digits"),
    (("backbones", "frozen", "alpha"), 0, "must be more than 0, not 0"),
    (("backbones", "frozen", "alpha"), 1e300, "must be at most 10, not 1e+300"),
    (("budget", "wall_s"), math.inf, "must be a finite number, not inf"),
    (("tuners", "learning-rate check"), {"tuner": "kt-random"}, "so; choose another name"),
    (("tuners", "untuned", "tuner"), "optuna-tpee", "unknown tuner 'optuna-tpee'; did you mean 'optuna-tpe'?"),
    (("tuners", "tpe + hyperband", "pruner"), "hyperbnd", "did you mean 'hyperband'?"),
    (("tuners", "tpe + hyperband", "options"), {"n_startup_trails": 5}, "options.n_startup_trails: unknown option"),
    (("tuners", "tpe + hyperband", "pruner_options"), {"min_resource": 11}, "11 is more than the 10 epochs of a trial"),
    (("tuners", "other"), {"tuner": "default"}, "tuners.other: says the same as 'untuned'"),
    (("hyperparameters", "learning_rate"), {"low": 1e-4, "high": 0.1}, "is a hyperparameter, not a set"),
    (("hyperparameters", "learning_rate"), {"low": 1e-4, "high": 0.1, "log": True}, "is a hyperparameter, not a set"),
    (("hyperparameters", "batch_size"), {"choices": [16, 32], "default": True}, "is a hyperparameter, not a set"),
    (("hyperparameters", "batch_size"), 32, "is a hyperparameter, not a set"),
    (("hyperparameters", "full", "learnign_rate"), 0.1, "did you mean 'learning_rate'?"),
    (("hyperparameters", "full", "learning_rate"), {"low": 0, "high": 1, "log": True}, "a log range starts above 0"),
    *(
        (
            ("hyperparameters", "full", "learning_rate"),
            {"low": low, "high": high, "log": True},
            "are more powers of ten than a number holds",
        )
        for low, high in ((1e-310, 0.1), (1e-307, 100.0))
    ),
    (("hyperparameters", "full", "learning_rate"), {"low": -1, "high": 1, "log": True}, "a log range starts above 0"),
    (("hyperparameters", "full", "learning_rate"), {"low": 0.0, "high": 1}, "low: must be more than 0, not 0.0"),
    (("hyperparameters", "full", "learning_rate"), {"low": 1, "high": 1e18}, "high: must be less than 1e+06"),
    (("hyperparameters", "full", "learning_rate"), {"low": 1, "high": 0.1}, "low 1 must be less than high 0.1"),
    (("hyperparameters", "full", "learning_rate"), {"low": 1, "high": 1}, "for one value write it alone"),
    (("hyperparameters", "full", "learning_rate"), {"low": 1}, "has low without high; add high"),
    (("hyperparameters", "full", "learning_rate"), {"high": 1}, "has high without low; add low"),
    (("hyperparameters", "full", "learning_rate"), {}, "neither a range nor choices"),
    (("hyperparameters", "full", "learning_rate"), {"default": 0.1}, "neither a range nor choices"),
    (("hyperparameters", "full", "learning_rate"), 0, "must be more than 0, not 0"),
    (("hyperparameters", "full", "learning_rate"), {"choices": ["a", "b"]}, "choices[0]: must be a number, not 'a'"),
    (("hyperparameters", "full", "learning_rate", "step"), 0.1, "a log range has no step, not even 0.1"),
    (("hyperparameters", "full", "learning_rate", "default"), 1, "1.0 lies outside 0.0001 to 0.1; move it inside"),
    (("hyperparameters", "full", "learning_rate", "default"), "x", "default: must be a number, not 'x'"),
    (("hyperparameters", "full", "learning_rate", "choices"), [0.1, 0.2], "has choices and a range"),
    (("hyperparameters", "full", "batch_size", "choices"), [16, 16.0, 32], "choices[1]: 16 is listed twice"),
    (("hyperparameters", "full", "batch_size", "choices"), [0, 32], "choices[0]: must be at least 1, not 0"),
    (("hyperparameters", "full", "batch_size", "choices"), [16.5, 32], "must be a whole number, not 16.5"),
    (("hyperparameters", "full", "batch_size", "default"), 48, "48 is not among the choices; name one of them"),
    (("hyperparameters", "full", "batch_size", "log"), True, "has choices and a range"),
    (("hyperparameters", "full", "batch_size", "step"), 16, "has choices and a range"),
    (("hyperparameters", "full", "batch_size"), 0, "must be at least 1, not 0"),
    (("hyperparameters", "full", "batch_size"), {"choices": [8], "default": 16}, "16 is not among the choices"),
    (("hyperparameters", "full", "dropout", "high"), 1.0, "dropout.high: must be less than 1, not 1.0"),
    (("hyperparameters", "full", "dropout", "step"), 0, "step: must be a number more than 0, not 0"),
    (("hyperparameters", "full", "dropout", "step"), 0.25, "step: 0.25 doesn't divide 0 to 0.6"),
    (("hyperparameters", "full", "dropout", "step"), 1, "step: 1 doesn't divide 0 to 0.6"),
    (("hyperparameters", "full", "dropout", "step"), 1e-9, "more than a million values"),
    (("hyperparameters", "full", "dropout", "default"), 0.25, "0.25 lies outside 0 to 0.6 in steps of 0.1"),
    (("hyperparameters", "full", "hidden_units", "step"), 0.5, "must be a whole number more than 0, not 0.5"),
    (("hyperparameters", "full", "hidden_units", "high"), 256.5, "must be a whole number, not 256.5"),
    (
        ("hyperparameters", "full", "optimizer"),
        "adm",
        "must be one of adam, sgd, rmsprop, not 'adm'; did you mean 'adam'",
    ),
    (("hyperparameters", "full", "schedule"), "linear", "must be one of constant, cosine, not 'linear'"),
    (("hyperparameters", "full", "optimizer"), 1, "must be one of adam, sgd, rmsprop, not 1"),
    (("hyperparameters", "full", "optimizer"), {"low": 0, "high": 1}, "takes no range; list choices of adam, sgd"),
    (("hyperparameters", "full", "optimizer", "choices"), ["adam", "adam"], "'adam' is listed twice; keep one"),
    (("hyperparameters", "deep"), {"learning_rate": 0.1}, "every value is fixed, so nothing is tuned"),
    (("hyperparameters", "deep"), {"dropout": {"choices": [0.1]}}, "every value is fixed, so nothing is tuned"),
    (("exclude",), [{"tuner": "untuned"}], "fine_tune_depth: needs train = 'last:N', but backbone 'frozen' has 'head'"),
    (
        ("hyperparameters", "deep", "fine_tune_depth", "high"),
        10,
        "hyperparameters.deep.fine_tune_depth: 10 layers are more than backbone 'own' trains with 'last:9'; change one",
    ),
    (
        ("hyperparameters", "deep", "fine_tune_depth"),
        {"choices": [2, 12]},
        "fine_tune_depth: 12 layers are more than backbone 'own' trains with 'last:9'",
    ),
    (("include",), [{"tuner": "tpe"}], "include[0].tuner: unknown tuner 'tpe'"),
    (("include",), [{"dataset": ["mine", "mne"]}], "unknown dataset 'mne'; did you mean 'mine'?"),
    (("include",), [{"seed": 4}], "include[0].seed: unknown seed '4'; known: 1, 2, 3"),
    (("include",), [{}], "include[0]: names no part, so it matches every search"),
    (("exclude",), [{"dataset": ["mine", "small animals"]}], "exclude: leaves no search to run; remove a rule"),
    (("exclude", 0, "backbne"), "own", "exclude[0].backbne: unknown key 'backbne'; did you mean 'backbone'?"),
)


@pytest.mark.parametrize(("path", "value", "said"), MEANING, ids=[case[2][:50] for case in MEANING])
def test_a_mistake_in_meaning_is_one_line_with_the_value_and_the_way_out(
    path: KeyPath, value: Any, said: str, write: Callable[[Document], Path]
) -> None:
    file = write(changed(path, value))

    with pytest.raises(MatrixError) as caught:
        load(file)

    lines = lines_of(caught.value, file)
    assert len(lines) == 1, lines
    assert said in lines[0]


def test_an_excluded_search_that_include_leaves_out_anyway_is_told(write: Callable[[Document], Path]) -> None:
    file = write({**FULL, "include": [{"backbone": "own"}]})

    with pytest.raises(MatrixError) as caught:
        load(file)

    (line,) = lines_of(caught.value, file)
    assert "exclude[0]: matches no search, because include leaves none of these; remove it" in line


@pytest.mark.parametrize(
    ("tuner", "named", "said"),
    [
        ("optuna-cmaes", {"optimizer": {"choices": ["adam", "sgd"]}}, "optuna-cmaes tunes numbers, and"),
        ("kt-grid", {"hidden_units": {"low": 0, "high": 10**6, "step": 1}}, "the grid has 1,000,001 configurations"),
    ],
)
def test_a_tuner_that_can_not_tune_a_set_is_told_once(
    tuner: str, named: Document, said: str, write: Callable[[Document], Path]
) -> None:
    document = {**FULL, "tuners": {"a": {"tuner": tuner}}, "exclude": [{"hyperparameters": "deep"}]}
    document["hyperparameters"] = {**FULL["hyperparameters"], "mine": named}
    file = write(document)

    with pytest.raises(MatrixError) as caught:
        load(file)

    (line,) = lines_of(caught.value, file)
    assert f"{file}: tuners.a." in line
    assert f"with hyperparameters.mine: {said}" in line


def test_a_tuner_that_can_not_tune_a_set_may_be_kept_from_it(load_document: Callable[[Document], Matrix]) -> None:
    document = {**FULL, "tuners": {"a": {"tuner": "optuna-cmaes"}, "b": {"tuner": "kt-random"}}}
    document["hyperparameters"] = {
        "mine": {"optimizer": {"choices": ["adam", "sgd"]}},
        "deep": FULL["hyperparameters"]["deep"],
    }
    document["exclude"] = [{"tuner": "a", "hyperparameters": "mine"}, {"hyperparameters": "deep", "backbone": "frozen"}]

    assert len(combinations(load_document(document).spec)) == 3 * 2 * (2 + 2)


def test_every_mistake_of_a_matrix_is_told_at_once(write: Callable[[Document], Path]) -> None:
    document = changed(("datasets", "mine", "source"), 5)
    document["tuners"]["untuned"]["tuner"] = "defualt"
    document["hyperparameters"]["full"]["dropout"]["high"] = 2
    document["seeds"] = [1, 1]
    file = write(document)

    with pytest.raises(MatrixError) as caught:
        load(file)

    keys = [line.split(": ")[1] for line in lines_of(caught.value, file)]
    assert sorted(keys) == [
        "datasets.mine.source",
        "hyperparameters.full.dropout.high",
        "seeds[1]",
        "tuners.untuned.tuner",
    ]


def test_a_misspelt_key_that_is_required_is_told_once(write: Callable[[Document], Path]) -> None:
    document = dropped(("budget",))
    document["budgett"] = {"epochs": 60}
    file = write(document)

    with pytest.raises(MatrixError) as caught:
        load(file)

    (line,) = lines_of(caught.value, file)
    assert line == f"{file}: budgett: unknown key 'budgett'; did you mean 'budget'?"


def test_thousands_of_mistakes_are_told_in_part(write: Callable[[Document], Path]) -> None:
    file = write({**FULL, "seeds": ["x"] * 5000})

    with pytest.raises(MatrixError) as caught:
        load(file)

    lines = lines_of(caught.value, file)
    assert len(lines) == 51
    assert "4950 more mistakes; mend these first" in lines[-1]


KEYS = (
    [str(key) for path, _ in walk(FULL) for key in path[-1:] if isinstance(key, str)] + list(KNOWN) + list(tuners.KNOWN)
)
# Surrogates have no UTF-8.
CHARACTERS = st.characters(codec="utf-8")
SCALARS = (
    st.booleans()
    | st.integers()
    | st.floats()
    | st.text(CHARACTERS, max_size=80)
    | st.dates()
    | st.datetimes()
    | st.times()
    | st.sampled_from(KEYS)
    | st.sampled_from([0, 1, 1.0, -1, 2**63, 1e308, 5e-324, -0.0])
)
NAMES = st.sampled_from(KEYS) | st.text(CHARACTERS, max_size=70)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4))
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=6)
PATHS = st.sampled_from([path for path, _ in walk(FULL)])
FUZZ = settings(max_examples=100, deadline=None, database=None, derandomize=True)


def judge(file: Path) -> None:
    """Load ``file``: either it can be run, or each of its mistakes is a clear line."""
    try:
        matrix = load(file)
    except MatrixError as error:
        lines_of(error, file)
    else:
        assert combinations(matrix.spec)
        for space in matrix.spaces.values():
            assert space.tuned
            assert space.contains(space.defaults)


@pytest.mark.seconds
@FUZZ
@given(document=DOCUMENTS)
def test_any_toml_document_is_judged(document: Document, write: Callable[[Document], Path]) -> None:
    judge(write(document))


@FUZZ
@given(path=PATHS, value=VALUES)
def test_any_value_in_any_place_is_judged(path: KeyPath, value: Any, write: Callable[[Document], Path]) -> None:
    judge(write(changed(path, value)))


@pytest.mark.seconds
@FUZZ
@given(
    name=st.sampled_from(list(KNOWN)),
    domain=st.fixed_dictionaries(
        {},
        optional={
            "low": st.floats() | st.integers(0, 99),
            "high": st.floats() | st.integers(0, 99),
            "step": st.floats() | st.integers(0, 9),
            "log": st.booleans(),
            "default": SCALARS,
            "choices": st.lists(SCALARS, max_size=4),
        },
    ),
)
def test_any_domain_is_judged(name: str, domain: Document, write: Callable[[Document], Path]) -> None:
    judge(write(changed(("hyperparameters", "full", name), domain)))
