from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from harness.catalogue import backbones, datasets, tuners
from harness.errors import MatrixError
from harness.hyperparameters import KNOWN
from harness.matrix import Matrix, documentation_tables, json_schema, load

ROOT = Path(__file__).parents[2]
DOCUMENTATION = ROOT / "docs" / "matrix.md"
SHIPPED = sorted((ROOT / "benchmarks").glob("*.toml"))
Load = Callable[[dict[str, Any]], Matrix]


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json_schema())


def documented_examples() -> list[str]:
    return re.findall(r"```toml\n(.*?)```", DOCUMENTATION.read_text("utf-8"), flags=re.DOTALL)


def test_the_schema_is_a_schema() -> None:
    schema = json_schema()

    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_a_caller_may_change_the_schema_it_got() -> None:
    json_schema()["properties"].clear()

    assert "seeds" in json_schema()["properties"]


def test_names_of_the_catalogues_are_listed_for_completion() -> None:
    schema = json_schema()
    sections = schema["$defs"]

    assert sections["TunerSection"]["properties"]["tuner"]["enum"] == [*tuners.KNOWN, tuners.OWN]
    assert sections["Backbone"]["properties"]["model"]["enum"] == [*backbones.KNOWN, backbones.OWN]
    assert sections["Dataset"]["properties"]["source"]["enum"] == list(datasets.KNOWN)
    assert list(schema["properties"]["tuners"]["properties"]) == [*tuners.KNOWN, tuners.OWN]
    sets = schema["properties"]["hyperparameters"]["additionalProperties"]
    assert list(sets["properties"]) == list(KNOWN)


def test_every_key_is_described_in_the_schema() -> None:
    schema = json_schema()

    for section in (schema, *schema["$defs"].values()):
        assert section["description"]
        assert all(entry["description"] for entry in section["properties"].values())


VALID: dict[str, dict[str, Any]] = {
    "the smallest": {},
    "empty sections in plenty": {"tuners": {"default": {}, "kt-grid": {}, "optuna-tpe": {}}},
    "a range with steps": {"hyperparameters": {"a b": {"dropout": {"low": 0, "high": 0.5, "step": 0.25}}}},
    "text choices": {"hyperparameters": {"ä": {"optimizer": {"choices": ["adam", "sgd"]}, "hidden_units": 64}}},
    "a rule with a name and one with a list": {
        "include": [{"tuner": "kt-random"}, {"seed": [1]}, {"seed": 1, "dataset": ["animals"]}]
    },
    "all budgets": {"budget": {"epochs": 60, "trials": 2, "wall_s": 9, "device_s": 0.5, "cost_usd": 1}},
    "options": {"tuners": {"optuna-tpe": {"pruner": "asha", "options": {"multivariate": False}}}},
    "an own folder": {"datasets": {"mine": {"source": "folder", "path": "x"}, "npz": {"path": "y.npz"}}},
    "a metric of one's own": {"protocol": {"metric": "my metrics/größe.py"}},
    "a metric of a package": {"protocol": {"metric": "package:größe"}},
    "a meter of one's own": {"protocol": {"meter": "my meters/größe.py"}},
    "a model of one's own": {
        "backbones": {"mine": {"model": "file", "path": "x.py", "weights": "none", "options": {"blocks": 3}}}
    },
    "a protocol": {"protocol": {"metric": "accuracy", "split": {}, "jit": True, "learning_rate_factors": [1, 10]}},
    "a schedule": {"protocol": {"schedule": "cosine", "warmup_epochs": 1}},
    "a schedule to tune": {"hyperparameters": {"full": {"schedule": {"choices": ["constant", "cosine"]}}}},
    "patience": {"protocol": {"patience": 8}},
    "augmentation": {"protocol": {"augmentation": {"flip": "vertical", "zoom": 0.1}}},
    "an empty augmentation": {"protocol": {"augmentation": {}}},
    "class weights": {
        "protocol": {"class_weights": "balanced"},
        "hyperparameters": {"full": {"class_weights": {"choices": ["none", "balanced"]}}},
    },
}
UNKNOWN: dict[str, dict[str, Any]] = {
    "key": {"tuner": {}},
    "tuner": {"tuners": {"a": {"tuner": "baysian"}}},
    "tuner by the section's name": {"tuners": {"baysian": {}}},
    "pruner": {"tuners": {"optuna-tpe": {"pruner": "baysian"}}},
    "backbone": {"backbones": {"a": {"model": "MobileNetV9"}}},
    "backbone by the section's name": {"backbones": {"MobileNetV9": {}}},
    "data set": {"datasets": {"a": {"source": "animal"}}},
    "data set by the section's name": {"datasets": {"animal": {}}},
    "hyperparameter": {"hyperparameters": {"full": {"learnign_rate": 0.1, "dropout": {"low": 0, "high": 0.5}}}},
    "optimizer": {"hyperparameters": {"full": {"optimizer": {"choices": ["adam", "adm"]}}}},
    "set that is a hyperparameter": {"hyperparameters": {"dropout": {"dropout": {"low": 0, "high": 0.5}}}},
    "part of a rule": {"exclude": [{"tuners": "kt-random"}]},
    "metric": {"protocol": {"metric": "f1"}},
    "metric of another kind": {"protocol": {"metric": ["accuracy"]}},
    "name with a slash": {"datasets": {"a/b": {"source": "animals"}}},
    "name that is empty": {"tuners": {"": {"tuner": "default"}}},
    "name that is too long": {"backbones": {"x" * 61: {"model": "MobileNetV2"}}},
    "hidden name": {"hyperparameters": {".a": {"dropout": {"low": 0, "high": 0.5}}}},
}


