"""Boot, or several merged → text: outline and pictures, by the file's suffix; Comparison → text: reports, by format."""

from __future__ import annotations

import gc
import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import diagrams.report  # noqa: F401 - before the function of its name, which a later import of it would replace
from diagrams.svg.paging import PAPERS
from tracer.model import Comparison, Merged, Request

__all__ = [
    "DETAILS", "MERGED", "MERGED_SUFFIXES", "PAGED", "PAPERS", "RENDERERS", "REPORTS", "SUFFIXES",
    "default_detail", "drawn", "render", "report",
]  # fmt: skip

DETAILS = ("story", "brief", "calls", "full")

#: The renderer of each suffix, ``module:function``, imported when it draws: together they take longer to import than
#: most boots to draw. A renderer is pure: it opens no file and reads no clock.
RENDERERS = {
    "txt": "outline.outline:outline",
    "md": "document.markdown:markdown",
    "svg": "svg.render:svg",
    "html": "page.render:page",
    "mmd": "sequence.mermaid:mermaid",
    "puml": "sequence.plantuml:plantuml",
    "dot": "topology:topology",
}

#: The same for merged boots.
MERGED = {
    "txt": "outline.merged:outline",
    "md": "document.markdown:merged_markdown",
    "svg": "svg.render:svg",
    "mmd": "sequence.mermaid:mermaid",
    "puml": "sequence.plantuml:plantuml",
}

#: All suffixes: those of texts, and of pictures drawn from one.
SUFFIXES = (*RENDERERS, "png")
MERGED_SUFFIXES = (*MERGED, "png")

#: Suffixes that can be drawn page by page, on one of PAPERS.
PAGED = {"svg": "svg.render:pages", "png": "svg.png:png_pages"}

#: The writer of each format of a comparison; a terminal's also has a width, colours and details.
REPORTS = {
    "text": "report.text:report",
    "markdown": "report.markdown:report",
    "json": "report.json:report",
    "junit": "report.junit:report",
    "html": "report.html:report",
}


def render(boot: Request | Merged, suffix: str, detail: str = "calls") -> str:
    """Draw ``boot``, or several merged, as the text of a file with a ``suffix`` (``svg`` or ``.svg``)."""
    with _without_collector():
        text: str = _chosen(MERGED if isinstance(boot, Merged) else RENDERERS, suffix, detail)(boot, detail)
        return text


def drawn(boot: Request | Merged, suffix: str, detail: str = "calls", paper: str | None = None) -> list[bytes]:
    """Draw ``boot``, or several merged, as the contents of a file or, on one of ``PAPERS``, of one file per page."""
    if paper is not None:
        with _without_collector():
            contents: list[str] | list[bytes] = _chosen(PAGED, suffix, detail)(boot, detail, paper)
    elif suffix.lstrip(".") == "png":
        contents = [_imported("svg.png:png")(boot, detail)]
    else:
        contents = [render(boot, suffix, detail)]
    return [page.encode(errors="backslashreplace") if isinstance(page, str) else page for page in contents]


def default_detail(suffix: str) -> str:
    """Return the detail of a file with this suffix for which nobody chose one: a picture fits on a screen."""
    return "calls" if suffix.lstrip(".") in ("txt", "md", "dot") else "story"


def _chosen(renderers: dict[str, str], suffix: str, detail: str) -> Callable[..., Any]:
    if detail not in DETAILS:
        raise ValueError(f"no detail {detail!r}: one of {', '.join(DETAILS)}")
    try:
        name = renderers[suffix.lstrip(".")]
    except KeyError:
        raise ValueError(f"cannot draw {suffix!r}: one of {', '.join(renderers)}") from None
    return _imported(name)


def _imported(name: str) -> Callable[..., Any]:
    module, _, function = name.partition(":")
    renderer: Callable[..., Any] = getattr(importlib.import_module(f"diagrams.{module}"), function)
    return renderer


def report(
    comparison: Comparison, format: str = "text", *, width: int = 80, colour: bool = False, details: bool = False
) -> str:
    """Write ``comparison`` in one of the formats of ``REPORTS``.

    ``width``, ``colour`` and ``details`` are for ``text``: with details, it lists noted and ignored changes too.
    """
    if format not in REPORTS:
        raise ValueError(f"no format {format!r}: one of {', '.join(REPORTS)}")
    with _without_collector():
        more = {"width": width, "colour": colour, "details": details} if format == "text" else {}
        text: str = _imported(REPORTS[format])(comparison, **more)
        return text


@contextmanager
def _without_collector() -> Iterator[None]:
    """Pause the garbage collector: drawing creates no cycles, and searching for them took a third of its time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
