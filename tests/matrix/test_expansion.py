from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness import matrix_schema
from harness.matrix import Combination, Matrix, combinations

Load = Callable[[dict[str, Any]], Matrix]


@pytest.fixture
def pairs(small: dict[str, Any]) -> dict[str, Any]:
    """Return two of each part."""
    return {
        **small,
        "seeds": [2, 1],
        "datasets": {"digits": {}, "animals": {}},
        "backbones": {"MobileNetV2": {}, "NASNetMobile": {}},
        "tuners": {"kt-random": {}, "default": {}},
        "hyperparameters": {"b": {"dropout": {"low": 0, "high": 0.5}}, "a": {"dropout": {"low": 0, "high": 0.6}}},
    }


def test_the_smallest_matrix_is_one_search(small: dict[str, Any], load_document: Load) -> None:
    assert combinations(load_document(small).spec) == [
        Combination(seed=1, dataset="animals", backbone="MobileNetV2", hyperparameters="full", tuner="kt-random")
    ]


def test_seeds_vary_slowest_and_tuners_fastest_in_the_order_of_the_matrix(
    pairs: dict[str, Any], load_document: Load
) -> None:
    searches = combinations(load_document(pairs).spec)

    assert len(searches) == len(set(searches)) == 32
    assert [search.seed for search in searches] == [2] * 16 + [1] * 16
    assert [search.dataset for search in searches[:16]] == ["digits"] * 8 + ["animals"] * 8
    assert [search.backbone for search in searches[:8]] == ["MobileNetV2"] * 4 + ["NASNetMobile"] * 4
    assert [(search.hyperparameters, search.tuner) for search in searches[:4]] == [
        ("b", "kt-random"),
        ("b", "default"),
        ("a", "kt-random"),
        ("a", "default"),
    ]


def test_include_keeps_what_any_of_its_rules_matches(pairs: dict[str, Any], load_document: Load) -> None:
    rules = [{"tuner": "default", "seed": 1}, {"dataset": ["digits"], "hyperparameters": "a"}]

    searches = combinations(load_document({**pairs, "include": rules}).spec)

    assert len(searches) == 8 + 8 - 2
    assert all(
        (search.tuner == "default" and search.seed == 1)
        or (search.dataset == "digits" and search.hyperparameters == "a")
        for search in searches
    )


def test_exclude_takes_away_from_what_include_keeps(pairs: dict[str, Any], load_document: Load) -> None:
    rules = {"include": [{"seed": [1, 2], "dataset": "digits"}], "exclude": [{"seed": 2}, {"backbone": "NASNetMobile"}]}

    searches = combinations(load_document({**pairs, **rules}).spec)

    assert {(search.seed, search.dataset, search.backbone) for search in searches} == {(1, "digits", "MobileNetV2")}
    assert len(searches) == 4


def test_seed_zero_is_a_seed(pairs: dict[str, Any], load_document: Load) -> None:
    matrix = load_document({**pairs, "seeds": [0, 1], "exclude": [{"seed": 0}]})

    assert {search.seed for search in combinations(matrix.spec)} == {1}


def test_a_rule_without_parts_matches_every_search() -> None:
    matrix = matrix_schema.Document(
        datasets={"a": matrix_schema.Dataset(source="animals")},
        backbones={"b": matrix_schema.Backbone(model="MobileNetV2")},
        tuners={"t": matrix_schema.TunerSection(tuner="default")},
        hyperparameters={"h": {"dropout": 0.1}},
        seeds=[1],
        budget=matrix_schema.Budget(trials=1),
        exclude=[matrix_schema.Rule()],
    )

    assert combinations(matrix) == []
