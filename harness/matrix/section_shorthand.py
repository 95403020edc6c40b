"""Sections named after what they mean: an empty ``[tuners.kt-random]`` is the tuner of its own name."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from harness.catalogue import backbones, datasets, tuners

# What takes the section's name, and the names that stand for something on their own. A folder or npz file needs a
# path besides, and may still be named so.
NAMED_AFTER: Mapping[str, tuple[str, Collection[str]]] = {
    "datasets": ("source", datasets.KNOWN.keys()),
    "backbones": ("model", (*backbones.KNOWN, backbones.OWN)),
    "tuners": ("tuner", (*tuners.KNOWN, tuners.OWN)),
}


def written_out(document: dict[str, object]) -> dict[str, object]:
    """Return ``document`` with the key that each section takes from its own name, where the section leaves it out."""
    return {kind: _sections(kind, sections) for kind, sections in document.items()}


def _sections(kind: str, sections: object) -> object:
    if kind not in NAMED_AFTER or not isinstance(sections, dict):
        return sections
    key, known = NAMED_AFTER[kind]
    return {
        name: {key: name, **section} if isinstance(section, dict) and name in known else section
        for name, section in sections.items()
    }
