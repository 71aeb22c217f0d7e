"""Widths are those of the font that is bundled, never less; what the font does not know is taken to be wide."""

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
def test_every_character_of_the_font_is_known(face: str, bold: bool) -> None:
    font = TTFont(FONTS / f"BootseqSans-{face}.ttf")
    glyphs, size = font.getBestCmap(), font["head"].unitsPerEm
    assert len(glyphs) > 1_000
    for code, glyph in glyphs.items():
        real = font["hmtx"][glyph][0] / size
        told = width(chr(code), UNITS, bold=bold)
        assert told >= real * UNITS, chr(code)
        assert told == math.ceil(real * UNITS) or real * UNITS > 254


@faces
def test_the_font_has_its_own_name_as_its_licence_asks(face: str, bold: bool) -> None:
    names = TTFont(FONTS / f"BootseqSans-{face}.ttf")["name"]
    assert names.getDebugName(1) == "Bootseq Sans"
    assert "Liberation" not in "".join(filter(None, (names.getDebugName(number) for number in (1, 3, 4, 6))))
    assert "Open Font License" in names.getDebugName(13)


def test_what_is_not_in_the_font_is_wide() -> None:
    assert width("日本") >= 20
    assert width("😀") >= 13
    assert width("\ufdfd") >= 100
    assert 20 < width("שלום") < 24


#: What clean() lets through.
printable = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=80)


@given(printable, printable)
def test_a_text_is_as_wide_as_its_parts(one: str, other: str) -> None:
    assert width(one + other) == pytest.approx(width(one) + width(other))


@given(printable, st.floats(0, 300))
def test_what_is_cut_fits_and_is_marked(text: str, room: float) -> None:
    shown = cut(text, room)
    assert width(shown) <= room
    assert shown == text or shown == "" or (shown.endswith("…") and text.startswith(shown[:-1]))
    if width(text) <= room:
        assert shown == text


def test_no_more_is_cut_than_must_be() -> None:
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
