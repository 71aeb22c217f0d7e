"""Boot, or several merged → text: outline and pictures, by the file's suffix; Comparison → text: reports, by format."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from diagrams import topology
from diagrams.document import markdown
from diagrams.outline import merged, outline
from diagrams.page import render as page_render
from diagrams.report import html, json, junit, text
from diagrams.report import markdown as report_markdown_
from diagrams.sequence import mermaid, plantuml
from diagrams.sequence.fold import DETAILS
from diagrams.svg import png
from diagrams.svg import render as svg_render
from diagrams.svg.paging import PAPERS
from tracer.model import Comparison, Merged, Request

__all__ = [
    "DETAILS", "MERGED", "MERGED_SUFFIXES", "PAGED", "PAPERS", "RENDERERS", "REPORTS", "SUFFIXES",
    "default_detail", "drawn", "render", "report",
]  # fmt: skip

_Renderer = TypeVar("_Renderer")

#: The renderer of each suffix. A renderer is pure: it opens no file and reads no clock.
RENDERERS: dict[str, Callable[[Request, str], str]] = {
    "txt": outline.outline,
    "md": markdown.markdown,
    "svg": svg_render.svg,
    "html": page_render.page,
    "mmd": mermaid.mermaid,
    "puml": plantuml.plantuml,
    "dot": topology.topology,
}

#: The same for merged boots.
MERGED: dict[str, Callable[[Merged, str], str]] = {
    "txt": merged.outline,
    "md": markdown.merged_markdown,
    "svg": svg_render.svg,
    "mmd": mermaid.mermaid,
    "puml": plantuml.plantuml,
}

#: All suffixes: those of texts, and of pictures drawn from one.
SUFFIXES = (*RENDERERS, "png")
MERGED_SUFFIXES = (*MERGED, "png")

#: Suffixes that can be drawn page by page, on one of PAPERS.
PAGED: dict[str, Callable[[Request | Merged, str, str], list[str] | list[bytes]]] = {
    "svg": svg_render.pages,
    "png": png.png_pages,
}

#: The writer of each format of a comparison; a terminal's also has a width, colours and details.
REPORTS: dict[str, Callable[[Comparison], str]] = {
    "text": text.report,
    "markdown": report_markdown_.report,
    "json": json.report,
    "junit": junit.report,
    "html": html.report,
}


def render(boot: Request | Merged, suffix: str, detail: str = "calls") -> str:
    """Draw ``boot``, or several merged, as the text of a file with a ``suffix`` (``svg`` or ``.svg``)."""
    with _without_collector():
        if isinstance(boot, Merged):
            return _chosen(MERGED, suffix, detail)(boot, detail)
        return _chosen(RENDERERS, suffix, detail)(boot, detail)


def drawn(boot: Request | Merged, suffix: str, detail: str = "calls", paper: str | None = None) -> list[bytes]:
    """Draw ``boot``, or several merged, as the contents of a file or, on one of ``PAPERS``, of one file per page."""
    if paper is not None:
        with _without_collector():
            contents: list[str] | list[bytes] = _chosen(PAGED, suffix, detail)(boot, detail, paper)
    elif suffix.lstrip(".") == "png":
        contents = [png.png(boot, detail)]
    else:
        contents = [render(boot, suffix, detail)]
    return [page.encode(errors="backslashreplace") if isinstance(page, str) else page for page in contents]


def default_detail(suffix: str) -> str:
    """Return the detail of a file with this suffix for which nobody chose one: a picture fits on a screen."""
    return "calls" if suffix.lstrip(".") in ("txt", "md", "html", "dot") else "story"


def _chosen(renderers: dict[str, _Renderer], suffix: str, detail: str) -> _Renderer:
    if detail not in DETAILS:
        raise ValueError(f"no detail {detail!r}: one of {', '.join(DETAILS)}")
    try:
        return renderers[suffix.lstrip(".")]
    except KeyError:
        raise ValueError(f"cannot draw {suffix!r}: one of {', '.join(renderers)}") from None


def report(
    comparison: Comparison, format: str = "text", *, width: int = 80, colour: bool = False, details: bool = False
) -> str:
    """Write ``comparison`` in one of the formats of ``REPORTS``.

    ``width``, ``colour`` and ``details`` are for ``text``: with details, it lists noted and ignored changes too.
    """
    if format not in REPORTS:
        raise ValueError(f"no format {format!r}: one of {', '.join(REPORTS)}")
    with _without_collector():
        if format == "text":
            return text.report(comparison, width, colour=colour, details=details)
        return REPORTS[format](comparison)


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
