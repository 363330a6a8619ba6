"""Settings of the documentation: python -m sphinx -W --keep-going -n docs docs/_build/html."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]

import trio_live  # noqa: E402  # found by the line above, installed or not

# The package names its classes as users import them. Autodoc needs to know where they are written,
# to give their members in the order of the source.
for public in [getattr(trio_live, name) for name in trio_live.__all__]:
    if isinstance(public, type) and public.__module__ == "trio_live":
        inside = {getattr(member, "__module__", "") for member in vars(public).values()}
        for module in sorted(str(name) for name in inside):
            if module.startswith("trio_live."):
                public.__module__ = module

project = "trio_live"
author = "The trio_live developers"
copyright = author
version = release = trio_live.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "directives",
]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "_generated"]

html_theme = "furo"
html_title = f"trio_live {version}"
html_static_path = ["_static"]
html_css_files = ["trio_live.css"]
html_show_copyright = False
html_show_sphinx = False

default_role = "code"  # docstrings write `name`, as Markdown does
napoleon_numpy_docstring = False
napoleon_use_ivar = (
    True  # attributes as a list in the class, not as entries of their own
)
napoleon_preprocess_types = False
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88

smartquotes = False  # quotes in docstrings are code

nitpicky = True
nitpick_ignore_regex = [
    # Other projects: their inventories are on the network, and the build needs none.
    (
        "py:.*",
        r"(trio|ssl|mcp|random|collections|collections\.abc|types|pytest|contextlib|os|datetime)\..*",
    ),
    # The service's structs stand in a table of their own, reference/wire, not one by one; the marks
    # in their annotations (platform, unit, values) are shown there as well.
    ("py:.*", r"trio_live\.(music\.)?wire\..*|(typing|msgspec)\..*|(tuple|dict)\[.*"),
    ("py:.*", r"trio_live\.tools\.(kit\.F|call\.CallRunner)"),
    # Names that a string annotation gives as its module knows them, and not as it is documented.
    (
        "py:class",
        "Driver|Literal.*|Reseed|Transcriber|ProxySetting|OpenStream|datetime|.*EventT"
        "|AudioSource|AudioDuringCalls|Behavior|Client|ClientSession",
    ),
]
