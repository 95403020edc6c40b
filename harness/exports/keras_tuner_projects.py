"""Searches as project folders of Keras Tuner, which its tuners reload."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from harness import files
from harness.exports.exported_searches import Export, ExportedSearch, ExportedTrial
from harness.search_types import Value
from harness.space import Choice, Range

if TYPE_CHECKING:
    from keras_tuner import HyperParameters
    from keras_tuner.engine.trial import Trial as KerasTrial

OBJECTIVE = "val_score"
"""What Keras Tuner is told to maximise."""
_DIRECTIONS = {OBJECTIVE: "max", "test_score": "max"}
_OF_TRIALS = ("epochs", "search_s", "ask_s", "tell_s", "cpu_s", "energy_j")


def write(folder: Path, export: Export) -> None:
    """Write a project for each search into a folder of its own, ``facts.json`` with what is known of it beside.

    A trial's score is the best validation score that its tuner was told. Its metrics are the scores, loss and seconds
    of its epochs, by epoch, and what the trial cost in all, at its last epoch.
    """
    for search in export.searches():
        _project(folder / search.folder, search)


def _project(folder: Path, search: ExportedSearch) -> None:
    import keras_tuner  # noqa: PLC0415 - brings TensorFlow, which no other command of the host needs

    # Any oracle has what is stored of this one; random search needs nothing beyond.
    oracle = keras_tuner.oracles.RandomSearchOracle(
        objective=keras_tuner.Objective(OBJECTIVE, "max"), hyperparameters=_space(search), seed=search.name.seed or 1
    )
    project = keras_tuner.engine.base_tuner.BaseTuner(
        oracle, directory=str(folder.parent), project_name=folder.name, overwrite=False
    )
    for each in search.trials:
        trial = _trial(each, oracle.get_space())
        oracle.trials[trial.trial_id] = trial
        oracle.start_order.append(trial.trial_id)
        oracle.end_order.append(trial.trial_id)
        trial.save(str(Path(project.get_trial_dir(trial.trial_id), "trial.json")))
    project.save()
    files.write_json(folder / "facts.json", {"study": search.study, **search.facts})


def _trial(each: ExportedTrial, space: HyperParameters) -> KerasTrial:
    from keras_tuner.engine.trial import Trial, TrialStatus  # noqa: PLC0415 - see above

    space.values = {name: _shown(space, name, value) for name, value in each.trial.parameters.items()}
    status = TrialStatus.FAILED if each.score is None else TrialStatus.COMPLETED
    trial = Trial(space, trial_id=f"{each.trial.number:04d}", status=status, message=each.trial.reason)
    trial.score = each.score
    trial.best_step = max(each.curve, key=each.curve.__getitem__, default=0)
    _measure(trial, each)
    return trial


def _measure(trial: KerasTrial, each: ExportedTrial) -> None:
    for number, _, known in each.epochs():
        for name, value in known.items():
            if not trial.metrics.exists(name):
                trial.metrics.register(name, _DIRECTIONS.get(name, "min"))
            trial.metrics.update(name, value, step=number)
    for name in _OF_TRIALS:
        if name in each.facts:
            trial.metrics.register(name, "min")
            trial.metrics.update(name, each.facts[name], step=each.trial.last_epoch)


def _space(search: ExportedSearch) -> HyperParameters:
    from keras_tuner import HyperParameters  # noqa: PLC0415 - see above

    space = HyperParameters()
    for name, domain in search.domains.items():
        if isinstance(domain, Range):
            _add_range(space, name, domain)
        elif isinstance(domain, Choice):
            space.Choice(
                name, _of_one_type(domain.choices), default=_of_one_type([*domain.choices, domain.default])[-1]
            )
    for name, value in search.fixed.items():
        space.Fixed(name, value)
    return space


def _add_range(space: HyperParameters, name: str, domain: Range) -> None:
    sampling = "log" if domain.log else "linear"
    if domain.integer:
        step = None if domain.step is None else int(domain.step)
        low, high, default = int(domain.low), int(domain.high), int(domain.default)
        space.Int(name, low, high, step=step, sampling=sampling, default=default)
    else:
        space.Float(name, domain.low, domain.high, step=domain.step, sampling=sampling, default=domain.default)


def _of_one_type(values: Iterable[Value]) -> list[Value]:
    """Return choices as Keras Tuner takes them: all numbers of one type, or all text."""
    given = list(values)
    if any(isinstance(value, str) for value in given):
        return [str(value) for value in given]
    return [float(value) for value in given] if any(isinstance(value, float) for value in given) else given


def _shown(space: HyperParameters, name: str, value: Value) -> Value:
    """Return a value of the type that the space has it in."""
    shown: Value = type(space.values.get(name, value))(value)
    return shown
