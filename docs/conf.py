"""How Sphinx builds these pages: `make docs`. Nothing is fetched, and no page needs the network to be read."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from source_pages import source_of as linkcode_resolve  # noqa: F401

import ouanalysis

project = "ouanalysis"
author = "The ouanalysis developers"
version = release = ouanalysis.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.linkcode",
    "named_types",
    "plain_docstrings",
    "source_pages",
]
exclude_patterns = ["_ext"]
default_role = "py:obj"
smartquotes = False

myst_url_schemes = {"https": None, "source": {"url": "source/{{path}}.html#{{fragment}}"}}
myst_heading_anchors = 4  # as the repository's own page names them
numpydoc_show_class_members = False  # autodoc shows them
autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
autodoc_mock_imports = ["torch"]  # which what documents TorchModule needs not have
autodoc_preserve_defaults = True  # as they are written: no address of an object in a page
python_maximum_signature_line_length = 90

html_theme = "furo"
html_title = "ouanalysis"
html_copy_source = False
html_show_copyright = False
