"""How Sphinx builds the book: ``make docs``."""

import re
from typing import Any

project = "bootseq"
extensions = ["myst_parser"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_theme = "alabaster"
html_title = "bootseq"


def link_files(app: Any, name: str, source: list[str]) -> None:
    """Mark links to Markdown outside docs/ as files, since Sphinx would look for pages of the book."""
    source[0] = re.sub(r"\]\((\.\./[^)#]+\.md)(#[^)]*)?\)", r"](path:\1)", source[0])


def setup(app: Any) -> None:
    """Register with Sphinx."""
    app.connect("source-read", link_files)
