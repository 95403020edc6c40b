"""What is declared of DEHB."""

from __future__ import annotations

from harness.catalogue.tuner_declarations import DeclaredLibrary, DeclaredTuner, Look, Option, count, share

LIBRARY = DeclaredLibrary(
    name="dehb",
    packages={"ConfigSpace": "configspace"},
    own_packages=("dehb",),
    users_tell={
        "library_after_an_epoch": "nothing",
        "library_at_the_end": "a cost",
        "library_numeric_choices": "category",
        "library_steps": "value",
    },
    tuners={
        "dehb": DeclaredTuner(
            library="dehb",
            modules=("dehb", "ConfigSpace"),
            extra="dehb",
            categorises=True,
            options={
                "eta": count(2, "one in so many configurations is trained for so many times as long (default 3)"),
                "min_fidelity": count(1, "epochs of the shortest trials, rounded by the rungs (default 1)"),
                "mutation_factor": Option(kind=float, above=0, high=1, meaning="step of a mutation (default 0.5)"),
                "crossover_prob": share("chance that a hyperparameter is the mutant's (default 0.5)"),
                "strategy": Option(
                    kind=str,
                    choices=(
                        "rand1_bin",
                        "rand2_bin",
                        "best1_bin",
                        "best2_bin",
                        "currenttobest1_bin",
                        "randtobest1_bin",
                    ),
                    meaning="which configurations a mutant is made of (default rand1_bin)",
                ),
            },
            drawn_as=Look(colour="orange", dash="dashed", marker="D"),
            meaning="DEHB: differential evolution over Hyperband's brackets; nothing is paused and continued",
        ),
    },
)
