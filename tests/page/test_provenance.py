from __future__ import annotations

from typing import TYPE_CHECKING

from harness.page import provenance
from harness.prices import Prices

if TYPE_CHECKING:
    from tests.analysis.conftest import Made


def test_each_distinct_environment_has_all_its_facts(made: Made, price_list: Prices) -> None:
    for seed, memory in enumerate((1, 1, 2)):
        made.search(
            [made.trial(0, 0.5)], seed=seed, environment={"device": "cpu", "memory_bytes": memory, "x": {"y": [1]}}
        )
    text = provenance.environment(made.results().cells, prices=price_list)
    assert text.count("<details") == 2
    assert "<dt>x y</dt><dd>[1]</dd>" in text


def test_unknown_facts_are_called_unknown(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)], environment={"device": None})
    assert "<dt>device</dt><dd>unknown</dd>" in provenance.environment(made.results().cells, prices=price_list)


def test_without_a_record_it_holds_for_no_machine(made: Made, price_list: Prices) -> None:
    made.plan()
    assert "Holds for no machine" in provenance.environment(made.results().cells, prices=price_list)
    assert provenance.when(made.results().cells) is None


def test_the_days_of_the_run_are_the_records_own(made: Made) -> None:
    made.search([made.trial(0, 0.5)], seed=1, started_at="2026-11-24T23:59:59+00:00")
    assert provenance.when(made.results().cells) == "2026-11-24"
    made.search([made.trial(0, 0.5)], seed=2, started_at="2026-11-26T00:00:01+00:00")
    assert provenance.when(made.results().cells) == "2026-11-24 to 2026-11-26"


def test_what_must_agree_is_named_with_its_hashes(made: Made) -> None:
    cell = {
        "schema_version": 2,
        "source": {"content_hash": "a1"},
        "weights": {"sha256": None},
        "tuner": {"tuner": "kt-random"},
    }
    made.search([made.trial(0, 0.5)], cell=cell, environment={"code_hash": "c0", "lock_hash": "10"})
    text = provenance.repeat("my matrix", "seeds = [1]", made.results().cells)
    for term, value in (
        ("records", "schema version 2"),
        ("harness sources (SHA-256, version, commit)", "c0"),
        ("packages (SHA-256)", "10"),
        ("images of animals", "a1"),
        ("weights of mobile", "none"),
    ):
        assert f"<dt>{term}</dt><dd>{value}</dd>" in text
    assert "harness run &#x27;my matrix.toml&#x27;" in text
