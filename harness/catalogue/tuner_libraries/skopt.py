"""What is declared of scikit-optimize."""

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
    name="skopt",
    packages={"skopt": "scikit-optimize"},
    own_packages=("scikit-optimize",),
    users_tell={
        "library_after_an_epoch": "nothing",
        "library_at_the_end": "a cost",
        "library_numeric_choices": "category",
        "library_steps": "value",
    },
    tuners={
        "skopt-gp": DeclaredTuner(
            library="skopt",
            modules=("skopt",),
            extra="skopt",
            start=LibraryStart(option="n_initial_points", trials=10),
            categorises=True,
            options={
                "n_initial_points": count(1, RANDOM_START),
                "initial_point_generator": Option(
                    kind=str,
                    choices=("random", "sobol", "halton", "hammersly", "lhs", "grid"),
                    meaning="how the trials before the model are drawn (default random)",
                ),
                "acq_func": Option(
                    kind=str,
                    choices=("gp_hedge", "EI", "LCB", "PI"),
                    meaning="what the model's proposals maximise (default gp_hedge: one of the others by their gains)",
                ),
            },
            drawn_as=Look(colour="blue", dash="long", marker="X"),
            meaning="scikit-optimize's Gaussian process (gp_minimize)",
        ),
    },
)
