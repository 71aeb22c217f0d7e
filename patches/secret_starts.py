"""Beginnings of a pattern's matches: a fast way to the offsets in a text at which the pattern can match at all.

One search for a hundred fixed texts costs as much as three single ones, and a hundredth of a pattern that looks around.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import Iterable

#: With more words the whole text is searched.
_MAX_WORDS = 16
#: Characters of a beginning that may follow its first word: `` key``.
_BEYOND = 8
#: Characters of a service's texts, the most frequent first.
_FREQUENT = "esiotnardl_c0123456789mu.p-hfgbv/wy:k"


def shortest(beginnings: Iterable[str]) -> tuple[str, ...]:
    """Return the texts without those that begin with another one: where they are, that one is."""
    every = set(beginnings)
    return tuple(sorted(text for text in every if not any(text[:length] in every for length in range(1, len(text)))))


def least(signs: Iterable[str]) -> tuple[str, ...]:
    """Return the signs without those that contain another one: a text with one of all has one of these."""
    every = list(dict.fromkeys(signs))
    return tuple(sign for sign in every if not any(other in sign for other in every if other != sign))


def either(texts: Iterable[str]) -> str:
    """Return a pattern, to stand in a group, for one of ``texts``: no character of a text is compared twice."""
    return _either(shortest(texts))


def _either(texts: Iterable[str]) -> str:
    by_first: dict[str, list[str]] = {}
    for text in texts:
        by_first.setdefault(text[0], []).append(text)
    return "|".join(map(_common, by_first.values()))


def _common(texts: list[str]) -> str:
    if len(texts) == 1:
        return re.escape(texts[0])
    length = 1
    while len({text[:length] for text in texts}) == 1:
        length += 1
    prefix = texts[0][: length - 1]
    return re.escape(prefix) + "(?:" + _either(text[length - 1 :] for text in texts) + ")"


def anywhere(texts: Iterable[str]) -> str:
    """Return a pattern, to stand in a group, that is found wherever one of ``texts`` is: by its rarest character.

    A search skips the characters with which no alternative begins, so it is fast if these are the frequent ones.
    """
    whole: dict[str, list[str]] = {}
    for text in least(texts):
        rarest = min(range(len(text)), key=lambda index: _rank(text[index]))
        whole.setdefault(text[rarest:], []).append(text)
    by_first: dict[str, list[str]] = {}
    for rest, ends in whole.items():
        checked = "" if rest in ends else "(?:" + "|".join("(?<=%s)" % re.escape(text) for text in ends) + ")"
        by_first.setdefault(rest[0], []).append(re.escape(rest[1:]) + checked)
    return "|".join(re.escape(first) + "(?:" + "|".join(rests) + ")" for first, rests in by_first.items())


def _rank(character: str) -> int:
    rank = _FREQUENT.find(character)
    return -rank if rank >= 0 else -len(_FREQUENT)


def offsets(starts: re.Pattern[str], text: str) -> list[int]:
    """Return the offsets of ``starts`` in ``text``, in order."""
    return _offsets(starts, text, 0, len(text))


def offsets_in_words(starts: re.Pattern[str], form: str, text: str, words: list[str]) -> list[int]:
    """Return the offsets, in order, of ``starts`` in ``form``, the lower case of ``text``, within ``words`` of it."""
    if len(words) > _MAX_WORDS:
        return offsets(starts, form)
    every: set[int] = set()
    for word in words:
        begin = text.find(word)
        while begin >= 0:
            end = begin + len(word)
            every.update(_offsets(starts, form, begin, end))
            begin = text.find(word, end)
    return sorted(every)


def _offsets(starts: re.Pattern[str], text: str, begin: int, end: int) -> list[int]:
    every = []
    last = min(end + _BEYOND, len(text))
    start = starts.search(text, begin, last)
    while start is not None and start.start() < end:
        every.append(start.start())
        start = starts.search(text, start.start() + 1, last)
    return every


def search(pattern: re.Pattern[str], text: str, starts: list[int], offset: int = 0) -> re.Match[str] | None:
    """Return the first match at one of the offsets ``starts`` from ``offset`` on."""
    for index in range(bisect_left(starts, offset), len(starts)):
        match = pattern.match(text, starts[index])
        if match is not None:
            return match
    return None


def substitute(pattern: re.Pattern[str], text: str, starts: list[int], replacement: str) -> str:
    """Return ``text`` with ``replacement`` for each match at one of the offsets ``starts``."""
    parts: list[str] = []
    end = 0
    match = search(pattern, text, starts)
    while match is not None:
        parts.append(text[end : match.start()])
        parts.append(replacement)
        end = match.end()
        match = search(pattern, text, starts, end)
    return "".join(parts) + text[end:] if parts else text
