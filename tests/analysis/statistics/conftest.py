"""The same small results folders as the tests of the analysis."""

from __future__ import annotations

import pytest

from harness import prices
from harness.prices import Prices
from tests.analysis.conftest import made

__all__ = ["made"]


@pytest.fixture(scope="session")
def price_list() -> Prices:
    return prices.load()
