"""Compare hyperparameter tuners by F1 against compute cost, on real training."""

__version__ = "0.1.0"
