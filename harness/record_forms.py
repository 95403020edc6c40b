"""What the files of a results folder can hold: ranges of values, and the tables of a record.

Declared here and in the dataclasses that use them; ``harness.checked_files`` checks them where bytes are read.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetCoreSchemaHandler, model_validator
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

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
"""An F1 or accuracy; NaN where it couldn't be computed."""
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


@dataclass(frozen=True, slots=True)
class As:
    """Has a table checked by a form, and keeps it as it was written, with what the form doesn't name."""

    form: Any

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Put the form's check before that of the annotated type."""
        checked = core_schema.no_info_wrap_validator_function(_as_it_is, handler.generate_schema(self.form))
        return core_schema.chain_schema([checked, handler(source)])


def _as_it_is(value: Any, check: Any) -> Any:
    check(value)
    return value


class Form(BaseModel):
    """What is known of a table; it may have other keys, and lack any that has a default."""

    # Built at first use, so that commands which read no results start sooner.
    model_config = ConfigDict(allow_inf_nan=False, defer_build=True, extra="ignore", strict=True)


class ReadingForm(Form):
    """What a meter read, or why it read nothing."""

    value: Amount | None = None
    reason: str | None = None
    covers: str | None = None
    meter: str | None = None


class Data(Form):
    """What a data set came to."""

    images: Count = 0
    classes: list[str] = []
    per_class: list[Count] = []
    per_class_of_part: dict[str, list[Count]] = {}
    train: Count = 0
    validation: Count = 0
    test: Count = 0
    groups: Count | None = None
    seed: Count | None = None
    look_alikes: Count | None = None
    first_look_alikes: list[Annotated[list[str], Field(min_length=2, max_length=2)]] = []
    usable: Count | None = None
    unreadable: list[Annotated[list[str], Field(min_length=2, max_length=2)]] = []
    duplicates: Count = 0
    first_duplicates: list[str] = []
    contradictions: list[list[str]] = []

    @model_validator(mode="after")
    def _counts_all_classes(self) -> Self:
        counted = [self.per_class, *self.per_class_of_part.values()]
        if self.classes and any(len(counts) != len(self.classes) for counts in counted):
            raise PydanticCustomError("counts", "not one count for each of its classes")
        return self


class Built(Form):
    """What a model came to."""

    parameters: Count | None = None
    trainable: Count | None = None
    width: Count | None = None
    trained_weights: Count | None = None
    builds: Count = 1


class Environment(Form):
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
    precision: str | None = None
    determinism: bool | None = None
    jit: bool | None = None


class LimitsForm(Form):
    """What a container was held to."""

    cpus: Amount | None = None
    memory_bytes: Amount | None = None


class Evidence(Form):
    """What was seen of a search from outside."""

    enforced: LimitsForm | None = None
    sources: dict[str, Any] | None = None


class BusynessForm(Form):
    """How busy the machine was with other work."""

    others_share: ReadingForm | None = None
    steal_share: ReadingForm | None = None
    waiting_share: ReadingForm | None = None
    runnable_others: ReadingForm | None = None


ReadingTable = Annotated[Mapping[str, Any], As(ReadingForm)]
DataTable = Annotated[Mapping[str, Any], As(Data)]
BuiltTable = Annotated[Mapping[str, Any], As(Built)]
EnvironmentTable = Annotated[Mapping[str, Any], As(Environment)]
EvidenceTable = Annotated[Mapping[str, Any], As(Evidence)]
BusynessTable = Annotated[Mapping[str, Any], As(BusynessForm)]


class Attempt(Form):
    """A process that worked at a cell."""

    program: str = ""
    began_at: Moment = ""
    reason: str | None = None


class LeftOutForm(Form):
    """What a worker knew of its own end."""

    status: Literal["completed", "failed"]
    ended: str | None = None
    reason: str | None = None
    crashed: bool = False
    started_at: Moment = ""
    lived_s: Amount | None = None
    setup_phases: Phases = {}
    closing_phases: Phases = {}
    peak_memory_bytes: ReadingForm = Field(default_factory=ReadingForm)
    energy: ReadingForm = Field(default_factory=ReadingForm)
    device_peak_memory_bytes: ReadingForm = Field(default_factory=ReadingForm)
    data: Data = Field(default_factory=Data)
    model: Built = Field(default_factory=Built)
    environment: Environment = Field(default_factory=Environment)
    busyness: BusynessForm = Field(default_factory=BusynessForm)
