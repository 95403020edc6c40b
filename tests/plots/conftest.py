"""The same small results folders as the tests of the analysis."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

# Test folders are no packages, so that fixtures of a sibling folder have to be loaded by path.
_PATH = Path(__file__).parents[1] / "analysis" / "conftest.py"
_SPEC = importlib.util.spec_from_file_location("made_results_to_draw", _PATH)
assert _SPEC is not None
assert _SPEC.loader is not None
_MODULE = importlib.util.module_from_spec(_SPEC)
sys.modules[_SPEC.name] = _MODULE
_SPEC.loader.exec_module(_MODULE)

made = _MODULE.made
