"""For which machines the page holds, what it was made from, and how to make it again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence

from harness.analysis import SearchResult, environments
from harness.page import markup
from harness.prices import Prices
from harness.reports import table_notes


def environment(searches: Sequence[SearchResult], *, prices: Prices) -> str:
    """Return the environments that the searches ran in, with all facts of each on demand, and the prices used."""
    recorded = [search for search in searches if search.record is not None]
    distinct = {_spelt(search.environment.told): search.environment for search in recorded}
    folds = [
        markup.folded(f"All facts of environment {number} of {len(distinct)}", markup.facts(_flat(facts.told)))
        for number, facts in enumerate(distinct.values(), start=1)
    ]
    lines = [
        *table_notes.holds_for(searches),
        *table_notes.pricing(searches, prices),
        *table_notes.unknown_energy(searches),
    ]
    return markup.listed(lines) + "".join(folds)


def when(searches: Sequence[SearchResult]) -> str | None:
    """Return the days on which the searches started, as ``2026-11-24`` or ``2026-11-24 to 2026-11-26``."""
    days = sorted({str(search.record.started_at)[:10] for search in searches if search.record is not None})
    if not days:
        return None
    return days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"


def repeat(matrix: str, text: str | None, searches: Sequence[SearchResult]) -> str:
    """Return commands, what must agree for the same result, and the matrix file's text where it is at hand."""
    file = f"{matrix}.toml"
    commands = "\n".join(
        f"{command.ljust(24 + len(file))}# {meaning}" for command, meaning in _commands(shlex.quote(file))
    )
    given = (
        f'<pre tabindex="0" id="matrix-text">{markup.escaped(text)}</pre>'
        if text is not None
        else "<p>The matrix file was not at hand when this page was made.</p>"
    )
    return (
        f"<p>Save the matrix below as <code>{markup.escaped(file)}</code>, and in a checkout of the harness:</p>"
        f'<pre tabindex="0">{markup.escaped(commands)}</pre>'
        f"<p>The same trials and scores come out where all of this agrees:</p>{markup.facts(_versions(searches))}"
        f"<h3>{markup.escaped(file)}, as it was when this page was made</h3>{given}"
    )


def _commands(file: str) -> list[tuple[str, str]]:
    return [
        (f"harness run {file}", "searches what is missing, then writes tables and this page"),
        (f"harness tables {file}", "writes them again from the records alone, to the same bytes"),
        ("harness show CELL", "one search in full; its id stands under its details above"),
    ]


def _versions(searches: Sequence[SearchResult]) -> list[tuple[str, str]]:
    recorded = [search for search in searches if search.record is not None]
    versions = sorted({str(search.asked.told.get("schema_version", "unknown")) for search in recorded})
    found = [("records", f"schema version {version}") for version in versions]
    found += [("machine", text) for text, _ in environments(recorded)]
    sources = dict.fromkeys(_sources(search) for search in recorded)
    found += [("harness sources (SHA-256, version, commit)", value) for value in sources]
    packages = dict.fromkeys(search.environment.lock_hash or "unknown" for search in recorded)
    found += [("packages (SHA-256)", value) for value in packages]
    images = sorted({(search.planned.dataset, _hash_of_images(search)) for search in recorded})
    weights = sorted({(search.planned.backbone, _hash_of_weights(search)) for search in recorded})
    found += [(f"images of {name}", value) for name, value in images]
    return found + [(f"weights of {name}", value) for name, value in weights]


def _sources(search: SearchResult) -> str:
    """Return which sources a search ran with, as far as its record tells."""
    told = search.record.evidence.sources if search.record is not None else None
    if told is None:
        return search.environment.code_hash or "unknown"
    altered = " with changes" if told.is_altered else ""
    commit = f", commit {told.commit}{altered}" if told.commit else ""
    return f"{told.hash}, {told.version or 'no version'}{commit}"


def _hash_of_images(search: SearchResult) -> str:
    return "none" if search.asked.source is None else search.asked.source.content_hash


def _hash_of_weights(search: SearchResult) -> str:
    return (None if search.asked.weights is None else search.asked.weights.sha256) or "none"


def _flat(facts: Mapping[str, object], prefix: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in facts.items():
        if isinstance(value, dict):
            found += _flat(value, f"{prefix}{key} ")
        else:
            found.append((f"{prefix}{key}", _text(value)))
    return found


def _text(value: object) -> str:
    if value is None:
        return "unknown"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _spelt(facts: Mapping[str, object]) -> str:
    return json.dumps(facts, sort_keys=True)
