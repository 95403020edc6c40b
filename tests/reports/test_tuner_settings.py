"""The table says what the real library objects were built with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import keras_tuner
import optuna
import pytest

from harness import matrix_schema, tuners
from harness.catalogue.tuners import KNOWN, PRUNERS
from harness.cells import Cell, domains_of
from harness.placement import required_libraries
from harness.reports import rendering, tuner_settings
from harness.space import Choice, Range, Space
from harness.tuners.ask_and_tell import AskAndTell

if TYPE_CHECKING:
    from tests.analysis.conftest import Made

SPACE = Space(
    {
        "learning_rate": Range(low=1e-4, high=1e-1, log=True, default=1e-3),
        "batch_size": Choice(choices=(16, 32, 64), default=32),
        "optimizer": Choice(choices=("adam", "sgd"), default="adam"),
        "dropout": Range(low=0.0, high=0.5, step=0.1, default=0.2),
    }
)
# make setup installs what each extra's tuner needs, torch alone left out.
INSTALLED = [name for name in KNOWN if not required_libraries.lacking(required_libraries.needed(name))]
SECTIONS = [
    *(matrix_schema.TunerSection(tuner=name) for name in INSTALLED),
    *(
        matrix_schema.TunerSection.model_validate({"tuner": "optuna-tpe", "pruner": pruner, "reports": reports})
        for pruner in PRUNERS
        for reports in ("best", "last")
        if pruner != "none"
    ),
    matrix_schema.TunerSection(
        tuner="optuna-tpe", pruner="asha", pruner_options={"min_resource": 2, "reduction_factor": 3}
    ),
    *(
        matrix_schema.TunerSection(tuner=name, startup="library")
        for name in ("kt-bayesian", "optuna-tpe", "optuna-nsga2")
    ),
    matrix_schema.TunerSection(tuner="optuna-tpe", options={"n_startup_trials": 2}),
    matrix_schema.TunerSection(tuner="kt-bayesian", options={"num_initial_points": 2}),
    matrix_schema.TunerSection(tuner="kt-hyperband", options={"factor": 2}),
    *(matrix_schema.TunerSection(tuner=name, numeric_choices="categories") for name in ("optuna-tpe", "optuna-cmaes")),
]


@pytest.fixture(params=SECTIONS, ids=str)
def section(request: pytest.FixtureRequest) -> matrix_schema.TunerSection:
    return cast("matrix_schema.TunerSection", request.param)


@pytest.fixture
def asked(cell: Cell, section: matrix_schema.TunerSection) -> Cell:
    protocol = cell.protocol.model_copy(update={"epochs_per_trial": 9})
    changes = {
        "tuner": section,
        "domains": domains_of(SPACE),
        "budget": matrix_schema.Budget(epochs=120),
        "protocol": protocol,
    }
    return cell.model_copy(update=changes)


@pytest.fixture
def row(made: Made, asked: Cell) -> dict[str, Any]:
    made.search([made.trial(0, 0.5)], cell=asked.model_dump(mode="json"))
    (row,) = tuner_settings.report(made.results()).rows
    return dict(row)


@pytest.fixture
def built(asked: Cell, tmp_path: Path) -> Any:
    return tuners.create(asked.tuner, SPACE, seed=7, epochs_per_trial=9, expected_trials=13, folder=tmp_path)


def first_of(tuner: Any, *names: str) -> Any:
    """The first of these attributes that the library's own object has."""
    library = tuner._study.sampler if hasattr(tuner, "_study") else getattr(tuner, "_oracle", None)
    if hasattr(tuner, "_suggest"):
        return tuner._suggest.keywords["n_startup_jobs"]
    if hasattr(tuner, "_ahead"):
        return len(tuner._ahead)
    if hasattr(tuner, "_facade"):
        library = tuner._facade._initial_design
    elif hasattr(tuner, "_optimizer"):
        library = tuner._optimizer
    return next((getattr(library, name) for name in names if hasattr(library, name)), None)


def test_the_random_start_is_the_real_objects(row: dict[str, Any], built: Any) -> None:
    start = first_of(
        built, "num_initial_points", "_n_startup_trials", "population_size", "_n_configs", "_n_initial_points"
    )

    assert row["expected_trials"] == 13
    assert row.get("startup_trials") == start


def test_reports_are_what_the_real_study_holds(row: dict[str, Any], built: Any) -> None:
    proposal = built.ask()
    stops = [built.report(proposal, epoch, score) for epoch, score in enumerate((0.6, 0.2), start=1)]

    held = list(built._study.trials[0].intermediate_values.values()) if hasattr(built, "_study") else None
    said = row["after_an_epoch"].partition(",")[0]
    assert {"best so far": [0.6, 0.6], "that epoch's": [0.6, 0.2], "nothing": None}[said] == held
    assert held is not None or stops == [False, False]


def test_the_pruner_is_the_real_objects(row: dict[str, Any], built: Any, section: matrix_schema.TunerSection) -> None:
    if hasattr(built, "_study"):
        pruner = built._study.pruner
        names = ("min_resource", "max_resource", "reduction_factor")
        assert {name: row[name] for name in names} == {name: getattr(pruner, f"_{name}", None) for name in names}
        is_librarys = isinstance(pruner, optuna.pruners.PatientPruner)
        assert is_librarys is (section.pruner == "patient" and row["after_an_epoch"] == "that epoch's")


