"""The fakes of campaigns, for runs that begin in Python."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def fake_executor() -> Any:
    """Starts workers that are fakes."""
    return _campaign_fakes().FakeExecutor()


def _campaign_fakes() -> Any:
    # Test folders are no packages, so that what a sibling folder has is loaded by path.
    name = "campaign_fakes"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[1] / "campaign" / "conftest.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]
