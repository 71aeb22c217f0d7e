"""The signs of a text's words decide which steps of masking it needs: no step is skipped that would change it."""

from __future__ import annotations

import random

import pytest

from patches import masking, secret_commands, secret_names, secret_shapes, secret_signs
from tests.support import canary_texts, innocent_texts
from tests.support.slow_texts import units

_PIECES = (
    *secret_names.WORDS, *secret_names.BEGINNINGS, *secret_shapes.BEGINNINGS, *secret_commands.PROGRAMS,
    "insert into users values ('a')", "set password for bob", "identified by", "api key", "payload_content_type",
    '"payload"', "'connection'", '"pin"', "ticket", '"value": "', '"name": "', '"key": "', "-n ", "-v ", "--value",
    "<<<", "echo ", "| sudo", "http", "://", "@", "AQ", "[SQL: ", "[parameters: (",
)  # fmt: skip
_BETWEEN = (
    "", " ", "=", ": ", "'", '"', "\\", '\\"', "_", "-", "\n", "&", "?", "x9", "A" * 40, "0" * 32, " a1!b2? ", " - ",
    "%20", "%3D", "&quot;", "&lt;", "<", ">", "\\n", "\t", ", ", ".", "/",
)  # fmt: skip


def _texts() -> list[str]:
    choose = random.Random(7).choice
    texts = ["".join(choose(_PIECES) + choose(_BETWEEN) for _ in range(5)) for _ in range(2000)]
    canaries = [canary.text for canary in canary_texts.canaries()]
    return [
        *texts,
        *canaries,
        *map(repr, canaries),
        *innocent_texts.innocents(),
        *innocent_texts.ACCEPTED,
        *units(),
        "",
        "\u0130password=Cn261z",
    ]


def test_no_step_is_skipped_that_would_change_a_text(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = _texts()
    masked = [masking.mask(text) for text in texts]
    steps = secret_signs._STEPS
    monkeypatch.setattr(secret_signs, "steps", lambda text: steps if secret_signs.is_hinted(text) else 0)
    monkeypatch.setattr(secret_signs, "words", lambda text, _: [text])
    changed = 0
    for text, expected in zip(texts, masked, strict=True):
        if secret_signs.is_hinted(text):
            assert masking.mask(text) == expected, text
            changed += expected != text
    assert changed > 1000


@pytest.mark.parametrize("hint", secret_signs._HINTS)
def test_a_hint_makes_a_text_suspicious(hint: str) -> None:
    """A part of a message is not harmless if the message may have a secret because of it."""
    assert masking.is_suspicious(f"a {hint.upper()} b")
    assert masking.is_suspicious(f"a x{hint}y b")


@pytest.mark.parametrize("program", sorted(secret_commands.PROGRAMS))
def test_a_program_is_a_sign(program: str) -> None:
    for text in (program, f"run '/usr/bin/{program}' x", f"['{program}', 'x']"):
        assert secret_signs.steps(text) & secret_signs.PROGRAMS, text


@pytest.mark.parametrize(
    "text",
    [
        "routing_key: conductor", "GET http://10.0.0.1:8774/v2.1/servers", "keystone is up", "compass", "passing by",
        "user_data_id", "token_expires_at: x", "encryption is off", "AMQP connection is up",
        "/var/lib/openstack/nova",
    ],
)  # fmt: skip
def test_hints_alone_call_for_no_step(text: str) -> None:
    assert secret_signs.steps(text) == 0


def test_ids_within_words_do_not_keep_them_from_being_remembered() -> None:
    """The URLs of a service differ by them."""
    urls = [
        f"http://host:8774/v2.1/servers/d290f1ee-6c54-4b07-90e6-{number:012x}/action?token=x" for number in range(99)
    ]
    secret_signs.steps(urls[0])
    before = len(secret_signs._signs)
    assert {secret_signs.steps(url) for url in urls} == {secret_signs.NAMES}
    assert len(secret_signs._signs) == before
    assert not secret_signs.steps("http://host/d290f1ee-6c54-4b07-90e6-d701748f0851")
    assert secret_signs.steps("http://host/user_datad290f1ee6c544b0790e6d701748f0851=1") == secret_signs.NAMES


def test_few_words_are_remembered() -> None:
    """However many different ones a service has."""
    for number in range(secret_signs._MAX_WORDS):
        secret_signs.steps(f"word{number}x token{number}x " + "y" * 200 + str(number))
    assert len(secret_signs._signs) <= secret_signs._MAX_WORDS + 3
    assert all(len(word) <= secret_signs._MAX_WORD for word in secret_signs._signs)
