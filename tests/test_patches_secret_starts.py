"""Start positions of secrets: a pattern is tried only there, and matches nowhere else."""

from __future__ import annotations

import random
import re

import pytest

from patches import secret_named, secret_names, secret_shapes, secret_starts
from tests.support import canary_texts, innocent_texts

#: Texts between the beginnings in random texts.
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
    ("pattern", "starts", "beginnings"),
    [
        (secret_named._NAME, secret_names.STARTS, secret_names.BEGINNINGS),
        (secret_names.NAMED, secret_names.STARTS, secret_names.WORDS),
        (secret_shapes._TOKENS, secret_shapes._STARTS, secret_shapes.BEGINNINGS),
    ],
    ids=["names in texts", "names", "shapes"],
)
def test_a_pattern_matches_only_at_its_beginnings(
    pattern: re.Pattern[str], starts: re.Pattern[str], beginnings: tuple[str, ...]
) -> None:
    matches = 0
    for text in [*_texts(canary_texts), *_texts(innocent_texts), *_random_texts(beginnings)]:
        for form in (text, text.lower()):
            offsets = secret_starts.offsets(starts, form)
            assert secret_starts.substitute(pattern, form, offsets, "***") == pattern.sub("***", form)
            matches += pattern.search(form) is not None
    assert matches > 50


def test_offsets_are_those_in_the_words() -> None:
    def offsets(text: str, *words: str) -> list[int]:
        return secret_starts.offsets_in_words(re.compile("ab|b c"), text.lower(), text, list(words))

    assert offsets("ab xAB ab", "xAB") == [4]
    assert offsets("ab ab xab ab", "ab") == [0, 3, 7, 10]
    assert offsets("a b c ab", "b") == [2]  # its match ends beyond the word
    many = [f"ab{number}" for number in range(100)]
    assert len(offsets(" ".join(many), *many)) == len(many)


def test_patterns_of_fixed_texts() -> None:
    assert secret_starts.least(["pass", "password", "ass", "key"]) == ("ass", "key")
    assert secret_starts.shortest(["pass", "password", "ass", "key"]) == ("ass", "key", "pass")
    texts = ["key", "api_key", "secret", "set", "xox", "%2f", "\\", "=="]
    for pattern in (secret_starts.either(texts), secret_starts.anywhere(texts)):
        search = re.compile(pattern).search
        for text in texts:
            assert search(f"a {text} b"), (pattern, text)
            assert not search(f"a {text[:-1]} b") or text == "api_key"
