"""Sphinx settings. Pages under docs/generated are written at build time from the package (see _ext)."""

from __future__ import annotations

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "Cereblon"
author = "The Cereblon developers"
copyright = "2026, The Cereblon developers"
release = version = installed_version("cereblon")

extensions = ["myst_parser", "sphinx.ext.autodoc", "cereblon_pages"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "_ext"]

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
default_role = "code"  # docstrings write names as `name`
# Signatures name types of other packages and inner types of this one, which have no page here.
nitpick_ignore_regex = [(r"py:.*", r".*")]

html_theme = "furo"
html_title = "Cereblon"
html_static_path: list[str] = []
