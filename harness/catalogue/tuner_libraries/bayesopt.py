"""What is declared of the package bayesian-optimization."""

from __future__ import annotations

from harness.catalogue.tuner_declarations import (
    RANDOM_START,
    DeclaredLibrary,
    DeclaredTuner,
    LibraryStart,
    Look,
    Option,
    count,
)

LIBRARY = DeclaredLibrary(
    name="bayesopt",
    packages={"bayes_opt": "bayesian-optimization"},
    own_packages=("bayesian-optimization",),
    users_tell={
        "library_after_an_epoch": "nothing",
        "library_at_the_end": "a score",
        "library_numeric_choices": "category",
        "library_steps": "value",
    },
    tuners={
        "bayesopt-gp": DeclaredTuner(
            library="bayesopt",
            modules=("bayes_opt", "scipy.stats"),
            extra="bayesopt",
            start=LibraryStart(option="init_points", trials=5),
            categorises=True,
            options={
                "init_points": count(1, RANDOM_START),
                "kappa": Option(kind=float, low=0, meaning="the larger, the more exploration (default 2.576)"),
            },
            drawn_as=Look(colour="blue", dash="dash-dot", marker="P"),
            meaning="the Gaussian process of bayesian-optimization, with an upper confidence bound",
        ),
    },
)
