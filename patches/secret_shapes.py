"""Secrets that are known by their shape alone: keys, tokens, hashes, passwords in URLs, bodies of base64.

Each pattern either consumes what it has read or reads a bounded number of characters, so that no text makes it slow.
"""

from __future__ import annotations

import re

from . import secret_starts
from .secret_ends import MASK

_TOKENS = re.compile(
    r"-----BEGIN[^-]{0,40}-----.*?(?:-----END[^-]{0,40}-----|\Z)"
    r"|-----BEGIN(?: [A-Z]{0,10}){0,4}-{0,4}\Z"
    r"|\b(?:(?:sk-)?ssh-[\w@.-]{3,30}|(?:sk-)?ecdsa-sha2-[\w@.-]{1,40})(?: |%20|\+)[A-Za-z0-9+/=%]{16,}"
    r"|\bgAAAA[\w=%-]{4,}"
    r"|\beyJ[\w+/=-]{6,}(?:\.[\w-]+){0,4}"
    # Base64 of #cloud-config, of #!/ and of a MIME head.
    r"|\b(?:I2Nsb3Vk|IyEv|Q29udGVudC1UeXBl)[\w+/=-]{8,}"
    r"|\#cloud-(?:config|boothook).*\Z"
    r"|\$(?:2[abxy]|[1567y]|argon2\w{0,2}|scrypt|pbkdf2[\w-]{0,10})\$[^\s'\",:]+"
    r"|\{S?(?:SHA|MD5)(?:256|512)?\}[\w+/=]{8,}"
    r"|\b(?:gh[opsur]_|github_pat_|glpat-|hv[bs]\.|xox[abeoprs]-)[\w.-]{8,}"
    # A key of ceph's has 40 characters; shorter ones with their padding are none of anything else.
    r"|(?<![\w+/])AQ[A-Za-z0-9+/]{8,200}={1,2}(?![\w=])"
    r"|(?<![\w+/])AQ[A-Za-z0-9+/]{24,38}\Z"
    r"|\b(?:DHHC-1|NVMeTLSkey-1):\d\d:[\w+/=]{8,}:?",
    re.DOTALL,
)
#: The beginnings of these.
BEGINNINGS = (
    "-----BEGIN", "ssh-", "sk-ssh-", "ecdsa-sha2-", "sk-ecdsa-sha2-", "gAAAA", "eyJ", "I2Nsb3Vk", "IyEv",
    "Q29udGVudC1UeXBl", "#cloud-config", "#cloud-boothook", "$2", "$1$", "$5$", "$6$", "$7$", "$y$", "$argon2",
    "$scrypt", "$pbkdf2", "{SHA", "{MD5", "{SSHA", "{SMD5", "gho_", "ghp_", "ghs_", "ghu_", "ghr_", "github_pat_",
    "glpat-", "hvb.", "hvs.", "xox", "AQ", "DHHC-1:", "NVMeTLSkey-1:",
)  # fmt: skip
_CRYPT = re.compile(r"\bcrypt [\w:-]{1,60} [0-9A-Fa-f]{32,}")
_STARTS = re.compile(secret_starts.either(BEGINNINGS))
#: The beginning of a key of ceph's is too short to be a sign.
_is_sign = re.compile(secret_starts.either(beginning for beginning in BEGINNINGS if beginning != "AQ")).search
_ends_with_crypt = re.compile(r"\bcrypt\Z").search
_IN_PATH = re.compile(
    r"((?:tokens?|(?<!server-)passwords?|password-reset)(?:/|%2F))(?=[^/\s?&\"'%]{0,200}\d)[\w.=~-]{6,}", re.IGNORECASE
)
#: One of these is in each of them.
_PATH_SIGNS = tuple(
    name + slash for name in ("token", "tokens", "password", "passwords", "reset") for slash in ("/", "%2f")
)
_AS_PATH = re.compile(r"(tokens?/|(?<!server-)password(?:-reset)?/)[^/]+")
#: The run of characters that contains a URL's user and password.
_URL = re.compile(r":(?:\\{0,4}/){2}[^\s'\"<>`]{1,2048}")
_WRITTEN_URL = re.compile(r"(%3A(?:(?:%5C){0,2}%2F){2})[^\s'\"<>&]{1,300}(?=%40)", re.IGNORECASE)
_USER = re.compile(r"[^\s/@?#:\\]{0,256}:")
_PORT = re.compile(r"\d{0,5}(?:[/?#,\\]|\Z)")
_TOKEN_USER = re.compile(r"[\w%~.-]{16,256}(?=@)")
#: The characters before its end that a key without a beginning may have.
_MAX_KEY = 8192
_END = "-----END"


