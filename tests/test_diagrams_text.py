"""Text is escaped and shortened with a mark, and durations are written in a unit that suits them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagrams.text import clean, first_line, plain, short_address, shorten, span


@given(st.text())
def test_clean_text_is_printable_and_cleaning_is_idempotent(text: str) -> None:
    assert clean(text).isprintable()
    assert clean(clean(text)) == clean(text)


def test_hostile_characters_are_escaped() -> None:
    assert clean("a\x1b[31mb\u202ec\nd") == "a\\x1b[31mb\\u202ec\\nd"


def test_letters_of_any_script_are_unchanged() -> None:
    assert clean("Straße 日本 שלום 😀 ×7 →") == "Straße 日本 שלום 😀 ×7 →"


@given(st.text(), st.integers(1, 40))
def test_shortened_text_fits_its_limit_and_is_marked(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert len(short) <= limit
    assert short == clean(text) or short.endswith("…")


@given(st.text(alphabet="0123456789-/"))
def test_a_long_address_is_shortened_to_its_end(address: str) -> None:
    short = short_address(address)
    assert len(short) <= 24
    assert address.endswith(short.removeprefix("…"))


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (None, "unfinished"),
        (0, "0 µs"),
        (812_400, "812 µs"),
        (999_999, "1 ms"),
        (12_340_000, "12.3 ms"),
        (999_700_000, "1 s"),
        (1_236_000_000, "1.24 s"),
        (59_960_000_000, "1 min 0 s"),
        (123_400_000_000, "2 min 3 s"),
        (-5_000, "-5 µs"),
    ],
)
def test_spans(nanoseconds: int | None, text: str) -> None:
    assert span(nanoseconds) == text


def test_first_line_skips_blank_ones() -> None:
    assert first_line("\n \n NoValidHost: none \nmore") == "NoValidHost: none"
    assert first_line("") == ""


def test_other_values_are_written_as_json() -> None:
    assert (plain("a"), plain(None), plain(1), plain({"a": [True, None]})) == ("a", "None", "1", '{"a": [true, null]}')