def test_brackets_are_the_real_oracles(row: dict[str, Any], built: Any) -> None:
    oracle = getattr(built, "_oracle", None)
    if not isinstance(oracle, keras_tuner.oracles.HyperbandOracle):
        assert "brackets" not in row
        return
    brackets = [
        ", ".join(
            f"{oracle._get_size(bracket, rung)} × {oracle._get_epochs(bracket, rung)}"
            for rung in range(oracle._get_num_rounds(bracket))
        )
        for bracket in reversed(range(oracle._get_num_brackets()))
    ]
    assert row["brackets"] == "; ".join(brackets)
    assert (row["max_resource"], row["reduction_factor"]) == (oracle.max_epochs, oracle.factor)


@pytest.mark.parametrize(
    ("column", "name"), [("numeric_choices", "batch_size"), ("text_choices", "optimizer"), ("steps", "dropout")]
)
def test_domains_are_shown_as_the_real_object_holds_them(
    row: dict[str, Any], built: Any, *, column: str, name: str
) -> None:
    size = SPACE.tuned[name].size
    if hasattr(built, "_study"):
        shown = built._distributions[name]
        assert row[column] == {
            "IntDistribution": "place",
            "CategoricalDistribution": "category",
        }.get(type(shown).__name__)
    elif hasattr(built, "_oracle"):
        declared = next(each for each in built._oracle.hyperparameters.space if each.name == name)
        # Equal distances in the list's order are what its models see, words or not.
        places = [declared.value_to_prob(value) for value in range(size or 0)]
        assert row[column] == "place"
        assert places == pytest.approx([(place + 0.5) / len(places) for place in range(len(places))])
    elif hasattr(built, "_facade") or hasattr(getattr(built, "_optimizer", None), "cs"):
        configspace = built._optimizer.cs if hasattr(built, "_optimizer") else built._facade.scenario.configspace
        kind = type(configspace[name]).__name__
        assert (
            row[column] == {"UniformInteger": "place", "Categorical": "category"}[kind.removesuffix("Hyperparameter")]
        )
    elif isinstance(built, AskAndTell):  # each adapter's own tests look at the library's objects
        assert row[column] == {"text_choices": "category"}.get(column, "place")
    else:
        assert column not in row


def test_the_librarys_own_ways_stand_beside(made: Made, cell: Cell) -> None:
    made.search([made.trial(0, 0.5)], cell=cell.model_dump(mode="json"))

    (row,) = tuner_settings.report(made.results()).rows

    assert (row["library_after_an_epoch"], row["library_numeric_choices"]) == ("that epoch's", "category")
    assert (row["at_the_end"], row["library_at_the_end"]) == ("best epoch's", "last epoch's")


def test_a_tuner_is_one_row_over_groups_unless_it_is_told_differently(made: Made, cell: Cell) -> None:
    recorded = cell.model_copy(update={"tuner": matrix_schema.TunerSection(tuner="kt-bayesian")})
    wider = recorded.model_copy(update={"domains": domains_of(SPACE)})
    made.search([made.trial(0, 0.5)], "b", cell=recorded.model_dump(mode="json"), backbone="one")
    made.search([made.trial(0, 0.5)], "b", cell=recorded.model_dump(mode="json"), backbone="two")
    made.search([made.trial(0, 0.5)], "b", cell=wider.model_dump(mode="json"), hyperparameters="größer")

    report = tuner_settings.report(made.results())

    told_rows = [(row["hyperparameters"], row["searches"], row["library_startup_trials"]) for row in report.rows]
    assert told_rows == [("lr", 2, 6), ("größer", 1, 12)]
    assert report.sections[0].columns[:2] == ["tuner", "hyperparameters"]


def test_a_record_of_before_is_told_as_it_was(made: Made, cell: Cell) -> None:
    older = cell.model_dump(mode="json")
    for name in ("reports", "startup", "numeric_choices"):
        del older["tuner"][name]
    del older["protocol"]["tuner_threads"]
    made.search([made.trial(0, 0.5)], cell=older)

    (row,) = tuner_settings.report(made.results()).rows

    assert row["after_an_epoch"] == "best so far, and no pruner reads it"
    assert row["tuner_threads"] is None


@pytest.mark.parametrize("cell_of", ["none", "not whole"])
def test_a_tuner_of_which_no_cell_can_be_read_keeps_its_row(made: Made, cell_of: str) -> None:
    if cell_of == "none":
        made.plan("größe")
    else:
        made.search([made.trial(0, 0.5)], "größe")

    report = tuner_settings.report(made.results())

    assert [row["tuner"] for row in report.rows] == ["größe"]
    assert "| größe" in rendering.markdown(report)
    assert "—" in rendering.markdown(report)


def test_a_missing_search_of_a_known_tuner_needs_no_row(made: Made, cell: Cell) -> None:
    made.search([made.trial(0, 0.5)], cell=cell.model_dump(mode="json"))
    made.plan(seed=2)

    assert len(tuner_settings.report(made.results()).rows) == 1


def test_no_searches_say_so(made: Made) -> None:
    assert "No searches were planned." in rendering.markdown(tuner_settings.report(made.results()))
