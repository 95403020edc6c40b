"""The tuners and pruners that a matrix may name, with their options; pure data, no tuner library is imported."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping

from harness import matrix_schema
from harness.catalogue import derived_tuner_settings, grid_points
from harness.catalogue.tuner_declarations import DeclaredPruner, DeclaredTuner, Option
from harness.space import Choice, Space

# No search walks a longer grid, and Optuna's holds every configuration in memory.
_LONGEST_GRID = 100_000


def _count(low: int, meaning: str) -> Option:
    return Option(kind=int, low=low, meaning=meaning)


def _share(meaning: str) -> Option:
    return Option(kind=float, low=0, high=1, meaning=meaning)


def _flag(meaning: str) -> Option:
    return Option(kind=bool, meaning=meaning)


_POINTS = {
    "points": Option(
        kind=int,
        low=2,
        library=False,
        meaning=f"values of a range without steps, bounds included (default {grid_points.DEFAULT_POINTS})",
    )
}
_STARTUP = "trials drawn at random before the model (default: a third of the expected trials, 3 to the library's own)"

RETRAINING = "learning-rate check"
"""What stands for a tuner where a best configuration is trained again at multiples of its learning rate."""

RANDOM = ("kt-random", "optuna-random")
"""The tuners that are random search: trials drawn independently, which others are compared with."""

OWN = "file"
"""The tuner that a user wrote, in a Python file or an installed package that the matrix names."""

UNTUNED = "default"
"""The tuner that trains the default configuration only."""

KNOWN: Mapping[str, DeclaredTuner] = {
    "default": DeclaredTuner(library="harness", seeded=False, meaning="no tuning: one trial at the defaults"),
    "kt-random": DeclaredTuner(
        library="keras-tuner", modules=("keras_tuner",), meaning="Keras Tuner's random search, without repeats"
    ),
    "kt-grid": DeclaredTuner(
        library="keras-tuner",
        modules=("keras_tuner",),
        seeded=False,
        options=_POINTS,
        meaning="Keras Tuner's grid: the defaults first where they lie on it, the last hyperparameter varied fastest",
    ),
    "kt-bayesian": DeclaredTuner(
        library="keras-tuner",
        modules=("keras_tuner",),
        options={
            "num_initial_points": _count(1, _STARTUP),
            "alpha": Option(kind=float, above=0, meaning="noise expected in the score (default 1e-4)"),
            "beta": Option(kind=float, low=0, meaning="the larger, the more exploration (default 2.6)"),
        },
        meaning="Keras Tuner's Gaussian process with an upper confidence bound",
    ),
    "kt-hyperband": DeclaredTuner(
        library="keras-tuner",
        modules=("keras_tuner",),
        continues=True,
        options={"factor": _count(2, "one in so many trials is promoted (default 3)")},
        meaning="Keras Tuner's Hyperband: short trials, the best of which are trained on",
    ),
    "optuna-random": DeclaredTuner(library="optuna", modules=("optuna",), meaning="Optuna's random search"),
    "optuna-grid": DeclaredTuner(
        library="optuna", modules=("optuna",), options=_POINTS, meaning="Optuna's grid, in random order"
    ),
    "optuna-tpe": DeclaredTuner(
        library="optuna",
        modules=("optuna", "scipy.special"),
        options={
            "n_startup_trials": _count(0, _STARTUP),
            "n_ei_candidates": _count(1, "candidates of which the best is proposed (default 24)"),
            "multivariate": _flag("model hyperparameters together (default true)"),
            "group": _flag("split the space into groups that are modelled together (default false)"),
            "constant_liar": _flag("penalise what runs at the same time (default true)"),
        },
        meaning="Optuna's tree-structured Parzen estimator",
    ),
    "optuna-cmaes": DeclaredTuner(
        library="optuna",
        modules=("optuna", "cmaes"),
        options={
            "n_startup_trials": _count(0, "trials drawn at random before the model (default 1)"),
            "sigma0": Option(kind=float, above=0, meaning="first step size, of a space scaled to 1 (default 1/6)"),
            "popsize": _count(4, "trials of a generation (default 4 + 3 ln dimensions)"),
            "consider_pruned_trials": _flag("learn from pruned trials too (default false)"),
            "use_separable_cma": _flag("diagonal covariance (default false)"),
            "with_margin": _flag("keep discrete hyperparameters from getting stuck (default false)"),
            "lr_adapt": _flag("adapt the learning rate of the search itself (default false)"),
        },
        meaning="Optuna's CMA-ES; text choices are drawn at random",
    ),
    "optuna-qmc": DeclaredTuner(
        library="optuna",
        modules=("optuna", "scipy.stats.qmc"),
        options={
            "qmc_type": Option(kind=str, choices=("sobol", "halton"), meaning="sequence (default sobol)"),
            "scramble": _flag("let the seed choose the sequence (default true; Optuna's own is false)"),
        },
        meaning="Optuna's quasi-random search: evenly spread points",
    ),
    "optuna-nsga2": DeclaredTuner(
        library="optuna",
        modules=("optuna",),
        options={
            "population_size": _count(2, "trials of a generation (default: a third of the expected trials, 3 to 50)"),
            "mutation_prob": _share("chance that a hyperparameter is drawn anew (default 1 / dimensions)"),
            "crossover_prob": _share("chance that two parents are crossed (default 0.9)"),
            "swapping_prob": _share("chance that parents swap a hyperparameter (default 0.5)"),
        },
        meaning="Optuna's genetic algorithm",
    ),
    "optuna-gp": DeclaredTuner(
        library="optuna",
        modules=("optuna", "torch", "scipy.stats.qmc"),
        extra="gp",
        options={
            "n_startup_trials": _count(1, _STARTUP),
            "deterministic_objective": _flag("assume scores without noise (default false)"),
        },
        meaning="Optuna's Gaussian process with log expected improvement",
    ),
}

_OF_USER = DeclaredTuner(library=OWN, meaning="a tuner of your own, in a Python file or a package")

_PERCENTILE = {
    "n_startup_trials": _count(0, "completed trials before any is pruned (default 5)"),
    "n_warmup_steps": _count(0, "epochs before a trial may be pruned (default 0)"),
    "interval_steps": _count(1, "epochs between two looks (default 1)"),
    "n_min_trials": _count(1, "trials known at an epoch before it is judged (default 1)"),
}
_HALVING = {
    "min_resource": _count(1, "epochs before the first rung (default 1)"),
    "bootstrap_count": _count(0, "trials on a rung before any passes it (default 0)"),
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
            "reduction_factor": _count(2, "one in so many trials passes a rung (default 4)"),
            "min_early_stopping_rate": _count(0, "rungs left out at the start (default 0)"),
        },
        meaning="asynchronous successive halving",
    ),
    "hyperband": DeclaredPruner(
        options={**_HALVING, "reduction_factor": _count(2, "one in so many trials passes a rung (default 3)")},
        meaning="successive halving at several rates; not Keras Tuner's Hyperband: nothing is paused and continued",
    ),
    "patient": DeclaredPruner(
        options={"patience": _count(0, "epochs without a new best before a trial is judged (default 1)")} | _PERCENTILE,
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
