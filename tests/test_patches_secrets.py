"""The masking rules: secrets are masked in every notation, other text stays, and no text takes long."""

from __future__ import annotations

import pytest

from patches import masking
from tests.support.canary_texts import Canary, canaries
from tests.support.hanging import finished
from tests.support.innocent_texts import ACCEPTED, innocents
from tests.support.slow_texts import units

CANARIES = list(canaries())


@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: canary.name)
def test_a_secret_is_masked_completely(canary: Canary) -> None:
    """Not even its beginning stays; masking again changes nothing."""
    masked = masking.mask(canary.text)
    assert canary.secret not in masked
    assert canary.secret[:8] not in masked
    assert masking.mask(masked) == masked


@pytest.mark.parametrize("canary", CANARIES[::4], ids=lambda canary: canary.name)
def test_a_secret_is_masked_inside_other_text(canary: Canary) -> None:
    """In a sentence, before another line, in the text of a list, in parentheses."""
    for text in (f"failed: {canary.text}", f"{canary.text}\nnext line", repr([canary.text]), f"({canary.text})"):
        assert canary.secret not in masking.mask(text), text


@pytest.mark.parametrize("text", innocents())
def test_text_without_a_secret_is_unchanged(text: str) -> None:
    """Ids, uuids, names, hosts, addresses, sizes, errors: the readable content of a trace."""
    assert masking.mask(text) == text


@pytest.mark.parametrize("text", ACCEPTED)
def test_every_accepted_false_mask_is_still_masked(text: str) -> None:
    """The list gives the reasons; a text that is no longer masked is to be removed from it."""
    assert masking.mask(text) != text


def test_there_are_enough_samples() -> None:
    """At least 200 of both kinds."""
    assert len(CANARIES) >= 200
    assert len({canary.secret for canary in CANARIES}) == len(CANARIES)
    assert len(set(innocents())) >= 200


@pytest.mark.slow
def test_no_text_hangs_a_service() -> None:
    """Texts of 80,000 characters, masked in three ways; growth is measured by ``python -m tests.bench masking``."""
    number = finished("""
    from patches import masking
    from tests.support.slow_texts import units
    answer = 0
    for unit in units():
        text = unit * (80_000 // len(unit))
        masking.mask(text)
        masking.without_secrets(text)
        masking.without_secrets("SET password='" + text)
        answer += 1
    """)  # fmt: skip
    assert number == len(units()) > 90
