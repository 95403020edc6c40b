from __future__ import annotations

from typing import TYPE_CHECKING

from harness.analysis import groups
from harness.analysis.learning_rate_retrainings import checks
from harness.analysis.tuner_style_lookup import styles
from harness.phase_clock import PHASES
from harness.plots import hyperparameters, learning_rate_multiples, phases

if TYPE_CHECKING:
    from tests.analysis.conftest import Made


def _trials(made: Made) -> str:
    results = made.results()
    (group,) = groups(results)
    svg, _ = hyperparameters.draw(group, made.folder.path / "x", title="t", looks=styles(groups(results)))
    return svg.read_text("utf-8")


def test_phases_are_drawn_in_four_kinds_and_none_is_left_out() -> None:
    kinds = phases.KINDS.values()
    assert len(phases.KINDS) == 4
    assert sorted(name for kind in kinds for name in kind) == sorted(PHASES)


def test_kinds_of_phases_are_in_the_legend(made: Made) -> None:
    made.search([made.trial(0, 0.5)])
    (group,) = groups(made.results())

    svg, _ = phases.draw(group, made.folder.path / "x", title="t")

    text = svg.read_text("utf-8")
    assert all(f">{kind}<" in text for kind in phases.KINDS)


def test_fixed_hyperparameters_are_not_drawn(made: Made) -> None:
    rate = {"kind": "range", "low": 1e-4, "high": 1e-1, "log": True, "default": 1e-3}
    domains = {"learning_rate": rate, "optimizer": {"kind": "fixed", "value": "adam"}}
    cell = {"tuner": {"tuner": "kt-random"}, "domains": domains}
    made.search([made.trial(0, 0.5), made.trial(1, 0.6)], cell=cell)
    (group,) = groups(made.results())

    assert hyperparameters.tuned(group) == ["learning_rate"]
    text = _trials(made)
    assert ">learning rate<" in text
    assert ">optimizer<" not in text


def test_choices_of_text_are_drawn_in_their_order(made: Made) -> None:
    domains = {"optimizer": {"kind": "choice", "choices": ["sgd", "adam"], "default": "adam"}}
    cell = {"tuner": {"tuner": "kt-random"}, "domains": domains}
    made.search([made.trial(0, 0.5, parameters={"optimizer": "adam"})], cell=cell)

    text = _trials(made)

    assert text.index(">sgd<") < text.index(">adam<")


def test_nothing_tuned_is_said(made: Made) -> None:
    made.plan()

    text = _trials(made)

    assert "No hyperparameter was tuned." in text


def test_the_learning_rates_are_named_with_their_factors_and_trainings(made: Made) -> None:
    made.search([made.trial(0, 0.5)])
    for seed in (0, 1):
        trials = [made.trial(n, 0.5, parameters={"learning_rate": rate}) for n, rate in enumerate((1e-4, 1e-3))]
        made.search(trials, "check", seed, role="learning_rate", parent_group="g", group="h", hyperparameters="?")

    text = learning_rate_multiples.draw(checks(made.results()), made.folder.path / "x", title="t", score="F1")[
        0
    ].read_text("utf-8")

    assert "0.0001" in text
    assert "(×0.1; 2)" in text
    assert "(×1; 2)" in text
