"""Secrets that are known by their shape alone: keys, tokens, hashes, passwords in URLs, bodies of base64.

Each pattern either takes what it has looked at or has looked at a bounded number of characters, so that a text made
to be slow is not.
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
    r"|\b(?:DHHC-1|NVMeTLSkey-1):\d\d:[\w+/=]{8,}:?"
    r"|(?<=\bcrypt )[\w:-]{1,60} [0-9A-Fa-f]{32,}",
    re.DOTALL,
)
#: What these begin with, but for the last one, behind its word.
_STARTS = (
    "-----BEGIN", "ssh-", "sk-ssh-", "ecdsa-sha2-", "sk-ecdsa-sha2-", "gAAAA", "eyJ", "I2Nsb3Vk", "IyEv",
    "Q29udGVudC1UeXBl", "#cloud-config", "#cloud-boothook", "$2", "$1$", "$5$", "$6$", "$7$", "$y$", "$argon2",
    "$scrypt", "$pbkdf2", "{SHA", "{MD5", "{SSHA", "{SMD5", "gho_", "ghp_", "ghs_", "ghu_", "ghr_", "github_pat_",
    "glpat-", "hvb.", "hvs.", "xox", "AQ", "DHHC-1:", "NVMeTLSkey-1:",
)  # fmt: skip
_CRYPT = "crypt "
_IN_PATH = re.compile(
    r"((?:tokens?|(?<!server-)passwords?|password-reset)(?:/|%2F))(?=[^/\s?&\"'%]{0,200}\d)[\w.=~-]{6,}", re.IGNORECASE
)
_AS_PATH = re.compile(r"(tokens?/|(?<!server-)password(?:-reset)?/)[^/]+")
#: The run of characters in which a URL's user and password stand.
_URL = re.compile(r":(?:\\{0,4}/){2}[^\s'\"<>`]{1,2048}")
_WRITTEN_URL = re.compile(r"(%3A(?:(?:%5C){0,2}%2F){2})[^\s'\"<>&]{1,300}(?=%40)", re.IGNORECASE)
_USER = re.compile(r"[^\s/@?#:\\]{0,256}:")
_PORT = re.compile(r"\d{0,5}(?:[/?#,\\]|\Z)")
_TOKEN_USER = re.compile(r"[\w%~.-]{16,256}(?=@)")
#: How far before its end a key whose beginning was cut off is looked for.
_MAX_KEY = 8192
_END = "-----END"


def without_shapes(text: str) -> str:
    """``text`` with what has a secret's shape masked."""
    text = secret_starts.substitute(_TOKENS, text, _token_starts(text), MASK)
    if _END in text:
        text = _without_tail_of_key(text)
    if ":/" in text or ":\\" in text:
        text = _URL.sub(_url, text)
    if "%" in text:
        text = _WRITTEN_URL.sub(r"\1" + MASK, text)
    if "oken" in text or "assword" in text or "OKEN" in text:
        text = _IN_PATH.sub(r"\1" + MASK, text)
    return text


def _token_starts(text: str) -> list[int]:
    places = secret_starts.starts(text, _STARTS)
    behind = [place + len(_CRYPT) for place in secret_starts.starts(text, (_CRYPT,))]
    return sorted(places + behind) if behind else places


def path_without_tokens(path: str) -> str:
    """A URL's path with the tokens that are parts of it masked, whatever they look like."""
    return _AS_PATH.sub(r"\1" + MASK, path) if "oken" in path or "assword" in path else path


def _without_tail_of_key(text: str) -> str:
    """Private keys whose beginnings were cut off: lines of base64 before their ends."""
    parts = []
    at = 0
    end = text.find(_END)
    while end >= 0:
        tail = _tail(text, max(at, end - _MAX_KEY), end)
        parts.append(text[at:tail] + MASK if end - tail > 1 else text[at:end])
        at, end = end, text.find(_END, end + 1)
    return "".join(parts) + text[at:]


def _tail(text: str, begun: int, end: int) -> int:
    """Where the run of base64, blanks and escaped newlines begins that ends at ``end``."""
    at = end
    while at > begun and (text[at - 1].isalnum() or text[at - 1] in "+/=%\\\r\n"):
        at -= 1
    return at


def _url(found: re.Match[str]) -> str:
    """Mask from the first user to the last @ of a run, where there is a password or a token before it."""
    run = found[0]
    last = run.rfind("@")
    at = 0
    while last > 0:
        slash = run.find("/", at)
        if slash < 0:
            break
        at = slash + 1
        while run[at : at + 1] in ("/", "\\"):
            at += 1
        if at > last:
            break
        user = _USER.match(run, at) if run[at : at + 1] != "[" else None
        if user is not None and not _PORT.match(run, user.end()):
            return run[:at] + MASK + run[last:]
        token = _TOKEN_USER.match(run, at)
        if token is not None:
            return run[:at] + MASK + run[token.end() :]
        at = run.find("://", at)
        if at < 0:
            break
    return run
