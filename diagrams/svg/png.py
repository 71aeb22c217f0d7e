"""The SVG as PNG, for places that show no SVG, by resvg, a wheel without system dependencies."""

from __future__ import annotations

import re
from importlib.resources import files

from diagrams.sequence.fit import fitted
from diagrams.sequence.model import Diagram
from diagrams.svg.measure import FONT
from diagrams.svg.render import draw, pages
from tracer.model import Merged, Request

#: Pixels of the PNG per pixel of the SVG; fewer for pictures that would have more than MOST.
ZOOMS = (2, 1)
#: The maximum that viewers and their memory can hold (four bytes per pixel, twice while drawing).
MOST = 64_000_000
_FAMILY = "Bootseq Sans"


def png(boot: Request | Merged, detail: str = "calls") -> bytes:
    """Draw ``boot``, or several merged, as one PNG, folded until it is small enough; its title says how."""
    return rasterised(fitted(boot, detail, _small_enough))


def png_pages(boot: Request | Merged, detail: str, paper: str) -> list[bytes]:
    """Return ``boot`` as one PNG per page."""
    return [rasterised(page) for page in pages(boot, detail, paper)]


def rasterised(svg: str) -> bytes:
    """Return one of our pictures as PNG, the same on every machine, even without fonts."""
    from resvg_py import svg_to_bytes  # imported late, because only PNG needs it

    fonts = [str(files("diagrams") / f"fonts/BootseqSans-{face}.ttf") for face in ("Regular", "Bold")]
    svg = svg.replace(f'font-family="{FONT}"', f'font-family="{_FAMILY},{FONT}"', 1)
    zoom = next((zoom for zoom in ZOOMS if pixels(svg) * zoom * zoom <= MOST), ZOOMS[-1])
    # The system's fonts in addition to ours, for Chinese or emoji.
    return bytes(svg_to_bytes(svg_string=svg, zoom=zoom, font_files=fonts, dpi=96))


def pixels(svg: str) -> int:
    """Return the number of pixels of one of our pictures."""
    match = re.search(r'viewBox="0 0 (\d+) (\d+)"', svg)
    if not match:
        raise ValueError("no picture of ours: its root has no viewBox")
    return int(match[1]) * int(match[2])


def _small_enough(diagram: Diagram) -> str | None:
    text = draw(diagram)
    return text if text and pixels(text) <= MOST else None
