"""Project folders of Keras Tuner as foreign searches."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import ResultsError
from harness.foreign_searches import foreign_records
from harness.foreign_searches.foreign_records import ForeignSearch
from harness.search_types import Outcome, Trial

if TYPE_CHECKING:
    from keras_tuner.engine.trial import Trial as KerasTrial

# What Hyperband writes among the hyperparameters.
_ITS_OWN = "tuner/"


def read(folder: Path) -> Iterator[ForeignSearch]:
    """Yield each project in a folder, which may be one itself, with its trials that ended.

    When a search began is taken from the files' times: Keras Tuner doesn't tell it.

    Raises:
        ResultsError: There is no project, or one whose score is not a metric from 0 to 1 of which more is better.
    """
    projects = sorted(path.parent for path in folder.rglob("oracle.json"))
    if not projects:
        raise ResultsError(f"{folder}: no project of Keras Tuner in it: no oracle.json")
    for project in projects:
        called = project.relative_to(folder).as_posix()
        yield _search(project, project.name if called == "." else called)


def _search(project: Path, called: str) -> ForeignSearch:
    from keras_tuner.engine.trial import Trial as KerasTrial  # noqa: PLC0415 - brings TensorFlow, which takes seconds

    paths = sorted(project.glob("trial_*/trial.json"))
    loaded = [KerasTrial.load(str(path)) for path in paths]
    ended = [trial for trial in loaded if trial.status in ("COMPLETED", "FAILED", "INVALID")]
    times = [path.stat().st_mtime for path in paths] or [project.stat().st_mtime]
    return ForeignSearch(
        called=called,
        trials=[_trial(number, trial, project) for number, trial in enumerate(ended)],
        began_at=dt.datetime.fromtimestamp(min(times), dt.UTC).isoformat(timespec="seconds"),
    )


def _trial(number: int, trial: KerasTrial, project: Path) -> Trial:
    parameters = {
        name: str(value) if isinstance(value, bool) else value
        for name, value in trial.hyperparameters.values.items()
        if not name.startswith(_ITS_OWN) and value is not None
    }
    if trial.status != "COMPLETED":
        return foreign_records.trial(number, parameters, {}, outcome=Outcome.FAILED, reason=trial.message)
    scores = _scores(trial, project)
    return foreign_records.trial(number, parameters, scores, outcome=Outcome.COMPLETED)


def _scores(trial: KerasTrial, project: Path) -> dict[int, float]:
    """Return the history of the metric that gives the trial its score."""
    found = [history for history in trial.metrics.metrics.values() if history.get_best_value() == trial.score]
    maximised = [history for history in found if history.direction == "max"]
    if found and not maximised:
        raise ResultsError(f"{project}: its objective is minimised; scores here are better when higher")
    points = maximised[0].get_history() if maximised else []
    means = {point.step: float(point.mean()) for point in points}
    return {step: value for step, value in means.items() if math.isfinite(value)} or {1: trial.score}
