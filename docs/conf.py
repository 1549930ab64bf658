"""The settings of the handbook, which Sphinx builds from the Markdown files of the project.

python -m sphinx -c docs . out/handbook
"""

project = "dlbasics"
extensions = ["myst_parser", "sphinx_external_toc", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
include_patterns = ["docs/**", "ch*/README.md", "notebooks/*.md"]
external_toc_path = "docs/_toc.yml"
myst_enable_extensions = ["dollarmath"]
myst_fence_as_directive = ["math"]  # GitHub's form, as in the lessons
myst_heading_anchors = 4
html_theme = "furo"