@pytest.mark.parametrize("change", VALID.values(), ids=VALID.keys())
def test_what_the_loader_accepts_the_schema_accepts(
    change: dict[str, Any], small: dict[str, Any], load_document: Load, validator: jsonschema.Draft202012Validator
) -> None:
    document = {**small, **change}

    load_document(document)
    validator.validate(document)


@pytest.mark.parametrize("change", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_unknown_names_are_refused_by_loader_and_schema_alike(
    change: dict[str, Any], small: dict[str, Any], load_document: Load, validator: jsonschema.Draft202012Validator
) -> None:
    document = {**small, **change}

    with pytest.raises(MatrixError):
        load_document(document)
    assert not validator.is_valid(document)


@pytest.mark.parametrize(("name", "known"), KNOWN.items())
def test_bounds_of_hyperparameters_are_the_loaders(
    name: str, known: Any, small: dict[str, Any], load_document: Load, validator: jsonschema.Draft202012Validator
) -> None:
    for value in (-1, 0, 1, 0.5, "adam", "x"):
        other = {"dropout": {"low": 0, "high": 0.5}} if name != "dropout" else {"batch_size": {"choices": [1, 2]}}
        document = {
            **small,
            "backbones": {"MobileNetV2": {"train": "last:3"}},
            "hyperparameters": {"full": {name: value, **other}},
        }

        fits = known.mistake(value) is None
        assert validator.is_valid(document) == fits
        if fits:
            load_document(document)
        else:
            with pytest.raises(MatrixError):
                load_document(document)


def test_matrices_are_shipped() -> None:
    assert SHIPPED


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_every_shipped_matrix_is_sound(file: Path, validator: jsonschema.Draft202012Validator) -> None:
    load(file)
    validator.validate(tomllib.loads(file.read_text("utf-8")))


def test_the_documentation_has_an_example() -> None:
    assert documented_examples()


@pytest.mark.parametrize("text", documented_examples())
def test_every_documented_example_is_sound(
    text: str, tmp_path: Path, validator: jsonschema.Draft202012Validator
) -> None:
    file = tmp_path / "example.toml"
    file.write_text(text, "utf-8")

    load(file)
    validator.validate(tomllib.loads(text))


def test_the_documented_keys_are_those_of_the_schema() -> None:
    documented = DOCUMENTATION.read_text("utf-8")

    assert documented.endswith(documentation_tables.markdown()), (
        "make the end of docs/matrix.md again, as its comment says"
    )


def test_every_key_and_hyperparameter_is_documented() -> None:
    schema = json_schema()
    documented = DOCUMENTATION.read_text("utf-8")

    sections = (schema, *schema["$defs"].values())
    for key in {key for section in sections for key in section["properties"]} | set(KNOWN):
        assert f"| `{key}` |" in documented
