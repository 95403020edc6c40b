from __future__ import annotations

import threading
from dataclasses import replace

from harness.backbones.weights import RANDOM, Weights
from harness.errors import SourceUnreachable
from harness.matrix_advice import reachable_weights
from harness.matrix_schema import Backbone


def only(*names: str) -> reachable_weights.Find:
    """What finds these weights and no others."""

    def find(section: Backbone) -> Weights:
        if section.weights not in names:
            raise SourceUnreachable("no network; put the file there")
        return replace(RANDOM, trained_on=section.weights)

    return find


def test_of_each_family_the_first_that_is_in_reach_is_taken() -> None:
    sought = reachable_weights.seek(only("imagenet", "packaged"))

    assert [(each.model, each.weights) for each in sought.reached] == [
        ("MobileNetV2", "imagenet"),
        ("EfficientNetLite0", "packaged"),
    ]
    assert sought.out_of_reach == ()


def test_others_stand_in_for_what_is_out_of_reach_and_each_is_told_with_its_way_out() -> None:
    sought = reachable_weights.seek(only("packaged"))

    assert [each.weights for each in sought.reached] == ["packaged", "packaged"]
    assert sought.out_of_reach == ("MobileNetV2, imagenet: no network; put the file there",)


def test_what_does_not_answer_is_given_up() -> None:
    answered = threading.Event()

    def find(section: Backbone) -> Weights:
        if section.model == "MobileNetV2":
            answered.wait()
        return RANDOM

    sought = reachable_weights.seek(find, patience_s=0.05)
    answered.set()

    assert [each.model for each in sought.reached] == ["EfficientNetLite0"]
    assert sought.out_of_reach == ("MobileNetV2, imagenet: no answer within 0 s",)
