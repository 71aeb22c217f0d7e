"""Boot → text: the outline and the pictures, by the suffix of the file they are meant for."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from diagrams import markdown, mermaid, outline, plantuml, svg, topology
from diagrams.folding import DETAILS
from tracer.model import Boot

__all__ = ["DETAILS", "RENDERERS", "render"]

#: What each suffix is drawn with. A renderer is pure: it opens no file and reads no clock.
RENDERERS: dict[str, Callable[[Boot, str], str]] = {
    "txt": outline.outline,
    "md": markdown.markdown,
    "svg": svg.svg,
    "mmd": mermaid.mermaid,
    "puml": plantuml.plantuml,
    "dot": topology.topology,
}


def render(boot: Boot, suffix: str, detail: str = "calls") -> str:
    """``boot`` as the text of a file with this ``suffix`` (``svg`` or ``.svg``), at one of ``DETAILS``."""
    if detail not in DETAILS:
        raise ValueError(f"no detail {detail!r}: one of {', '.join(DETAILS)}")
    try:
        renderer = RENDERERS[suffix.lstrip(".")]
    except KeyError:
        raise ValueError(f"cannot draw {suffix!r}: one of {', '.join(RENDERERS)}") from None
    with _without_collector():
        return renderer(boot, detail)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Drawing makes many objects and no cycles of them: looking for some took a third of its time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
