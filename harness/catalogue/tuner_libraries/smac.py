"""What is declared of SMAC."""

from __future__ import annotations

from harness.catalogue.tuner_declarations import (
    DeclaredLibrary,
    DeclaredTuner,
    LibraryStart,
    Look,
    Option,
    count,
    share,
)

LIBRARY = DeclaredLibrary(
    name="smac",
    packages={"ConfigSpace": "configspace"},
    own_packages=("smac",),
    users_tell={
        "library_after_an_epoch": "nothing",
        "library_at_the_end": "a cost",
        "library_numeric_choices": "category",
        "library_steps": "value",
    },
    tuners={
        "smac": DeclaredTuner(
            library="smac",
            modules=("smac", "ConfigSpace"),
            extra="smac",
            start=LibraryStart(option="n_configs", per_dimension=10, share=0.25, expects=100),
            categorises=True,
            options={
                "n_configs": count(
                    1,
                    "configurations of a Sobol sequence before the model (default: ten for each hyperparameter, "
                    "at most a quarter of the expected trials)",
                ),
                "n_trees": count(1, "trees of the random forest (default 10)"),
                "xi": Option(kind=float, low=0, meaning="the larger, the more exploration (default 0)"),
                "challengers": count(1, "candidates of which the best are proposed (default 10000)"),
                "retrain_after": count(1, "proposals of one forest (default 8)"),
                "probability": share("chance that a proposal is drawn at random (default 0.2)"),
            },
            drawn_as=Look(colour="blue", dash="dotted", marker="o"),
            meaning="SMAC's hyperparameter optimisation: a random forest with log expected improvement",
        ),
    },
)
