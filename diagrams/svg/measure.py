"""How wide a text is drawn, in pixels, without asking a renderer."""

from __future__ import annotations

from diagrams.svg.metrics import BOLD, REGULAR, UNITS

#: As wide as Liberation Sans are Arial and Helvetica: one of them stands on nearly every machine. Without any, text
#: comes out up to a seventh wider.
FONT = "Arial,Helvetica,'Liberation Sans',sans-serif"
#: What no font of ours knows is as wide as an emoji, the widest thing there is but for a few.
_UNKNOWN = UNITS * 7 // 5
_WIDEST = {"\u2e3a": 2 * UNITS, "\u2e3b": 3 * UNITS, "\ufdfd": 12 * UNITS}


def _known(face: dict[int, str]) -> dict[str, int]:
    widths = ((first, bytes.fromhex(text)) for first, text in face.items())
    return _WIDEST | {chr(first + at): one for first, known in widths for at, one in enumerate(known) if one < 255}


_FACES = (_known(REGULAR), _known(BOLD))
#: The same for Latin-1, as tables for bytes.translate(), which is five times as fast.
_LATIN = tuple(bytes(face.get(chr(code), 255) for code in range(256)) for face in _FACES)


def width(text: str, size: float = 10, *, bold: bool = False) -> float:
    """Pixels that ``text`` takes at most in a font of ``size`` pixels."""
    try:
        units = sum(text.encode("latin-1").translate(_LATIN[bold]))
    except UnicodeEncodeError:
        face = _FACES[bold]
        units = sum(face.get(char, _UNKNOWN) for char in text)
    return units * size / UNITS


def cut(text: str, room: float, size: float = 10, *, bold: bool = False) -> str:
    """``text``, or as much of it as fits into ``room`` pixels, the cut marked; nothing if not even a letter fits."""
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
