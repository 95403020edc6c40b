from __future__ import annotations

from typing import TYPE_CHECKING

from harness.reports import backbone_sizes, rendering

if TYPE_CHECKING:
    from tests.analysis.conftest import Made


def test_a_backbone_is_a_row_with_its_published_and_its_trained_size(made: Made) -> None:
    made.search([made.trial(0, 0.5)], seed=0)
    made.search([made.trial(0, 0.5)], seed=1)
    made.plan(seed=2)
    (row,) = backbone_sizes.report(made.results()).rows
    assert (row["backbone"], row["model"], row["train"], row["searches"]) == ("mobile", "MobileNetV2", "head", 2)
    assert (row["catalogue_parameters"], row["catalogue_features"]) == (2257984, 1280)
    assert (row["parameters"], row["trainable"], row["trained_weights"]) == (2257984, 0, 12810)


def test_a_backbone_without_a_record_keeps_its_row(made: Made) -> None:
    made.plan()
    report = backbone_sizes.report(made.results())
    assert [row["backbone"] for row in report.rows] == ["mobile"]
    assert "—" in rendering.markdown(report)


def test_the_same_backbone_trained_differently_is_another_row(made: Made) -> None:
    made.search([made.trial(0, 0.5)], seed=0)
    made.search([made.trial(0, 0.5)], hyperparameters="wide", model={"trained_weights": 99})
    assert [row["trained_weights"] for row in backbone_sizes.report(made.results()).rows] == [12810, 99]


def test_a_model_that_the_catalogue_lacks_has_no_published_size(made: Made) -> None:
    made.search([made.trial(0, 0.5)], cell={"backbone": {"model": "Ünknown_Net"}})
    (row,) = backbone_sizes.report(made.results()).rows
    assert row["model"] == "Ünknown_Net"
    assert "catalogue_parameters" not in row


def test_no_searches_say_so(made: Made) -> None:
    assert "No searches were planned." in rendering.markdown(backbone_sizes.report(made.results()))
