"""The widths of texts in pixels without a renderer, and the attributes that hold a text to its width in any font."""

from __future__ import annotations

from diagrams.svg.metrics import BOLD, REGULAR, UNITS

#: Arial and Helvetica are as wide as Liberation Sans, and nearly every machine has one of the three.
FONT = "Arial,Helvetica,'Liberation Sans',sans-serif"
#: A character that our font lacks is taken to be as wide as an emoji; only a few are wider.
_UNKNOWN = UNITS * 7 // 5
#: Narrower texts are not held to their width: a font wider by a fifth uses less than the space beside them.
_SHORT = 40
_WIDEST = {"\u2e3a": 2 * UNITS, "\u2e3b": 3 * UNITS, "\ufdfd": 12 * UNITS}


def _widths(face: dict[int, str]) -> dict[str, int]:
    ranges = ((first, bytes.fromhex(text)) for first, text in face.items())
    return {chr(first + index): units for first, known in ranges for index, units in enumerate(known) if units < 255}


_EXACT = (_widths(REGULAR), _widths(BOLD))
_FACES = tuple(_WIDEST | face for face in _EXACT)
#: The same for Latin-1, as tables for bytes.translate(), which is five times as fast.
_LATIN = tuple(bytes(face.get(chr(code), 255) for code in range(256)) for face in _FACES)


def width(text: str, size: float = 10, *, bold: bool = False) -> float:
    """Return the pixels that ``text`` takes at most in a font of ``size`` pixels."""
    try:
        units = sum(text.encode("latin-1").translate(_LATIN[bold]))
    except UnicodeEncodeError:
        face = _FACES[bold]
        units = sum(face.get(char, _UNKNOWN) for char in text)
    return units * size / UNITS


def text_length(text: str, size: float = 10, *, bold: bool = False, scaled: bool = False) -> str:
    """Return the attributes of a ``<text>`` that is as wide as measured in whatever font draws it.

    A wider font's letters move together or, where ``scaled``, become narrower, which large bold letters need and which
    costs twice the bytes. Empty for a text that is short, and for one with characters whose width is only estimated:
    it would be spread out.
    """
    shown = " ".join(text.split())  # as XML collapses its spaces
    pixels = round(width(shown, size, bold=bold))
    if pixels < _SHORT or not (shown.isascii() or _EXACT[bold].keys() >= set(shown)):
        return ""
    length = f' textLength="{pixels}"'
    return f'{length} lengthAdjust="spacingAndGlyphs"' if scaled else length


def cut(text: str, room: float, size: float = 10, *, bold: bool = False) -> str:
    """Return ``text``, or as much of it as fits into ``room`` pixels, ending in …; nothing if no letter fits."""
    if width(text, size, bold=bold) <= room:
        return text
    if width("…", size, bold=bold) > room:
        return ""
    fits, least = 0, len(text)
    while fits + 1 < least:
        half = (fits + least) // 2
        if width(f"{text[:half]}…", size, bold=bold) <= room:
            fits = half
        else:
            least = half
    return f"{text[:fits]}…"
