"""The environment of all templates: values in an HTML page are escaped, a document has code spans and fences."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from diagrams.document.fences import code, fenced, tagged

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def templates() -> Environment:
    """The templates, by their names; one that ends in ``.html`` escapes by itself."""
    # Late, so that who fills no template does not pay for it.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("diagrams"), trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
        undefined=StrictUndefined, autoescape=lambda name: name is None or name.endswith(".html"),
    )  # fmt: skip
    environment.filters.update(code=code, fenced=fenced, tagged=tagged)
    return environment
