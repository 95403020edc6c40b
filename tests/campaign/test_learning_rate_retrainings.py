from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from harness import analysis
from harness.analysis import MatrixResults
from harness.campaign import learning_rate_retrainings, matrix_resolution
from harness.cells import Cell, OwnFile, domains_of
from harness.matrix_schema import TunerSection
from harness.search_types import Outcome, Trial
from harness.space import Choice, Fixed, Range, Space

if TYPE_CHECKING:
    from tests.campaign.conftest import Bench, Script

Trained = Callable[..., Trial]


def checked(cell: Cell, *factors: float) -> Cell:
    """The same cell of a matrix that asks for these factors."""
    return cell.model_copy(
        update={"protocol": cell.protocol.model_copy(update={"learning_rate_factors": list(factors)})}
    )


def seeded(cell: Cell, seed: int) -> Cell:
    return cell.model_copy(update={"seed": seed})


@pytest.fixture
def searched(bench: Bench) -> Callable[..., MatrixResults]:
    """Run cells, each with its script, and read the results."""

    def run(cells: list[Cell], *scripts: Script) -> MatrixResults:
        bench.executor.will("search", *scripts)
        bench.run(cells)
        bench.folder.write_plan([matrix_resolution.planned(cell) for cell in cells])
        return analysis.read(bench.folder)

    return run


def found(number: int, score: float, trained: Trained, **parameters: Any) -> Trial:
    return trained(number, score, parameters={"learning_rate": 0.02, "batch_size": 16, "dropout": 0.0} | parameters)


def test_a_retraining_runs_through_no_tuner_of_the_users_own(cell: Cell) -> None:
    own = checked(cell, 0.1, 1.0).model_copy(
        update={
            "tuner": TunerSection(tuner="file", path="mine.py"),
            "tuner_file": OwnFile(path="/x/mine.py", sha256="0" * 64),
        }
    )

    (retrained,) = learning_rate_retrainings.expected([own])

    assert retrained.tuner_file is None
    assert retrained.id == learning_rate_retrainings.expected([checked(cell, 0.1, 1.0)])[0].id


def test_a_groups_best_is_retrained_once_for_each_seed(
    cells: list[Cell], searched: Callable[..., MatrixResults], does: type[Script], trained: Trained
) -> None:
    group = [checked(seeded(cell, seed), 10.0, 0.1, 1.0) for seed in (1, 2) for cell in cells[:2]]
    scores = {0.4: 0.125, 0.6: 0.25, 0.9: 0.5, 0.7: 0.0625}
    scripts = [does.succeed(found(0, score, trained, learning_rate=rate)) for score, rate in scores.items()]

    retrained = learning_rate_retrainings.cells(group, searched(group, *scripts))

    assert [cell.seed for cell, _ in retrained] == [1, 2]
    assert {parent for _, parent in retrained} == {group[0].group}
    for cell, _ in retrained:
        assert cell.space.domains["learning_rate"] == Choice(choices=(0.05, 0.5, 5.0), default=0.5)
        assert cell.space.domains["batch_size"] == Fixed(value=16)
        assert (cell.tuner.tuner, cell.names.tuner) == ("optuna-grid", "learning-rate check")
        assert cell.budget.epochs == 3 * cell.protocol.epochs_per_trial
        assert (cell.budget.trials, cell.audit) == (None, "trial")
        assert cell.group != group[0].group


def test_the_best_is_the_incumbent_of_the_best_search_not_its_last_trial(
    cell: Cell, searched: Callable[..., MatrixResults], does: type[Script], trained: Trained
) -> None:
    trials = [found(0, 0.3, trained, learning_rate=0.3), found(1, 0.7, trained), found(2, 0.6, trained)]

    ((retraining, _),) = learning_rate_retrainings.cells(
        [checked(cell, 1.0)], searched([checked(cell, 1.0)], does.succeed(*trials))
    )

    assert retraining.space.defaults["learning_rate"] == 0.02


def test_one_factor_is_one_training_at_the_rate_found(
    cell: Cell, searched: Callable[..., MatrixResults], does: type[Script], trained: Trained
) -> None:
    cell = checked(cell, 1.0)

    ((retraining, _),) = learning_rate_retrainings.cells([cell], searched([cell], does.succeed(found(0, 0.4, trained))))

    assert retraining.space.domains["learning_rate"] == Fixed(value=0.02)
    assert retraining.budget.epochs == cell.protocol.epochs_per_trial


def test_groups_are_kept_apart(
    cell: Cell, searched: Callable[..., MatrixResults], does: type[Script], trained: Trained
) -> None:
    one = checked(cell, 1.0, 2.0)
    other = one.model_copy(update={"source": cell.source.changed(content_hash="b" * 64)})
    scripts = [does.succeed(found(0, 0.4, trained, learning_rate=rate)) for rate in (0.01, 0.03)]

    retrained = learning_rate_retrainings.cells([one, other], searched([one, other], *scripts))

    assert [cell.space.defaults["learning_rate"] for cell, _ in retrained] == [0.01, 0.03]
    assert [parent for _, parent in retrained] == [one.group, other.group]


def test_a_group_without_a_finished_search_has_none(
    cells: list[Cell], searched: Callable[..., MatrixResults], does: type[Script]
) -> None:
    group = [checked(cell, 1.0, 10.0) for cell in cells[:2]]

    results = searched(group, does.fail("no"), does.have_trouble(), does.have_trouble())

    assert learning_rate_retrainings.cells(group, results) == []


def test_a_group_whose_finished_searches_have_no_score_has_none(
    cell: Cell, searched: Callable[..., MatrixResults], does: type[Script], trained: Trained
) -> None:
    cell = checked(cell, 1.0, 10.0)
    diverged = trained(0, outcome=Outcome.DIVERGED, reason="the loss became nan", charged_epochs=1)

    assert learning_rate_retrainings.cells([cell], searched([cell], does.succeed(diverged))) == []


def test_a_matrix_without_factors_has_none(cells: list[Cell], searched: Callable[..., MatrixResults]) -> None:
    assert learning_rate_retrainings.cells(cells, searched(cells)) == []


def test_no_cells_have_none(searched: Callable[..., MatrixResults]) -> None:
    assert learning_rate_retrainings.cells([], searched([])) == []


def test_a_set_that_leaves_the_learning_rate_out_is_checked_around_the_default(
    cell: Cell, searched: Callable[..., MatrixResults], does: type[Script], trained: Trained
) -> None:
    space = Space({"dropout": Range(low=0.0, high=0.5, default=0.2)})
    cell = checked(cell, 0.1, 1.0, 10.0).model_copy(update={"domains": domains_of(space)})

    ((retraining, _),) = learning_rate_retrainings.cells(
        [cell], searched([cell], does.succeed(trained(0, 0.4, parameters={"dropout": 0.25})))
    )

    assert retraining.space.domains["learning_rate"] == Choice(choices=(1e-4, 1e-3, 1e-2), default=1e-3)
    assert retraining.space.domains["dropout"] == Fixed(value=0.25)


def test_the_rate_that_was_found_is_among_the_choices_to_the_last_bit(
    cell: Cell, searched: Callable[..., MatrixResults], does: type[Script], trained: Trained
) -> None:
    cell = checked(cell, 0.3, 1.0, 3.0)
    rate = 0.1 + 0.2

    ((retraining, _),) = learning_rate_retrainings.cells(
        [cell], searched([cell], does.succeed(found(0, 0.4, trained, learning_rate=rate)))
    )

    assert rate in retraining.space.domains["learning_rate"].choices  # type: ignore[union-attr] # three factors
    assert retraining.space.contains(retraining.space.defaults)
