"""The documentation site: Sphinx with Furo; `make docs` builds it, and any warning fails it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

project = "trustsvc"
author = "the trustsvc project"
project_copyright = author
extensions = ["myst_parser", "tools.docs.mermaid"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]

myst_heading_anchors = 4  # anchors as on code hosting sites; a link to one that is missing fails
myst_fence_as_directive = ["mermaid"]

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["diagrams.css"]
html_title = "trustsvc"
html_show_sphinx = False
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {"source_repository": "", "navigation_with_keys": False}
