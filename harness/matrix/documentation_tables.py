"""The tables of keys in the documentation, made from the JSON schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from harness.hyperparameters import KNOWN
from harness.matrix.json_schema import json_schema

# In the order of the documentation: heading, section.
_SECTIONS = (
    ("[datasets.<name>]", "Dataset"),
    ("[datasets.<name>.columns]", "Columns"),
    ("[backbones.<name>]", "Backbone"),
    ("[tuners.<name>]", "TunerSection"),
    ("[hyperparameters.<set>] <hyperparameter> = { … }", "Domain"),
    ("[budget]", "Budget"),
    ("[protocol]", "Protocol"),
    ("[protocol.split]", "Split"),
    ("[protocol.augmentation]", "Augmentation"),
    ("[container]", "Container"),
    ("[[include]], [[exclude]]", "Rule"),
)
_LONG_VALUE = 40


def markdown() -> str:
    """Return a table of keys for each section, and one of the hyperparameters, as Markdown."""
    schema = json_schema()
    lines = _section("Top level", "A matrix file has these keys.", schema)
    for heading, name in _SECTIONS:
        section = schema["$defs"][name]
        lines += _section(f"`{heading}`", section["description"], section)
    return "\n".join([*lines, *_hyperparameters()]) + "\n"


def _section(heading: str, description: str, section: dict[str, Any]) -> list[str]:
    head = ["", f"### {heading}", "", description, "", "| key | meaning | default | example |", "|---|---|---|---|"]
    required = section.get("required", ())
    rows = [_row(key, entry, needed=key in required) for key, entry in section["properties"].items()]
    return [*head, *rows]


def _row(key: str, entry: dict[str, Any], *, needed: bool) -> str:
    default = "required" if needed else _code(entry["default"]) if "default" in entry else "–"
    example = _code(entry["examples"][0]) if "examples" in entry else "–"
    meaning = " ".join(entry["description"].split()) + (
        f" One of {_listed(entry['enum'])}." if _is_short(entry) else ""
    )
    return f"| `{key}` | {meaning} | {default} | {example} |"


def _is_short(entry: dict[str, Any]) -> bool:
    # Long lists of names stand in catalogues of their own, which `harness doctor` prints.
    return len(json.dumps(entry.get("enum", [""] * _LONG_VALUE))) < 2 * _LONG_VALUE


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _code(value: object) -> str:
    return f"`{_toml(value)}`"


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {_toml(each)}' for key, each in value.items())} }}" if value else "{}"
    if isinstance(value, str) and len(value) > _LONG_VALUE:
        return f'"{value[:4]}…"'
    return json.dumps(value)


def _hyperparameters() -> Iterator[str]:
    yield from ("", "### Hyperparameters", "", "| name | meaning | values | left out |", "|---|---|---|---|")
    for name, known in KNOWN.items():
        below = "" if known.below is None else f", less than {known.below:g}"
        least = f"{'at least' if known.low_included else 'more than'} {known.low:g}{below}"
        kind = "whole numbers, " if known.integer else ""
        values = ", ".join(known.choices) or f"{kind}{least}"
        left_out = known.otherwise or f"`{_toml(known.default)}`"
        yield f"| `{name}` | {known.meaning} | {values} | {left_out} |"