def without_shapes(text: str, words: list[str]) -> str:
    """Return ``text`` with what has a secret's shape, and begins in one of ``words``, masked."""
    text = secret_starts.substitute(_TOKENS, text, secret_starts.offsets_in_words(_STARTS, text, text, words), MASK)
    if "crypt " in text:
        text = _CRYPT.sub("crypt " + MASK, text)
    if _END in text:
        text = _without_tail_of_key(text)
    if ":/" in text or ":\\" in text:
        text = _URL.sub(_url, text)
    if "%" in text:
        text = _WRITTEN_URL.sub(r"\1" + MASK, text)
    if has_secret_path(text.lower()):
        text = _IN_PATH.sub(r"\1" + MASK, text)
    return text


def may_begin(word: str, lowered: str) -> bool:
    """Return whether a word of a text, also given in lower case, may contain or begin what has a secret's shape."""
    if _is_sign(word) or "-----" in word or _ends_with_crypt(word) or ("==" in word and "AQ" in word):
        return True
    if "@" in word and (":/" in word or ":\\" in word):
        return True
    return ("%40" in word and "%2f" in lowered) or has_secret_path(lowered)


def has_secret_path(lowered: str) -> bool:
    """Return whether a text in lower case contains the name of a token or password and a slash."""
    if "oken" not in lowered and "assword" not in lowered:
        return False
    return any(sign in lowered for sign in _PATH_SIGNS)


def path_without_tokens(path: str) -> str:
    """Return a URL's path with the tokens that are parts of it masked, whatever they look like."""
    return _AS_PATH.sub(r"\1" + MASK, path) if "oken" in path or "assword" in path else path


def _without_tail_of_key(text: str) -> str:
    """Mask private keys whose beginnings were cut off: lines of base64 before their ends."""
    parts = []
    copied = 0
    end = text.find(_END)
    while end >= 0:
        tail = _tail(text, max(copied, end - _MAX_KEY), end)
        parts.append(text[copied:tail] + MASK if end - tail > 1 else text[copied:end])
        copied, end = end, text.find(_END, end + 1)
    return "".join(parts) + text[copied:]


def _tail(text: str, first: int, end: int) -> int:
    """Return the offset, not before ``first``, of the run of base64 and (escaped) newlines that ends at ``end``."""
    start = end
    while start > first and (text[start - 1].isalnum() or text[start - 1] in "+/=%\\\r\n"):
        start -= 1
    return start


def _url(match: re.Match[str]) -> str:
    """Mask from the first user to the last @ of a run, where there is a password or a token before it."""
    run = match[0]
    last = run.rfind("@")
    start = 0
    while last > 0:
        slash = run.find("/", start)
        if slash < 0:
            break
        start = slash + 1
        while run[start : start + 1] in ("/", "\\"):
            start += 1
        if start > last:
            break
        user = _USER.match(run, start) if run[start : start + 1] != "[" else None
        if user is not None and not _PORT.match(run, user.end()):
            return run[:start] + MASK + run[last:]
        token = _TOKEN_USER.match(run, start)
        if token is not None:
            return run[:start] + MASK + run[token.end() :]
        start = run.find("://", start)
        if start < 0:
            break
    return run
