"""A TOML document to a typed matrix, and each thing that doesn't fit in the words of the matrix."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from harness import matrix_schema
from harness.hyperparameters import KNOWN
from harness.matrix.hyperparameter_sets import no_set
from harness.matrix.mistakes import Key, Mistake, dotted, nearest, show, unknown
from harness.matrix.section_shorthand import NAMED_AFTER

_SECTIONS: dict[tuple[str, int], type[matrix_schema.Section]] = {
    ("", 0): matrix_schema.Document,
    ("datasets", 2): matrix_schema.Dataset,
    ("datasets", 3): matrix_schema.Columns,
    ("backbones", 2): matrix_schema.Backbone,
    ("tuners", 2): matrix_schema.TunerSection,
    ("hyperparameters", 3): matrix_schema.Domain,
    ("budget", 1): matrix_schema.Budget,
    ("protocol", 1): matrix_schema.Protocol,
    ("container", 1): matrix_schema.Container,
    ("include", 2): matrix_schema.Rule,
    ("exclude", 2): matrix_schema.Rule,
}
_WITHIN: dict[Key, type[matrix_schema.Section]] = {
    ("protocol", "split"): matrix_schema.Split,
    ("protocol", "augmentation"): matrix_schema.Augmentation,
}
_TABLES_OF_NAMES = ("datasets", "backbones", "tuners", "hyperparameters")
# Where pydantic puts the tag that tells a domain from a value: hyperparameters, set, hyperparameter, tag.
_TAG = 3


def typed(document: dict[str, object]) -> tuple[matrix_schema.Document | None, list[Mistake]]:
    """Return the matrix that ``document`` spells, and what doesn't fit.

    Named sections with mistakes are left out of the matrix; it is None where more than named sections don't fit.
    """
    try:
        return matrix_schema.Document.model_validate(document), []
    except ValidationError as error:
        details = error.errors(include_url=False)
    mistakes = list(dict.fromkeys(_told(details)))
    return _sound_part(document, mistakes), mistakes


def _sound_part(document: dict[str, object], mistakes: list[Mistake]) -> matrix_schema.Document | None:
    wrong = {mistake.key[:2] for mistake in mistakes}
    if any(len(key) < 2 or key[0] not in _TABLES_OF_NAMES for key in wrong):  # noqa: PLR2004 - a named section's key has two parts
        return None
    part = {kind: _without(wrong, kind, sections) for kind, sections in document.items()}
    try:
        return matrix_schema.Document.model_validate(part)
    except ValidationError:
        # Every section of some kind had a mistake.
        return None


def _without(wrong: Collection[Key], kind: str, sections: object) -> object:
    if kind not in _TABLES_OF_NAMES or not isinstance(sections, dict):
        return sections
    return {name: section for name, section in sections.items() if (kind, name) not in wrong}


def _told(details: list[ErrorDetails]) -> Iterator[Mistake]:
    meant = {_meant(detail) for detail in details if detail["type"] == "extra_forbidden"}
    for detail in details:
        key = _key(detail)
        if key[0] == "hyperparameters" and key[1:2] and key[1] in KNOWN:
            yield no_set(key[:2])
        # A misspelt key that is required would be told twice: as unknown, and as missing.
        elif detail["type"] != "missing" or key not in meant:
            yield Mistake(key=key, text=_text(key, detail))


def _key(detail: ErrorDetails) -> Key:
    key = detail["loc"]
    return (*key[:_TAG], *key[_TAG + 1 :]) if key[0] == "hyperparameters" else key


def _meant(detail: ErrorDetails) -> Key | None:
    key = _key(detail)
    near = nearest(str(key[-1]), _section(key).model_fields)
    return None if near is None else (*key[:-1], near)


def _section(key: Key) -> type[matrix_schema.Section]:
    return _WITHIN.get(key[:-1]) or _SECTIONS[str(key[0]) if len(key) > 1 else "", len(key) - 1]


def _text(key: Key, detail: ErrorDetails) -> str:
    if detail["type"] == "extra_forbidden":
        return unknown("key", str(key[-1]), _section(key).model_fields)
    if detail["type"] == "missing":
        return f"missing; {_missing(key)}"
    return _TEXTS[detail["type"]](detail)


def _missing(key: Key) -> str:
    name = str(key[-1])
    if len(key) == 1 and name != "seeds":
        return f"add [{name}]" if name == "budget" else f"add at least one [{name}.<name>]"
    example = (_section(key).model_fields[name].examples or [""])[0]
    if len(key) > 1 and (near := nearest(str(key[1]), NAMED_AFTER[str(key[0])][1])) is not None:
        return f"add {name} = …, or did you mean [{key[0]}.{near}]?"
    return f"add it, such as {name} = {example if isinstance(example, list) else show(example)}"


def _must_be(what: str) -> Callable[[ErrorDetails], str]:
    return lambda detail: f"must be {what}, not {show(detail['input'])}"


def _bound(phrase: str, limit: str) -> Callable[[ErrorDetails], str]:
    return lambda detail: f"must be {phrase} {_limit(detail['ctx'][limit])}, not {show(detail['input'])}"


def _limit(limit: float) -> str:
    return str(limit) if isinstance(limit, int) else f"{limit:g}"


def _number(detail: ErrorDetails) -> str:
    # An integer gets here only if no float can hold it.
    too_large = isinstance(detail["input"], int) and not isinstance(detail["input"], bool)
    return _FINITE(detail) if too_large else f"must be a number, not {show(detail['input'])}"


def _one_of(detail: ErrorDetails) -> str:
    expected: str = detail["ctx"]["expected"]
    choices = expected.replace(" or ", ", ").replace("'", "").split(", ")
    if isinstance(detail["input"], str):
        return unknown("value", detail["input"], choices)
    return f"must be one of {', '.join(choices)}, not {show(detail['input'])}"


def _described(detail: ErrorDetails) -> str:
    key = _key(detail)
    return f"{show(detail['input'])} doesn't fit; {_section(key).model_fields[str(key[-1])].description}"


def _table(detail: ErrorDetails) -> str:
    key = _key(detail)
    header = dotted(key) if isinstance(key[-1], str) else f"[{key[0]}]"
    return f"must be a table, written [{header}] or {{ … }}, not {show(detail['input'])}"


def _list(detail: ErrorDetails) -> str:
    if detail["loc"] in (("include",), ("exclude",)) and isinstance(detail["input"], dict):
        return "must be a list of tables, not a table; write it in double brackets: [[…]]"
    return f"must be a list in [ ], not {show(detail['input'])}"


def _value(detail: ErrorDetails) -> str:
    # Where a whole domain stands, its other spellings are a way out too.
    spellings = ", or { low = …, high = … } or { choices = […] }" if len(_key(detail)) == _TAG else ""
    return f"must be a number or text{spellings}, not {show(detail['input'])}"


_FINITE = _must_be("a finite number")
_TEXTS: dict[str, Callable[[ErrorDetails], str]] = {
    "bool_type": _must_be("true or false"),
    "dict_type": _table,
    "finite_number": _FINITE,
    "float_type": _number,
    "greater_than": _bound("more than", "gt"),
    "greater_than_equal": _bound("at least", "ge"),
    "int_type": _must_be("a whole number"),
    "less_than": _bound("less than", "lt"),
    "less_than_equal": _bound("at most", "le"),
    "list_type": _list,
    "literal_error": _one_of,
    "model_type": _table,
    "scalar": _must_be("a number, text, true or false"),
    "string_pattern_mismatch": _described,
    "string_too_short": lambda _: "is empty; give at least one character",
    "string_type": _must_be("text in quotes"),
    "too_large": _FINITE,
    "too_short": lambda _: "is empty; give at least one",
    "value": _value,
}
