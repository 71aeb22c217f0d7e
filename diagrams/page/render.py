"""The page of a boot: its template, filled with the data, the style and the scripts.

The page fetches nothing. Its own policy allows its one style sheet and its one script by their digests, and no text of
a boot ever becomes markup: all of it is data, and the scripts set it as text.
"""

from __future__ import annotations

from functools import cache

from diagrams.outline.outline import left_out
from diagrams.page.data import columns
from diagrams.page.details import details, to_json
from diagrams.templating import digest, templates
from diagrams.text import by_kind, clean, shorten
from diagrams.words import steps as words_steps
from tracer.model import Request

#: The scripts in their order: each uses those before it.
SCRIPTS = ("model", "rows", "picture", "lanes", "panel", "search", "minimap", "actions", "main")
#: The level of the page at which a detail opens.
_LEVELS = {"story": "story", "brief": "requests", "calls": "calls", "full": "all"}


def page(boot: Request, detail: str = "calls") -> str:
    """Draw ``boot`` as HTML that opens with the level of ``detail``; every level is in it."""
    style, script = _assets()
    title, ids = words_steps.heading(boot)
    steps, statements = details(boot)
    return templates().get_template("page/page.html").render(
        title=clean(title), ids=clean(ids), facts=_facts(boot), left_out=left_out(boot.left_out),
        style=style, script=script, style_digest=digest(style), script_digest=digest(script),
        level=_LEVELS[detail], columns=to_json(columns(boot)), details=steps, statements=statements,
    )  # fmt: skip


def _facts(boot: Request) -> list[tuple[str, str]]:
    """Return the facts on the boot as a whole: name and text."""
    facts = {
        "server": boot.server,
        "instance": boot.uuid,
        "requests": ", ".join(boot.request_ids or [boot.request_id]),
        "outcome": boot.outcome,
        "host": boot.host,
        "releases": ", ".join(f"{name} {version}" for name, version in boot.versions.items()),
        "steps": by_kind(boot.counts()),
    }
    return [(name, shorten(value, words_steps.NOTE)) for name, value in facts.items() if value]


@cache
def _assets() -> tuple[str, str]:
    """Return the style sheet, and the scripts in one block, which share names with each other and nothing else."""
    return _source("page.css"), "".join(['"use strict";\n{\n', *(_source(f"{name}.js") for name in SCRIPTS), "}\n"])


def _source(name: str) -> str:
    """Return a file of the page unchanged: in JavaScript, double braces are not placeholders."""
    environment = templates()
    assert environment.loader
    return environment.loader.get_source(environment, f"page/{name}")[0]
