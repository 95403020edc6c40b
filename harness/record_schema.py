"""What the files of a results folder can hold: ranges of values, and the tables of a record.

Declared here and in the dataclasses that use them; ``harness.stored_file_validation`` checks them where bytes are read.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SkipValidation,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

# Beyond it a float no longer holds every whole number; no count and no seconds of a search come near.
_LARGEST = 2**53
_LARGEST_INTEGER = 2**63 - 1
# Clocks of two processes may differ by their last digits.
_CLOCKS_APART_S = 0.01


def _moment(text: str) -> str:
    try:
        dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise PydanticCustomError("moment", "no date and time such as 2026-11-24T01:17:00+00:00") from error
    return text


def _score(value: float) -> float:
    # Written so that NaN, of which every comparison is false, is none of these.
    if value < 0 or value > 1:
        raise PydanticCustomError("score", "Input should be from 0 to 1")
    return value


Score = Annotated[float, Field(allow_inf_nan=True), AfterValidator(_score)]
"""An F1, an accuracy or what a metric of one's own gives; NaN where it couldn't be computed."""
Spent = Annotated[float, Field(gt=-_CLOCKS_APART_S, le=_LARGEST)]
"""Seconds or joules."""
Phases = Mapping[str, Spent]
"""Seconds by phase of the ledger."""
Amount = Annotated[float, Field(ge=0, le=_LARGEST)]
Count = Annotated[int, Field(ge=0, le=_LARGEST)]
_WITHIN = Field(ge=-_LARGEST_INTEGER, le=_LARGEST_INTEGER)
Number = Annotated[int, _WITHIN] | Annotated[float, _WITHIN]
Chosen = Number | str
"""The value of a hyperparameter."""
Moment = Annotated[str, AfterValidator(_moment)]
"""A date and time in ISO 8601."""

STRICT = ConfigDict(allow_inf_nan=False, extra="forbid", strict=True)
"""How a dataclass is read: each value of its own type, and no key that it doesn't know."""


class Form(BaseModel):
    """What is known of a table; it may have other keys, and lack any that has a default."""

    # Built at first use, so that commands which read no results start sooner.
    model_config = ConfigDict(allow_inf_nan=False, defer_build=True, extra="ignore", frozen=True, strict=True)


class StoredTable(Form):
    """A table of a stored file: what is known of it as attributes, and all of it, as it was written, in ``told``."""

    told: Annotated[dict[str, Any], SkipValidation] = Field(default={}, repr=False)
    """Every key in its place, those that are no attributes among them: what is stored and shown of the table."""

    def changed(self, **changes: object) -> Self:
        """Return the table with these values under their keys, which it may not have had."""
        return self.model_validate({**self.told, **changes})

    @model_validator(mode="before")
    @classmethod
    def _with_all(cls, value: object) -> object:
        return {**value, "told": value} if isinstance(value, dict) else value

    @model_serializer
    def _as_it_was(self) -> dict[str, object]:
        return self.told


class ReadingTable(StoredTable):
    """What a meter read, or why it read nothing."""

    value: Amount | None = None
    reason: str | None = None
    covers: str | None = None
    meter: str | None = None


class DataTable(StoredTable):
    """What a data set came to."""

    images: Count | None = None
    classes: list[str] = []
    per_class: list[Count] = []
    per_class_of_part: dict[str, list[Count]] = {}
    train: Count | None = None
    validation: Count | None = None
    test: Count | None = None
    groups: Count | None = None
    seed: Count | None = None
    look_alikes: Count | None = None
    first_look_alikes: list[Annotated[list[str], Field(min_length=2, max_length=2)]] = []
    usable: Count | None = None
    unreadable: list[Annotated[list[str], Field(min_length=2, max_length=2)]] = []
    duplicates: Count = 0
    first_duplicates: list[str] = []
    contradictions: list[list[str]] = []

    @property
    def parts(self) -> dict[str, int]:
        """The number of images of each part that is known, by the part's name."""
        sizes = {"train": self.train, "validation": self.validation, "test": self.test}
        return {part: size for part, size in sizes.items() if size is not None}

    @model_validator(mode="after")
    def _counts_all_classes(self) -> Self:
        counted = [self.per_class, *self.per_class_of_part.values()]
        if self.classes and any(len(counts) != len(self.classes) for counts in counted):
            raise PydanticCustomError("counts", "not one count for each of its classes")
        return self


class BuiltTable(StoredTable):
    """What a model came to."""

    parameters: Count | None = None
    trainable: Count | None = None
    width: Count | None = None
    trained_weights: Count | None = None
    builds: Count = 1


class EnvironmentTable(StoredTable):
    """The facts of a machine and its packages."""

    device: str | None = None
    driver: str | None = None
    cpu_model: str | None = None
    logical_cpus: Annotated[Count, Field(ge=1)] | None = None
    at_once: Annotated[Count, Field(ge=1)] | None = None
    memory_bytes: Amount | None = None
    platform: str | None = None
    python: str | None = None
    packages: dict[str, str | None] | None = None
    lock_hash: str | None = None
    code_hash: str | None = None
    precision: str | None = None
    determinism: bool | None = None
    jit: bool | None = None
    imported: str | None = None
    """The file of others' learning curves that all that is known is from."""


class LimitsTable(StoredTable):
    """What a container was held to."""

    cpus: Count | Amount | None = None
    memory_bytes: Amount | None = None


class SourcesTable(StoredTable):
    """Which of the harness's sources a search ran with."""

    hash: str | None = None
    version: str | None = None
    commit: str | None = None
    is_altered: bool | None = None


class EvidenceTable(StoredTable):
    """What was seen of a search from outside; ``container`` is None where it ran in none."""

    container: str | None = None
    enforced: LimitsTable | None = None
    sources: SourcesTable | None = None


class BusynessTable(StoredTable):
    """How busy the machine was with other work."""

    others_share: ReadingTable | None = None
    steal_share: ReadingTable | None = None
    waiting_share: ReadingTable | None = None
    runnable_others: ReadingTable | None = None


class Attempt(StoredTable):
    """A process that worked at a cell."""

    program: str = ""
    began_at: Moment = ""
    reason: str | None = None


class Measured(Form):
    """Scores of a model that was trained again: of its weights as they were trained, and of its file by itself."""

    val_score: float
    test_score: float
    saved_test_score: float


def _unsaid() -> ReadingTable:
    return ReadingTable(value=None, reason="the worker ended before it could say")


class WorkerOutcome(Form):
    """What a worker knew of its own end.

    ``kept`` are the folders of the cache that a preparation needs, ``saved`` the scores of a model that was saved.
    """

    status: Literal["completed", "failed"]
    ended: str | None = None
    reason: str | None = None
    crashed: bool = False
    started_at: Moment = ""
    lived_s: Amount | None = None
    setup_phases: Phases = {}
    closing_phases: Phases = {}
    peak_memory_bytes: ReadingTable = Field(default_factory=_unsaid)
    energy: ReadingTable = Field(default_factory=_unsaid)
    device_peak_memory_bytes: ReadingTable = Field(default_factory=_unsaid)
    data: DataTable = Field(default_factory=DataTable)
    model: BuiltTable = Field(default_factory=BuiltTable)
    environment: EnvironmentTable | None = None
    busyness: BusynessTable = Field(default_factory=BusynessTable)
    kept: list[str] = []
    saved: Measured | None = None
