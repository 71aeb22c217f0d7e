"""One set of rules: a secret is masked in every notation, nothing else is, and no text takes long."""

from __future__ import annotations

import pytest

from patches import masking
from tests.support.canary_texts import Canary, canaries
from tests.support.hanging import finished
from tests.support.innocent_texts import ACCEPTED, innocents
from tests.support.slow_texts import units

CANARIES = list(canaries())


@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: canary.name)
def test_a_secret_is_masked_whole(canary: Canary) -> None:
    """And masking again changes nothing."""
    masked = masking.mask(canary.text)
    assert canary.secret not in masked
    assert canary.secret[:8] not in masked
    assert masking.mask(masked) == masked


@pytest.mark.parametrize("canary", CANARIES[::4], ids=lambda canary: canary.name)
def test_a_secret_is_masked_in_a_text_within_others(canary: Canary) -> None:
    """Quoted in a sentence, in a log line with more after it, in a list's text."""
    for text in (f"failed: {canary.text}", f"{canary.text}\nnext line", repr([canary.text]), f"({canary.text})"):
        assert canary.secret not in masking.mask(text), text


@pytest.mark.parametrize("text", innocents())
def test_what_is_no_secret_is_not_masked(text: str) -> None:
    """Ids, uuids, names, hosts, addresses, sizes, errors without a secret: they identify a boot."""
    assert masking.mask(text) == text


@pytest.mark.parametrize("text", ACCEPTED)
def test_false_masks_that_are_accepted_are_no_fewer(text: str) -> None:
    """The list says why; what is no longer masked leaves it."""
    assert masking.mask(text) != text


def test_there_are_enough_of_both() -> None:
    """So that a rule is never tried on a few samples only."""
    assert len(CANARIES) >= 200
    assert len({canary.secret for canary in CANARIES}) == len(CANARIES)
    assert len(set(innocents())) >= 200


@pytest.mark.slow
def test_no_text_hangs_a_service() -> None:
    """Each text of 80,000 characters, in each of the ways; growth is measured by ``python -m tests.bench masking``."""
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
