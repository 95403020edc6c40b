"""What is declared of Hyperopt."""

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
    name="hyperopt",
    own_packages=("hyperopt",),
    users_tell={
        "library_after_an_epoch": "nothing",
        "library_at_the_end": "a loss",
        "library_numeric_choices": "category",
        "library_steps": "value",
    },
    tuners={
        "hyperopt-tpe": DeclaredTuner(
            library="hyperopt",
            modules=("hyperopt", "hyperopt.tpe"),
            extra="hyperopt",
            start=LibraryStart(option="n_startup_jobs", trials=20),
            categorises=True,
            options={
                "n_startup_jobs": count(1, RANDOM_START),
                "n_EI_candidates": count(1, "candidates of which the best is proposed (default 24)"),
                "gamma": Option(kind=float, above=0, high=1, meaning="share of trials taken for good (default 0.25)"),
                "prior_weight": Option(kind=float, above=0, meaning="weight of the domain itself (default 1)"),
            },
            drawn_as=Look(colour="green", dash="dashed", marker="s"),
            meaning="Hyperopt's tree-structured Parzen estimator, each hyperparameter by itself",
        ),
    },
)
