"""Signs of secrets: which steps of masking a text calls for, by its words, most of which recur in a service.

A step changes a text only if one of the words has its sign. Nothing that a step matches spans two words without a
sign in one of them; ``api key`` has half of it in each.
"""

from __future__ import annotations

import re

from . import secret_commands, secret_escapes, secret_named, secret_names, secret_shapes, secret_starts

#: The steps of masking, and what is to be decoded first.
SHAPES, PROGRAMS, ROWS, NAMES, NESTED = 1, 2, 4, 8, 16
_STEPS = SHAPES | PROGRAMS | ROWS | NAMES | NESTED
#: A hint of a secret; by itself it calls for no step.
_HINT = 32
#: Signs that count only beside a hint: short names, the padding of a key, and names that follow their values.
_WEAK, _ALONE = 64, 128
#: The halves of ``api key``.
_KEY, _BEFORE_KEY = 256, 512
_BEFORE_KEY_WORDS = ("access", "api", "private", "encryption", "auth", "shared")

_HINTS = secret_starts.least((
    *secret_names.WORDS, "pass", "pwd", "pw", "psk", "otp", "kek", "sig=", "sig%", 'sig"', "hmac", "authorization",
    "://", ":\\", "%2f%2f", "---", "ssh-", "ecdsa-", "gaaaa", "eyj", "$", "cloud-", "i2nsb3vk", "iyev", "q29udgvu",
    "ghp_", "gho_", "ghs_", "github_", "glpat", "hvs.", "hvb.", "xox", "==", "{sha", "{ssha", "{md5", "{smd5", "dhhc",
    "payload", "identified", "code=", ":key=", "secret", "nvmetlskey", "crypt", "key", "basic", "into",
))  # fmt: skip
#: One of these is in every word that has a sign, but for programs.
_may_have_sign = re.compile(
    secret_starts.anywhere((
        *secret_names.WORDS, *_HINTS, *map(str.lower, secret_shapes.BEGINNINGS), "sig", "pin", "[sql:", "aq", "<<<",
        "%", "\\", "&", ":/", "echo", "printf", "connection", "encryption", "ticket", *_BEFORE_KEY_WORDS,
    ))
).search  # fmt: skip
_weak = re.compile(r"(?<![a-z])(?:sig|pin)(?![a-z])|(?<![\w+/])aq[a-z0-9+/]{8}|<<<").search
_alone = re.compile(r"(?:connection(?:_\d+)?|encryption|\bpin|\bticket)(?![\w.-])").search

#: The signs of words that recur; most have none.
_signs: dict[str, int] = {}
_signs_of = _signs.get
_MAX_WORDS = 4096
#: Longer words and ids do not recur.
_MAX_WORD = 96
_MIN_ID = 6
_id = re.compile(r"[0-9a-f]{8}|[0-9]{6}").search
#: Numbers, times, addresses and ids have no sign.
_number = re.compile(
    r"[\[('\"{\\]{0,3}(?:req-|reply_|tap|0x)?[0-9a-f][0-9a-fTZ:.,/+-]*(?:m?s|%)?[\])'\"\\,.;:}>]{0,5}"
).fullmatch
#: Ids within words, which would keep a word from being remembered.
_ids = re.compile(r"(?<!\w)[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}(?!\w)")
_MIN_WITH_ID = 33
#: So many times a text may be escaped over and over.
_MAX_ESCAPED = 3


def steps(text: str) -> int:
    """Return the steps of masking that may change ``text``, as bits; 0 where none does."""
    signs = _of(text, _MAX_ESCAPED)
    if not signs:
        return 0
    if signs & _HINT and signs & _WEAK:
        return _STEPS
    if (signs & _KEY and signs & _BEFORE_KEY) or (
        signs & _HINT and signs & _ALONE and secret_named.has_value_before(text)
    ):
        signs |= NAMES
    return signs & _STEPS


def words(text: str, steps: int) -> list[str]:
    """Return the distinct words of ``text`` in which what the ``steps`` look for begins."""
    wanted = steps | _WEAK | _BEFORE_KEY
    every = dict.fromkeys(text.split())
    return [word for word in every if _of_one(word) & wanted or word[-3:].lower() == "set"]


def _of_one(word: str) -> int:
    signs = _signs_of(word)
    if signs is None:
        signs = _of_word(word, 0) if not _number(word) and _may_have_sign(word.lower()) else 0
    return signs


def is_hinted(text: str) -> bool:
    """Return whether ``text`` may be part of a text that has a secret, in this part or in another."""
    return not _number(text) and _of(text, _MAX_ESCAPED) & (_HINT | _STEPS) != 0


def _of(text: str, escaped: int) -> int:
    words = text.split()
    known = list(map(_signs_of, words))
    distinct = set(known)
    signs = 0
    if None in distinct:
        distinct.remove(None)
        unknown = [word for word, of_word in zip(words, known) if of_word is None and not _number(word)]
        if unknown:
            signs = _of_unknown(unknown, escaped)
    for of_word in distinct:
        signs |= of_word or 0
    return signs


def _of_unknown(words: list[str], escaped: int) -> int:
    signs = 0
    if max(map(len, words)) >= _MIN_WITH_ID:
        words = [_ids.sub("0", word) for word in words]
        known = list(map(_signs_of, words))
        for of_word in known:
            signs |= of_word or 0
        words = [word for word, of_word in zip(words, known) if of_word is None]
        if not words:
            return signs
    joined = " ".join(words)
    programs = secret_commands.names_program(joined)
    if not programs and _may_have_sign(joined.lower()) is None:
        _remember(words, 0)
        return signs
    for word in words:
        of_word = _of_word(word, escaped) if programs or _may_have_sign(word.lower()) else 0
        _remember((word,), of_word)
        signs |= of_word
    return signs


def _remember(words: list[str] | tuple[str, ...], signs: int) -> None:
    if len(_signs) >= _MAX_WORDS:
        _signs.clear()
    for word in words:
        if len(word) < _MIN_ID or (len(word) <= _MAX_WORD and not _id(word)):
            _signs[word] = signs


def _of_word(word: str, escaped: int) -> int:
    lowered = word.lower()
    signs = _HINT if any(map(lowered.__contains__, _HINTS)) else 0
    if secret_shapes.may_begin(word, lowered):
        signs |= SHAPES
    if secret_commands.names_program(word) or lowered.endswith(("echo", "printf")):
        signs |= PROGRAMS
    if lowered.endswith("into") or "[sql:" in lowered:
        signs |= ROWS
    if secret_named.may_begin(lowered):
        signs |= NAMES
    if ("sig" in lowered or "pin" in lowered or "aq" in lowered or "<<<" in lowered) and _weak(lowered):
        signs |= _WEAK
    if ("ction" in lowered or "pin" in lowered or "ticket" in lowered) and _alone(lowered):
        signs |= _ALONE
    if lowered.startswith("key"):
        signs |= _KEY
    if lowered.endswith(_BEFORE_KEY_WORDS) or "payload" in lowered:
        signs |= _BEFORE_KEY
    if escaped:
        for form in secret_escapes.forms(word):
            within = _of(form, escaped - 1)
            signs |= within & _HINT
            if within & ~_HINT:
                signs |= NESTED
    return signs
