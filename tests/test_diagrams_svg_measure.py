"""Widths are those of the bundled font, never less; characters missing from the font count as wide."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont
from hypothesis import given
from hypothesis import strategies as st

import diagrams
from diagrams.svg.measure import cut, text_length, width
from diagrams.svg.metrics import UNITS

FONTS = Path(diagrams.__file__).parent / "fonts"
faces = pytest.mark.parametrize(("face", "bold"), [("Regular", False), ("Bold", True)])


@faces
def test_every_character_of_the_font_is_measured(face: str, bold: bool) -> None:
    font = TTFont(FONTS / f"BootseqSans-{face}.ttf")
    glyphs, size = font.getBestCmap(), font["head"].unitsPerEm
    assert len(glyphs) > 1_000
    for code, glyph in glyphs.items():
        real = font["hmtx"][glyph][0] / size
        measured = width(chr(code), UNITS, bold=bold)
        assert measured >= real * UNITS, chr(code)
        assert measured == math.ceil(real * UNITS) or real * UNITS > 254


@faces
def test_the_font_has_its_own_name_as_its_licence_asks(face: str, bold: bool) -> None:
    names = TTFont(FONTS / f"BootseqSans-{face}.ttf")["name"]
    assert names.getDebugName(1) == "Bootseq Sans"
    assert "Liberation" not in "".join(filter(None, (names.getDebugName(number) for number in (1, 3, 4, 6))))
    assert "Open Font License" in names.getDebugName(13)


def test_characters_missing_from_the_font_are_wide() -> None:
    assert width("日本") >= 20
    assert width("😀") >= 13
    assert width("\ufdfd") >= 100
    assert 20 < width("שלום") < 24


#: The characters that clean() keeps.
printable = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=80)


@given(printable, printable)
def test_a_text_is_as_wide_as_its_parts(left: str, right: str) -> None:
    assert width(left + right) == pytest.approx(width(left) + width(right))


@given(printable, st.floats(0, 300))
def test_a_cut_text_fits_and_is_marked(text: str, room: float) -> None:
    shown = cut(text, room)
    assert width(shown) <= room
    assert shown == text or shown == "" or (shown.endswith("…") and text.startswith(shown[:-1]))
    if width(text) <= room:
        assert shown == text


def test_no_more_is_cut_than_needed() -> None:
    shown = cut("instance" * 20, 100)
    assert 100 - width("m") < width(shown) <= 100


@pytest.mark.parametrize(
    ("text", "attributes"),
    [
        ("select_destinations", ' textLength="86"'),
        ("two  spaces, which XML  draws as one", f' textLength="{round(width("two spaces, which XML draws as one"))}"'),
        ("SQL", ""),  # short
        ("日本語インスタンス", ""),  # by estimate
    ],
)
def test_a_text_is_held_to_its_width_where_that_is_exact(text: str, attributes: str) -> None:
    assert text_length(text) == attributes
    assert text_length(text, scaled=True) == (attributes and f'{attributes} lengthAdjust="spacingAndGlyphs"')
