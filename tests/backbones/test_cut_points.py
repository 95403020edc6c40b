from __future__ import annotations

import keras
import pytest

from harness.backbones import cut_points
from harness.errors import UserError

pytestmark = pytest.mark.train


def residual() -> keras.Model:
    """Two dense layers in a row, a third with a shortcut around it, and a last one."""
    inputs = keras.Input((4,))
    first = keras.layers.Dense(4, name="first")(inputs)
    second = keras.layers.Dense(4, name="second")(first)
    around = keras.layers.Dense(4, name="around")(second)
    added = keras.layers.Add(name="added")([second, around])
    return keras.Model(inputs, keras.layers.Dense(2, name="last")(added), name="residual")


def cut_before(name: str) -> str | None:
    core = residual()
    operation = cut_points.below(core, core.get_layer(name))
    return None if operation is None else operation.name


def test_the_deepest_single_tensor_is_cut() -> None:
    assert cut_before("last") == "added"


def test_a_shortcut_is_not_cut() -> None:
    assert cut_before("added") == "second"


def test_the_start_of_a_shortcut_can_be_cut() -> None:
    assert cut_before("around") == "second"


def test_nothing_is_cut_where_no_weights_lie_below() -> None:
    assert cut_before("first") is None


def test_a_trained_first_layer_is_not_below() -> None:
    assert cut_before("second") == "first"


def test_the_last_layers_are_counted_by_weights() -> None:
    assert [layer.name for layer in cut_points.trained_layers(residual(), 3)] == ["second", "around", "last"]


def test_all_layers_may_be_trained_but_no_more() -> None:
    assert len(cut_points.trained_layers(residual(), 4)) == 4
    with pytest.raises(UserError, match="'last:5' is more than the 4 layers of residual with weights; write 'all'"):
        cut_points.trained_layers(residual(), 5)
