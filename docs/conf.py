"""The documentation site: the same files that are read in the repository, and the docstrings of the public API.

`sphinx-build -W -c docs . site` from the root: the sources are the repository, so that every link in a file leads
to the same place here and there. A link to a page or a heading that does not exist is a warning.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

project = "clearorder"
copyright = "the clearorder authors"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "docs/index"
include_patterns = ["README.md", "CHANGELOG.md", "docs/*.md", "reports/evidence/*.md"]
source_suffix = {".md": "markdown"}

myst_heading_anchors = 4  # as GitHub makes them, so links to a heading are checked

autodoc_member_order = "bysource"
autodoc_typehints = "description"

html_theme = "furo"
html_title = "clearorder"
html_copy_source = False
