"""How Sphinx builds the book: ``make docs``."""

project = "bootseq"
extensions = ["myst_parser"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_theme = "alabaster"
html_title = "bootseq"
