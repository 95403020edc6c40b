"""The same small results folders as the tests of the analysis, and one that holds everything that can go wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import carbon, page, prices, reports
from harness.prices import Prices
from harness.search_types import Outcome
from tests.analysis.conftest import Made, made

__all__ = ["made"]

CHECK = "learning-rate check"
"""What the retrainings of a best configuration are called where tuners are named."""

NASTY = "</script><b onclick=\"x('1')\">Füchse & Dächse</b> {0} $title 狐 \u2028"
"""A name that would break a page which believed it."""


@pytest.fixture(scope="session")
def price_list() -> Prices:
    return prices.load()


@pytest.fixture(scope="session")
def retrained(tmp_path_factory: pytest.TempPathFactory, price_list: Prices) -> Path:
    """A page of one group whose best configuration was retrained at other learning rates, once in vain."""
    found = Made(tmp_path_factory.mktemp("page") / "retrained")
    for seed in (1, 2):
        found.search([found.trial(0, 0.5)], "kt-random", seed)
        found.search([found.trial(0, 0.6)], "kt-bayesian", seed, kind="kt-bayesian")
    found.search([found.trial(0, 0.6)], CHECK, 1, kind="optuna-grid", role="learning_rate")
    found.search([], CHECK, 2, kind="optuna-grid", role="learning_rate", status="failed", reason="crash")
    results = found.results()
    tables = reports.made(results, prices=price_list, carbon=carbon.load())
    return page.write(found.folder, results, reports=tables, prices=price_list, matrix_text=None)


@pytest.fixture(scope="session")
def awkward(tmp_path_factory: pytest.TempPathFactory, price_list: Prices) -> Path:
    """A page of two data sets, one with a nasty name; with failures, divergence, one seed, gaps and a long log."""
    found = Made(tmp_path_factory.mktemp("page") / "my <matrix> & Füchse")
    for seed in (1, 2, 3):
        best = 0.6 + 0.02 * seed
        found.search([found.trial(0, 0.2, 0.4), found.trial(1, 0.5, best)], "kt-random", seed)
        tpe = [found.trial(0, 0.3, best), found.trial(1, outcome=Outcome.DIVERGED, reason="loss <NaN>")]
        found.search(tpe, "optuna-tpe", seed, kind="optuna-tpe")
        slow = [found.trial(0, 0.3, best, phases={"ask": 60.0, "train": 4.0, "evaluate": 2.0, "tell": 0.5})]
        found.search(slow, "kt-bayesian", seed, kind="kt-bayesian")
        found.search([found.trial(0, best - 0.1)], "default", seed, kind="default")
    broken = found.search(
        [], NASTY, 1, kind="optuna-gp", status="failed", ended=None, reason="crash: <script>alert(1)</script>"
    )
    found.folder.cell(broken.id).log.write_text("first line\n" + "filler\n" * 20_000 + "Traceback </pre> the end\n")
    found.plan("optuna-tpe", 9, reason="no GPU & no hope")
    found.search([found.trial(0, 0.9)], "kt-random", 1, dataset=NASTY)
    found.search([found.trial(0, 0.8), found.trial(1, 0.95)], "optuna-tpe", 1, kind="optuna-tpe", dataset=NASTY)
    text = f"# {NASTY}\nseeds = [1, 2, 3]\n"
    results = found.results()
    tables = reports.made(results, prices=price_list, carbon=carbon.load())
    return page.write(found.folder, results, reports=tables, prices=price_list, matrix_text=text)
