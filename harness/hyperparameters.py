"""The hyperparameters that training understands, with their bounds and defaults."""

from __future__ import annotations

from dataclasses import dataclass

from harness.search_types import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperparameter:
    """What a domain of this name may hold.

    ``default`` is used where a set leaves the name out; with ``otherwise``, what that names decides there, and the name
    stays out of the space.
    """

    default: Value
    integer: bool = False
    low: float = 0.0
    low_included: bool = True
    below: float | None = None
    choices: tuple[str, ...] = ()
    meaning: str
    otherwise: str | None = None

    def mistake(self, value: Value) -> str | None:
        """Return what is wrong with ``value``, or None."""
        if self.choices:
            return None if value in self.choices else f"must be one of {', '.join(self.choices)}"
        if isinstance(value, str):
            return "must be a number"
        if self.integer and value != int(value):
            return "must be a whole number"
        if value < self.low or (value == self.low and not self.low_included):
            return f"must be {'at least' if self.low_included else 'more than'} {self.low:g}"
        if self.below is not None and value >= self.below:
            return f"must be less than {self.below:g}"
        return None


KNOWN = {
    "learning_rate": Hyperparameter(default=1e-3, low_included=False, below=1e6, meaning="step size of the optimizer"),
    "batch_size": Hyperparameter(default=32, integer=True, low=1, meaning="images per training step"),
    "dropout": Hyperparameter(default=0.2, below=1.0, meaning="share of features dropped before the classifier"),
    "weight_decay": Hyperparameter(default=0.0, meaning="decoupled weight decay, times the learning rate each step"),
    "label_smoothing": Hyperparameter(default=0.0, below=1.0, meaning="share of each label spread over all classes"),
    "optimizer": Hyperparameter(
        default="adam", choices=("adam", "sgd", "rmsprop"), meaning="update rule (sgd: momentum 0.9)"
    ),
    "hidden_units": Hyperparameter(
        default=0, integer=True, meaning="width of a ReLU layer before the classifier; 0: none"
    ),
    "fine_tune_depth": Hyperparameter(
        default=0,
        integer=True,
        meaning="how many of the backbone's last layers are trained",
        otherwise="the backbone's `train`",
    ),
    "schedule": Hyperparameter(
        default="constant",
        choices=("constant", "cosine"),
        meaning="how the learning rate goes over a trial's steps",
        otherwise="`protocol.schedule`",
    ),
    "class_weights": Hyperparameter(
        default="none",
        choices=("none", "balanced"),
        meaning="how much an image of each class counts in training",
        otherwise="`protocol.class_weights`",
    ),
}
