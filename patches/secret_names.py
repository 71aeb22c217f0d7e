"""Names of secrets: parameters, columns, headers, options, keys, elements, environment variables."""

from __future__ import annotations

import re

from . import secret_starts

#: Parts of names, in lower case: the value of such a name is secret, wherever it is.
WORDS = (
    "passw", "passphrase", "pass_phrase", "passcode", "adminpass", "admin_pass", "admin-pass", "rescue_pass",
    "new_pass", "chappass", "pswd", "sshpass", "requirepass", "storepass", "keypass", "masterauth", "rediscli_auth",
    "secret", "token", "credential", "private_key", "private-key", "privatekey", "privkey", "public_key",
    "publickey", "user_data", "user-data", "userdata", "key_data", "contents", "personality", "injected_files",
    "connection_info", "cookie", "x-auth", "x_auth", "fernet", "access_key", "access-key", "accesskey", "api_key",
    "api-key", "apikey", "ssh_key", "ssl_key", "tls_key", "encryption_key", "encryptionkey", "encrypted_key",
    "auth_key", "auth-key", "authkey", "account_key", "accountkey", "shared_key", "sharedkey", "master_key",
    "masterkey", "signing_key", "temp-url-key", "temp_url_key", "url_key", "configdrive_data", "config_drive_data",
    "config-drive-data", "bindpw", "bind_pw", "root_pw", "rootpw", "community", "trust_id", "bearer", "signature",
    "url_sig", "sip_pin", "dhchap",
)  # fmt: skip

#: Whole words that are such a name alone or as a part between signs.
_SHORT = r"(?<![a-z:])(?:pw|pwd|psk|totp|otp|kek|sig|hmac|authorization)(?![a-z])|(?<!com)(?<!by)(?<!sur)pass(?![a-z])"

#: Endings that make it a name of something about a secret.
_ABOUT = (
    r"ids?|uuids?|names?|types?|set|files?|filenames?|paths?|dirs?|expires|expires_at|expires_in|expiry|expiration|"
    r"expired|created|created_at|updated_at|changed|changed_at|deleted|deleted_at|issued_at|at|count|size|length|len|"
    r"min|max|ttl|timeout|lifetime|lifespan|age|interval|required|enabled|disabled|allowed|supported|needed|provided|"
    r"present|valid|verified|policy|methods?|algorithm|algo|format|encoding|content_type|content_encoding|providers?|"
    r"driver|backend|version|status|state|plugins?|services?|endpoint|ref|refs|href|regex|pattern|index|owner|group|"
    r"host|port|bits|rounds|usage|prompt|retries|attempts|cache|cache_time|issuer|audience|scope|mode|level|kind|"
    r"class|mechanism|cipher|description|title|limit|quota|number|conf|config"
)
_is_about = re.compile(
    r"(?:[_.\- ]|(?<=token)|(?<=password)|(?<=passwd)|(?<=secret)|(?<=credential)|(?<=credentials)|(?<=key))"
    r"(?:" + _ABOUT + r")(?:_+m?\d+)?\Z"
    r"|(?:key|password)-secret\Z"
).search  # fmt: skip
#: These are secrets although they end so: who has a token's or a trust's id has the token.
_is_secret_id = re.compile(r"token_?ids?|trust_id|access_?key_?id|approle|private_?key_?(?:data|value)").search

NAMED = re.compile("|".join(map(re.escape, WORDS)) + "|" + _SHORT)
_named = NAMED.search
#: The beginnings of its matches, and of those of all names in texts (secret_named).
BEGINNINGS = (
    *WORDS, "sig", "kek", "otp", "totp", "psk", "hmac", "pin", "code=", "key=", "authorization", "payload",
    "identified", "set", "pw", "pass", "_pass", "-pass",
    *[word + sign + "key" for word in ("access", "api", "private", "encryption", "auth", "shared") for sign in " _-"],
)  # fmt: skip
STARTS = re.compile(secret_starts.either(BEGINNINGS))
#: Names of columns, parameters, keys that are secrets if they are the whole name; ``_1`` … are SQLAlchemy's suffixes.
_alone = re.compile(r"(?:.*_)?connection(?:_\d+)?|value(?:_+m?\d+)*|(?:.*[_.])?encryption|pin|ticket").fullmatch

#: Of longer names only the ends count.
_MAX_NAME = 128
_MAX_KNOWN = 4096
_known: dict[str, bool] = {}


def secret_key(name: str) -> bool:
    """Return whether a name (of a parameter, column, header, key) is a secret's."""
    known = _known.get(name)
    if known is None:
        known = is_secret(name.lower())
        if len(_known) >= _MAX_KNOWN:
            _known.clear()
        if len(name) <= _MAX_NAME:
            _known[name] = known
    return known


def is_secret(lowered: str) -> bool:
    """Return the same, worked out, for a name in lower case."""
    if _alone(lowered[:_MAX_NAME]):
        return True
    return _named(lowered) is not None and not is_about(lowered)


def is_about(lowered: str) -> bool:
    """Return whether the value of a name with a secret's word in it describes the secret, and is none."""
    end = lowered[-_MAX_NAME:]
    about = _is_about(end)
    if about is None or _is_secret_id(end) is not None:
        return False
    named = _named(end)
    return named is None or about.start() >= named.end() or about[0].endswith("-secret")


def names_one(text: str) -> bool:
    """Return whether a secret's name is anywhere in ``text``."""
    lowered = text.lower()
    return secret_starts.search(NAMED, lowered, secret_starts.offsets(STARTS, lowered)) is not None
