"""How Sphinx builds the site; ``website/staging.py`` puts its sources together."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import harness  # noqa: E402 - its place is put on the path above

project = "harness"
author = "harness developers"
version = release = harness.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}

# Anchors as code hosts make them, so that one link serves both.
myst_heading_anchors = 6
myst_enable_extensions = ["colon_fence"]
# TOML and shell lines are shown with "…" where something is left out, which no lexer knows.
suppress_warnings = ["misc.highlighting_failure"]

autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_member_order = "bysource"

html_theme = "furo"
html_title = f"harness {release}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
