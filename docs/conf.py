"""The settings of the handbook, which Sphinx builds from the Markdown files of the project.

python -m sphinx -c docs . out/handbook
"""

import sys
from pathlib import Path

# This is how Sphinx finds the extensions of a project; only its build reads this file.
sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "dlbasics"
extensions = [
    "myst_parser",
    "sphinx_external_toc",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "docstrings",
    "mathml",
    "notebooks",
    "sources",
]
include_patterns = ["*.md", "docs/**", "ch*/README.md", "notebooks/**"]
exclude_patterns = ["**/.ipynb_checkpoints"]  # copies that Jupyter makes
external_toc_path = "docs/_toc.yml"
templates_path = ["_pages"]
html_additional_pages = {"index": "index.html"}

myst_enable_extensions = ["dollarmath", "html_image"]
myst_fence_as_directive = ["math"]  # GitHub's form, as in the lessons
myst_heading_anchors = 4
html_math_renderer = "mathml"

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
autodoc_mock_imports = ["sklearn"]  # it need not be installed
napoleon_custom_sections = [("Attributes", "params_style")]
default_role = "py:obj"  # `Affine` in a docstring is a link, where there is such a name

html_theme = "furo"
html_title = "dlbasics"
html_show_copyright = False
html_show_sphinx = False
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["handbook.css"]
autodoc_default_options = {"members": True, "show-inheritance": True}
