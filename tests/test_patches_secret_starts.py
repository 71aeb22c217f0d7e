"""The places at which a secret's pattern is tried are all at which it matches."""

from __future__ import annotations

import random
import re

import pytest

from patches import secret_named, secret_names, secret_shapes, secret_starts
from tests.support import canary_texts, innocent_texts

#: What stands between the beginnings in texts made at random.
_BETWEEN = ("", " ", "=", ": ", "'", '"', "\\", "_", "-", "\n", "&", "?", "x9", "A" * 40, "0" * 32, "$", "key", " - ")


def _texts(module: object) -> list[str]:
    texts: list[str] = []
    pending = list(vars(module).values())
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            texts.append(value)
        elif isinstance(value, (list, tuple, dict)):
            pending += [*value.items()] if isinstance(value, dict) else value
    return texts


def _random_texts(beginnings: tuple[str, ...]) -> list[str]:
    choose = random.Random(1).choice
    return ["".join(choose(beginnings) + choose(_BETWEEN) for _ in range(8)) for _ in range(150)]


@pytest.mark.parametrize(
    ("pattern", "beginnings"),
    [
        (secret_named._NAME, secret_named._STARTS),
        (secret_names._NAMED, secret_names._STARTS),
        (secret_shapes._TOKENS, (*secret_shapes._STARTS, secret_shapes._CRYPT)),
    ],
)
def test_a_pattern_matches_only_at_its_beginnings(pattern: re.Pattern[str], beginnings: tuple[str, ...]) -> None:
    matches = 0
    for text in [*_texts(canary_texts), *_texts(innocent_texts), *_random_texts(beginnings)]:
        for shown in (text, text.lower()):
            places = secret_starts.starts(shown, beginnings)
            if pattern is secret_shapes._TOKENS:
                places = secret_shapes._token_starts(shown)
            assert secret_starts.substitute(pattern, shown, places, "***") == pattern.sub("***", shown)
            matches += pattern.search(shown) is not None
    assert matches > 50


def test_the_least_of_signs_stand_wherever_one_of_all_does() -> None:
    assert secret_starts.least(["pass", "password", "ass", "key"]) == ("ass", "key")
    assert secret_starts.shortest(["pass", "password", "ass", "key"]) == ("ass", "key", "pass")
