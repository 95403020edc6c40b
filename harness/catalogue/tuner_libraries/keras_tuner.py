"""What is declared of Keras Tuner."""

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
)

LIBRARY = DeclaredLibrary(
    name="keras-tuner",
    beneath=("tensorflow", "keras", "six"),
    packages={"keras_tuner": "keras-tuner"},
    orders_words=True,
    users_tell={
        "library_after_an_epoch": "nothing",
        "library_at_the_end": "best epoch's",
        "library_numeric_choices": "place",
        "library_steps": "value",
    },
    tuners={
        "kt-random": DeclaredTuner(
            library="keras-tuner",
            modules=("keras_tuner",),
            drawn_as=Look(colour="neutral", dash="solid", marker="s"),
            meaning="Keras Tuner's random search, without repeats",
        ),
        "kt-grid": DeclaredTuner(
            library="keras-tuner",
            modules=("keras_tuner",),
            seeded=False,
            options=POINTS,
            drawn_as=Look(colour="olive", dash="solid", marker="s"),
            meaning="Keras Tuner's grid: the defaults first where they lie on it, "
            "the last hyperparameter varied fastest",
        ),
        "kt-bayesian": DeclaredTuner(
            library="keras-tuner",
            modules=("keras_tuner",),
            beneath=("sklearn",),
            start=LibraryStart(option="num_initial_points", trials=3, per_dimension=3),
            drawn_as=Look(colour="blue", dash="solid", marker="s"),
            options={
                "num_initial_points": count(1, RANDOM_START),
                "alpha": Option(kind=float, above=0, meaning="noise expected in the score (default 1e-4)"),
                "beta": Option(kind=float, low=0, meaning="the larger, the more exploration (default 2.6)"),
            },
            meaning="Keras Tuner's Gaussian process with an upper confidence bound",
        ),
        "kt-hyperband": DeclaredTuner(
            library="keras-tuner",
            modules=("keras_tuner",),
            continues=True,
            drawn_as=Look(colour="orange", dash="solid", marker="h"),
            options={"factor": count(2, "one in so many trials is promoted (default 3)")},
            meaning="Keras Tuner's Hyperband: short trials, the best of which are trained on",
        ),
    },
)
