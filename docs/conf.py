"""The documentation as a site: the same Markdown pages, and the public names from their docstrings."""

from importlib import metadata

project = "polyspan"
author = "the polyspan authors"
release = metadata.version("polyspan")
extensions = ["myst_parser", "sphinx.ext.autodoc"]
root_doc = "contents"
html_theme = "furo"
html_title = f"polyspan {release}"
exclude_patterns = ["_build"]
suppress_warnings = ["toc.not_included"]  # the generated tables under public/ and mini/ are linked, not listed
myst_heading_anchors = 4
autodoc_member_order = "bysource"
