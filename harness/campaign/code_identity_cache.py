"""Hashes of the sources that cells run through, as they were when first asked for.

A matrix has many cells and few kinds of them, and each hash takes a walk through the imports of a hundred modules. What
changes while a run goes on is none of its cells': its workers refuse other sources than those it began with.
"""

from __future__ import annotations

from functools import cache

from harness import code_identity


@cache
def of_cell(*, library: str, model: str, data: str = "", program: str = "") -> str:
    """Return ``code_identity.of_cell`` of the harness as it was at the first call."""
    return code_identity.of_cell(library=library, model=model, data=data, program=program)


@cache
def of_training(*, model: str, data: str = "") -> str:
    """Return ``code_identity.of_training`` of the harness as it was at the first call."""
    return code_identity.of_training(model=model, data=data)
