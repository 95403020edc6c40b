"""What tuners are told beside their options: how long they start at random, what of a trial, and numbers how.

The adapters configure their libraries by these functions, and tables say what was told by the same ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from harness import matrix_schema
from harness.catalogue.tuner_libraries import LIBRARIES, TUNERS
from harness.space import Choice, Range, Space

_LEAST_STARTUP = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Startup:
    """How many trials a model is started with, as the library's own ``option``; ``library`` is its own number."""

    option: str
    trials: int
    library: int


def expected_trials(budget: matrix_schema.Budget, epochs_per_trial: int) -> int | None:
    """Return how many trials at full fidelity a budget buys; None where it counts neither epochs nor trials."""
    by_epochs = None if budget.epochs is None else budget.epochs // epochs_per_trial
    return min((limit for limit in (by_epochs, budget.trials) if limit is not None), default=None)


def startup_trials(expected_trials: int | None, *, most: int) -> int:
    """Return how many trials are drawn at random before a model proposes: a third of those expected, 3 to ``most``.

    ``most`` is the library's own number, meant for a hundred trials: with its ten, a budget of ten trials is random
    search under another name. Fewer than three leave a model nothing to model. A third lets it propose two trials for
    each that it learnt from, at every budget, and never starts it later than its authors do.
    """
    if expected_trials is None:
        return most
    return min(most, max(_LEAST_STARTUP, expected_trials // 3))


def startup(tuner: matrix_schema.TunerSection, space: Space, expected_trials: int | None) -> Startup | None:
    """Return the start of the tuner's model; None where it has no model. A number among the options wins."""
    declared = TUNERS.get(tuner.tuner)
    if declared is None or declared.start is None:
        return None
    option, own = declared.start.option, declared.start.of(space, expected_trials)
    trials = own if tuner.startup == "library" else startup_trials(expected_trials, most=own)
    return Startup(option=option, trials=int(tuner.options.get(option, trials)), library=own)


def startup_options(tuner: matrix_schema.TunerSection, space: Space, expected_trials: int | None) -> dict[str, int]:
    """Return the same as the library takes it."""
    start = startup(tuner, space, expected_trials)
    return {} if start is None else {start.option: start.trials}


def library(tuner: matrix_schema.TunerSection) -> str | None:
    """Return whose tuner it is; None for no tuning, which is told nothing, and for a user's own."""
    declared = TUNERS.get(tuner.tuner)
    return None if declared is None else declared.library


def reported(tuner: matrix_schema.TunerSection) -> Literal["best", "last"] | None:
    """Return which score the library is told after each epoch, of the trial's so far; None where it asks for none."""
    return tuner.reports if library(tuner) == "optuna" else None


def pruner_options(tuner: matrix_schema.TunerSection, epochs_per_trial: int) -> dict[str, matrix_schema.Scalar]:
    """Return what the tuner's pruner is built with.

    Where Optuna would wait for a first completed trial to learn how long a trial is ("auto"), it is told.
    """
    options = _PRUNERS.get(tuner.pruner, {}) | tuner.pruner_options
    return options | {"max_resource": epochs_per_trial} if tuner.pruner == "hyperband" else options


def is_listed(domain: Range | Choice) -> bool:
    """Whether a library is shown a place in the list of the domain's values, and not the value itself."""
    return isinstance(domain, Choice) or domain.step is not None or (domain.integer and not domain.log)


def is_ordered(tuner: matrix_schema.TunerSection, choice: Choice) -> bool:
    """Whether the library reads an order into the choices.

    Keras Tuner does into every list, text too; the others do where they aren't told of categories, which text always
    is.
    """
    return _orders_words(tuner) or (choice.ordered and tuner.numeric_choices == "ordered")


def mistakes(tuner: matrix_schema.TunerSection) -> Iterator[str]:
    """Yield where a word of how a tuner is told doesn't apply to it, a line for each, which begins with the key."""
    if tuner.reports == "last" and tuner.pruner == "none":
        yield "reports: 'last' is for a pruner, and none is set; set pruner or remove it"
    if tuner.numeric_choices == "categories" and not (tuner.tuner in TUNERS and TUNERS[tuner.tuner].categorises):
        why = "reads every choice as ordered" if _orders_words(tuner) else "has no model that orders choices"
        yield f"numeric_choices: {tuner.tuner} {why}; remove 'categories' or use optuna-tpe"
    if tuner.startup == "library":
        yield from _startup_mistakes(tuner)


def _orders_words(tuner: matrix_schema.TunerSection) -> bool:
    whose = library(tuner)
    return whose is not None and LIBRARIES[whose].orders_words


def _startup_mistakes(tuner: matrix_schema.TunerSection) -> Iterator[str]:
    start = TUNERS[tuner.tuner].start if tuner.tuner in TUNERS else None
    if start is None or start.is_short:
        yield f"startup: {tuner.tuner} starts as its library does in any case; remove it"
    elif start.option in tuner.options:
        given = tuner.options[start.option]
        yield f"startup: 'library', and options.{start.option} is {given!r}; remove one of the two"


# What Optuna would learn from the first trials, and its own numbers, so that a table can name them.
_PRUNERS: Mapping[str, dict[str, matrix_schema.Scalar]] = {
    "percentile": {"percentile": 25.0},
    "asha": {"min_resource": 1, "reduction_factor": 4},
    "hyperband": {"min_resource": 1, "reduction_factor": 3},
}
