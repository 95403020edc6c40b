"""The JSON schema of a matrix file, for editors: made from the sections and the catalogues."""

from __future__ import annotations

from typing import Any

from harness import matrix_schema
from harness.hyperparameters import KNOWN, Hyperparameter
from harness.matrix.section_shorthand import NAMED_AFTER

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
# What regular expressions of every dialect can say of names; the loader is stricter.
_NAME = {"pattern": r"^[^. /\\\x00-\x1f][^/\\\x00-\x1f]*$", "maxLength": 60}
_SECTIONS = {"datasets": "Dataset", "backbones": "Backbone", "tuners": "TunerSection"}


def json_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of a matrix file.

    It completes and checks keys, types, bounds, and the names of data sets, backbones, tuners and hyperparameters.
    What needs arithmetic or other sections (rules, budgets, steps) only the loader judges.
    """
    schema: dict[str, Any] = _tidy(matrix_schema.Document.model_json_schema())
    sections = schema["$defs"]
    for kind, section in _SECTIONS.items():
        _enumerate(schema, kind, section)
    _describe_sets(schema["properties"]["hyperparameters"])
    sections["Domain"]["oneOf"] = [{"required": ["low", "high"]}, {"required": ["choices"]}]
    sections["Domain"]["properties"]["choices"]["minItems"] = 1
    for section in ("Budget", "Rule"):
        sections[section]["minProperties"] = 1
    return {"$schema": _DIALECT, "title": "Matrix", **schema}


def _tidy(schema: Any) -> Any:
    """Drop titles, which repeat their keys, and nulls, which TOML lacks."""
    if isinstance(schema, list):
        return [_tidy(each) for each in schema if each != {"type": "null"}]
    if not isinstance(schema, dict):
        return schema
    tidy = {key: _tidy(value) for key, value in schema.items() if not _superfluous(key, value)}
    alternatives = tidy.get("anyOf", ())
    if len(alternatives) == 1:
        del tidy["anyOf"]
        tidy |= alternatives[0]
    return tidy


def _superfluous(key: str, value: object) -> bool:
    return (key == "title" and isinstance(value, str)) or (key == "default" and value is None)


def _enumerate(schema: dict[str, Any], kind: str, section: str) -> None:
    """List the known names, and let a section of such a name leave the key out."""
    key, known = NAMED_AFTER[kind]
    full = schema["$defs"][section]
    full["properties"][key]["enum"] = list(known)
    short = f"{section}NamedAfterItself"
    schema["$defs"][short] = {each: value for each, value in full.items() if each != "required"}
    table = schema["properties"][kind]
    table["properties"] = {name: {"$ref": f"#/$defs/{short}"} for name in known}
    table["propertyNames"] = _NAME


def _describe_sets(table: dict[str, Any]) -> None:
    table["propertyNames"] = {**_NAME, "not": {"enum": list(KNOWN)}}
    domains = table["additionalProperties"]
    domains["properties"] = {name: _domain(known) for name, known in KNOWN.items()}
    domains["additionalProperties"] = False


def _domain(known: Hyperparameter) -> dict[str, object]:
    value = _value(known)
    bounded = {"low": value, "high": value, "choices": {"items": value}, "default": value}
    # A sibling of $ref adds to it: the domain's own keys, with values that this hyperparameter takes.
    domain = {"$ref": "#/$defs/Domain", "properties": bounded}
    return {"description": f"{known.meaning}; left out: {known.otherwise or known.default}", "oneOf": [domain, value]}


def _value(known: Hyperparameter) -> dict[str, object]:
    if known.choices:
        return {"enum": list(known.choices)}
    value = {"type": "integer" if known.integer else "number"}
    least = {"minimum" if known.low_included else "exclusiveMinimum": known.low}
    return {**value, **least, **({} if known.below is None else {"exclusiveMaximum": known.below})}
