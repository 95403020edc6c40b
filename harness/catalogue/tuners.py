"""The tuners and pruners that a matrix may name, with their options; pure data, no tuner library is imported."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping

from harness import matrix_schema
from harness.catalogue import derived_tuner_settings, grid_points, tuner_libraries
from harness.catalogue.tuner_declarations import DeclaredPruner, DeclaredTuner, Look, Option, count
from harness.space import Choice, Space

# No search walks a longer grid, and Optuna's holds every configuration in memory.
_LONGEST_GRID = 100_000

RETRAINING = "learning-rate check"
"""What stands for a tuner where a best configuration is trained again at multiples of its learning rate."""

RANDOM = ("kt-random", "optuna-random")
"""The tuners that are random search: trials drawn independently, which others are compared with."""

OWN = "file"
"""The tuner that a user wrote, in a Python file or an installed package that the matrix names."""

UNTUNED = "default"
"""The tuner that trains the default configuration only."""

KNOWN: Mapping[str, DeclaredTuner] = {
    "default": DeclaredTuner(
        library="harness",
        seeded=False,
        drawn_as=Look(colour="neutral", dash="dotted", marker="o"),
        meaning="no tuning: one trial at the defaults",
    ),
    **tuner_libraries.TUNERS,
}

_OF_USER = DeclaredTuner(library=OWN, meaning="a tuner of your own, in a Python file or a package")

_PERCENTILE = {
    "n_startup_trials": count(0, "completed trials before any is pruned (default 5)"),
    "n_warmup_steps": count(0, "epochs before a trial may be pruned (default 0)"),
    "interval_steps": count(1, "epochs between two looks (default 1)"),
    "n_min_trials": count(1, "trials known at an epoch before it is judged (default 1)"),
}
_HALVING = {
    "min_resource": count(1, "epochs before the first rung (default 1)"),
    "bootstrap_count": count(0, "trials on a rung before any passes it (default 0)"),
}

PRUNERS: Mapping[str, DeclaredPruner] = {
    "none": DeclaredPruner(meaning="every trial is trained to its end"),
    "median": DeclaredPruner(options=_PERCENTILE, meaning="stop what is below the median of earlier trials"),
    "percentile": DeclaredPruner(
        options={
            "percentile": Option(
                kind=float, low=0, high=100, meaning="percent of earlier trials to be among (default 25)"
            ),
            **_PERCENTILE,
        },
        meaning="stop what is not among the best of earlier trials",
    ),
    "asha": DeclaredPruner(
        options={
            **_HALVING,
            "reduction_factor": count(2, "one in so many trials passes a rung (default 4)"),
            "min_early_stopping_rate": count(0, "rungs left out at the start (default 0)"),
        },
        meaning="asynchronous successive halving",
    ),
    "hyperband": DeclaredPruner(
        options={**_HALVING, "reduction_factor": count(2, "one in so many trials passes a rung (default 3)")},
        meaning="successive halving at several rates; not Keras Tuner's Hyperband: nothing is paused and continued",
    ),
    "patient": DeclaredPruner(
        options={"patience": count(0, "epochs without a new best before a trial is judged (default 1)")} | _PERCENTILE,
        meaning="median, but only once a trial has stopped getting better",
    ),
}


def declared(name: str) -> DeclaredTuner:
    """Return what is declared of a tuner of that name, which there is."""
    return _OF_USER if name == OWN else KNOWN[name]


def mistakes(
    tuner: matrix_schema.TunerSection, space: Space | None, *, epochs_per_trial: int | None = None
) -> list[str]:
    """Return what is wrong with a matrix's tuner, a line for each, which begins with the key within the section.

    ``space`` and ``epochs_per_trial`` bring in what can only be judged with them.
    """
    if tuner.tuner not in (*KNOWN, OWN):
        return [f"tuner: unknown tuner {tuner.tuner!r}{_suggestion(tuner.tuner, [*KNOWN, OWN])}"]
    known = declared(tuner.tuner)
    found = [
        *_path_mistakes(tuner),
        *_own_option_mistakes(tuner, known),
        *_conflicts(tuner),
        *_pruner_mistakes(tuner, known),
        *derived_tuner_settings.mistakes(tuner),
    ]
    if space is not None:
        found += _space_mistakes(tuner, space)
    if epochs_per_trial is not None:
        found += _resource_mistakes(tuner, epochs_per_trial)
    return found


def _path_mistakes(tuner: matrix_schema.TunerSection) -> Iterator[str]:
    if tuner.tuner == OWN and tuner.path is None:
        yield "path: is missing; name the Python file that the tuner is in, or package:NAME"
    if tuner.tuner != OWN and tuner.path is not None:
        yield f"path: is for tuner = {OWN!r}; remove it, or set tuner to that"


def _own_option_mistakes(tuner: matrix_schema.TunerSection, known: DeclaredTuner) -> Iterator[str]:
    # What a user's own tuner takes is between the two of them.
    if tuner.tuner != OWN:
        yield from _option_mistakes("options", tuner.options, known.options, owner=tuner.tuner)


def _suggestion(name: str, known: Iterable[str]) -> str:
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known: {', '.join(names)}" if names else "; it has none"


def _option_mistakes(
    key: str, given: Mapping[str, matrix_schema.Scalar], known: Mapping[str, Option], *, owner: str
) -> Iterator[str]:
    for name, value in given.items():
        if name not in known:
            yield f"{key}.{name}: unknown option of {owner}{_suggestion(name, known)}"
        elif (mistake := known[name].mistake(value)) is not None:
            yield f"{key}.{name}: {value!r} {mistake}"


def _conflicts(tuner: matrix_schema.TunerSection) -> Iterator[str]:
    options = tuner.options
    if options.get("group") is True and options.get("multivariate") is False:
        yield "options.group: needs options.multivariate; remove one of the two"
    variants = [name for name in ("use_separable_cma", "with_margin", "lr_adapt") if options.get(name) is True]
    if len(variants) > 1:
        yield f"options.{variants[1]}: excludes options.{variants[0]}; set one of the two"


def _pruner_mistakes(tuner: matrix_schema.TunerSection, declared: DeclaredTuner) -> Iterator[str]:
    if tuner.pruner == "none":
        if tuner.pruner_options:
            yield "pruner_options: no pruner is set; set pruner or remove them"
        return
    if declared.library != "optuna":
        yield f"pruner: {tuner.tuner} takes no pruner; remove it or use an optuna tuner"
    yield from _option_mistakes(
        "pruner_options", tuner.pruner_options, PRUNERS[tuner.pruner].options, owner=f"pruner {tuner.pruner}"
    )


def _space_mistakes(tuner: matrix_schema.TunerSection, space: Space) -> Iterator[str]:
    if tuner.tuner == "optuna-cmaes" and space.tuned:
        yield from _cmaes_mistakes(tuner, space)
    points = tuner.options.get("points", grid_points.DEFAULT_POINTS)
    if tuner.tuner.endswith("-grid") and KNOWN[tuner.tuner].options["points"].mistake(points) is None:
        size = grid_points.grid_size(space, int(points))
        if size > _LONGEST_GRID:
            yield f"options.points: the grid has {size:,} configurations, {_LONGEST_GRID:,} at most; list fewer values"


def _cmaes_mistakes(tuner: matrix_schema.TunerSection, space: Space) -> Iterator[str]:
    numeric = [
        domain
        for domain in space.tuned.values()
        if domain.size != 1
        and not (isinstance(domain, Choice) and not derived_tuner_settings.is_ordered(tuner, domain))
    ]
    if not numeric:
        yield "tuner: optuna-cmaes tunes numbers, and the hyperparameter set has none; use optuna-tpe"
    elif len(numeric) == 1 and tuner.options.get("use_separable_cma") is True:
        yield "options.use_separable_cma: needs two numeric hyperparameters, and the set has one; remove it"


def _resource_mistakes(tuner: matrix_schema.TunerSection, epochs_per_trial: int) -> Iterator[str]:
    least = tuner.pruner_options.get("min_resource", 1)
    if isinstance(least, int) and least > epochs_per_trial:
        yield f"pruner_options.min_resource: {least} is more than the {epochs_per_trial} epochs of a trial; lower it"
