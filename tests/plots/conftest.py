"""The same small results folders as the tests of the analysis."""

from __future__ import annotations

from tests.analysis.conftest import made

__all__ = ["made"]
