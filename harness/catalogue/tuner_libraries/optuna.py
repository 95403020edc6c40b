"""What is declared of Optuna."""

from __future__ import annotations

from harness.catalogue.tuner_declarations import (
    POINTS,
    RANDOM_START,
    DeclaredLibrary,
    DeclaredTuner,
    LibraryStart,
    Look,
    Option,
    count,
    flag,
    share,
)

LIBRARY = DeclaredLibrary(
    name="optuna",
    users_tell={
        "library_after_an_epoch": "that epoch's",
        "library_at_the_end": "last epoch's",
        "library_numeric_choices": "category",
        "library_steps": "value",
    },
    tuners={
        "optuna-random": DeclaredTuner(
            library="optuna",
            modules=("optuna",),
            drawn_as=Look(colour="neutral", dash="dashed", marker="D"),
            meaning="Optuna's random search",
        ),
        "optuna-grid": DeclaredTuner(
            library="optuna",
            modules=("optuna",),
            options=POINTS,
            drawn_as=Look(colour="olive", dash="dashed", marker="D"),
            meaning="Optuna's grid, in random order",
        ),
        "optuna-tpe": DeclaredTuner(
            library="optuna",
            modules=("optuna", "scipy.special"),
            options={
                "n_startup_trials": count(0, RANDOM_START),
                "n_ei_candidates": count(1, "candidates of which the best is proposed (default 24)"),
                "multivariate": flag("model hyperparameters together (default true)"),
                "group": flag("split the space into groups that are modelled together (default false)"),
                "constant_liar": flag("penalise what runs at the same time (default true)"),
            },
            drawn_as=Look(colour="green", dash="solid", marker="D"),
            start=LibraryStart(option="n_startup_trials", trials=10),
            categorises=True,
            meaning="Optuna's tree-structured Parzen estimator",
        ),
        "optuna-cmaes": DeclaredTuner(
            library="optuna",
            modules=("optuna", "cmaes"),
            options={
                "n_startup_trials": count(0, "trials drawn at random before the model (default 1)"),
                "sigma0": Option(kind=float, above=0, meaning="first step size, of a space scaled to 1 (default 1/6)"),
                "popsize": count(4, "trials of a generation (default 4 + 3 ln dimensions)"),
                "consider_pruned_trials": flag("learn from pruned trials too (default false)"),
                "use_separable_cma": flag("diagonal covariance (default false)"),
                "with_margin": flag("keep discrete hyperparameters from getting stuck (default false)"),
                "lr_adapt": flag("adapt the learning rate of the search itself (default false)"),
            },
            drawn_as=Look(colour="magenta", dash="solid", marker="P"),
            start=LibraryStart(option="n_startup_trials", trials=1),
            categorises=True,
            meaning="Optuna's CMA-ES; text choices are drawn at random",
        ),
        "optuna-qmc": DeclaredTuner(
            library="optuna",
            modules=("optuna", "scipy.stats.qmc"),
            options={
                "qmc_type": Option(kind=str, choices=("sobol", "halton"), meaning="sequence (default sobol)"),
                "scramble": flag("let the seed choose the sequence (default true; Optuna's own is false)"),
            },
            drawn_as=Look(colour="indigo", dash="solid", marker="X"),
            categorises=True,
            meaning="Optuna's quasi-random search: evenly spread points",
        ),
        "optuna-nsga2": DeclaredTuner(
            library="optuna",
            modules=("optuna",),
            options={
                "population_size": count(
                    2, "trials of a generation (default: a third of the expected trials, 3 to 50)"
                ),
                "mutation_prob": share("chance that a hyperparameter is drawn anew (default 1 / dimensions)"),
                "crossover_prob": share("chance that two parents are crossed (default 0.9)"),
                "swapping_prob": share("chance that parents swap a hyperparameter (default 0.5)"),
            },
            drawn_as=Look(colour="wine", dash="solid", marker="*"),
            start=LibraryStart(option="population_size", trials=50),
            categorises=True,
            meaning="Optuna's genetic algorithm",
        ),
        "optuna-gp": DeclaredTuner(
            library="optuna",
            modules=("optuna", "torch", "scipy.stats.qmc"),
            extra="gp",
            options={
                "n_startup_trials": count(1, RANDOM_START),
                "deterministic_objective": flag("assume scores without noise (default false)"),
            },
            drawn_as=Look(colour="blue", dash="dashed", marker="D"),
            start=LibraryStart(option="n_startup_trials", trials=10),
            categorises=True,
            meaning="Optuna's Gaussian process with log expected improvement",
        ),
    },
)
