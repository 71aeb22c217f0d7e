"""The SVG as PNG, for places that show no SVG: by resvg, which is a wheel and needs nothing of the system."""

from __future__ import annotations

import re
from importlib.resources import files

from diagrams.sequence.fit import fitted
from diagrams.sequence.model import Diagram
from diagrams.svg.measure import FONT
from diagrams.svg.render import draw, pages
from tracer.model import Merged, Request

#: Pixels of the PNG for one of the SVG: what is larger in pixels than MOST gets fewer.
ZOOMS = (2, 1)
#: Pixels of a picture that viewers and their memory take (four bytes each, twice while it is made).
MOST = 64_000_000
_FAMILY = "Bootseq Sans"


def png(boot: Request | Merged, detail: str = "calls") -> bytes:
    """Draw ``boot``, or several merged, as one PNG, folded until it is small enough; its title says how."""
    return rasterised(fitted(boot, detail, _small_enough))


def png_pages(boot: Request | Merged, detail: str, paper: str) -> list[bytes]:
    """``boot`` as a PNG a page."""
    return [rasterised(page) for page in pages(boot, detail, paper)]


def rasterised(svg: str) -> bytes:
    """Return one of our pictures as PNG, the same on every machine, even without fonts."""
    from resvg_py import svg_to_bytes  # late, so that who draws no PNG does not pay for it

    fonts = [str(files("diagrams") / f"fonts/BootseqSans-{face}.ttf") for face in ("Regular", "Bold")]
    svg = svg.replace(f'font-family="{FONT}"', f'font-family="{_FAMILY},{FONT}"', 1)
    zoom = next((zoom for zoom in ZOOMS if pixels(svg) * zoom * zoom <= MOST), ZOOMS[-1])
    # The system's fonts beside ours: they may know what ours does not, Chinese or emoji.
    return bytes(svg_to_bytes(svg_string=svg, zoom=zoom, font_files=fonts, dpi=96))


def pixels(svg: str) -> int:
    """Return how many pixels one of our pictures has."""
    match = re.search(r'viewBox="0 0 (\d+) (\d+)"', svg)
    if not match:
        raise ValueError("no picture of ours: its root has no viewBox")
    return int(match[1]) * int(match[2])


def _small_enough(diagram: Diagram) -> str | None:
    text = draw(diagram)
    return text if text and pixels(text) <= MOST else None
