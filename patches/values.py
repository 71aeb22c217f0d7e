"""What may be kept of a stranger's values: exact builtins, capped, with secrets masked by key and by shape.

Nothing here calls a method of a foreign object: no ``__repr__``, no ``__str__``, no property.
"""

import datetime
import re

MASK = "***"
#: Longer texts are cut, in characters; a cut could end inside a secret, so a long text is masked before it is cut.
MAX_TEXT = 512
MAX_ITEMS = 64
MAX_DEPTH = 6

_SECRET_KEYS = (
    r"pass(?:word|wd|phrase)?\b|adminpass|admin_pass|_pass\b|password|secret|token(?!_type)|authorization|credential|private|"
    r"user_?data|key_?data|public_?key|contents|personality|injected_files|connection_info|connection$|encryption|cookie|"
    r"x-auth|fernet|access_?key|^value$|rescue_pass"
)
secret_key = re.compile(_SECRET_KEYS, re.IGNORECASE).search

_IN_TEXT = re.compile(
    # a key and its value, as JSON, Python, key=value or a header has it
    r"""(?P<head>(?:[\w.-]*(?:password|passwd|adminpass|admin_pass|secret|token|authorization|private_key|public_key|user_data|userdata|"""
    r"""key_data|contents|personality|credential)[\w.-]*)['"\\]*\s*[:=]\s*)(?P<value>\[.*?\]|\{.*?\}|u?\\?"[^"]*"|u?\\?'[^']*'|[^\s,;&}\])]+)"""
    r"""|(?P<url>\w+://[^\s/@:'"]*:)[^\s/@]+(?=@)"""
    r"""|-----BEGIN[^-]*-----.*?(?:-----END[^-]*-----|$)"""
    r"""|\bssh-\w+ [A-Za-z0-9+/=]{16,}"""
    r"""|\bgAAAA[\w=-]{20,}""",
    re.IGNORECASE | re.DOTALL,
)
#: One of these stands in every text that _IN_TEXT would change: looking for them is ten times cheaper.
_TRIGGERS = ("pass", "secret", "token", "authoriz", "_key", "user_data", "userdata", "key_data", "contents", "person", "creden", "://", "---", "ssh-", "gaaaa")

_PLAIN = frozenset((type(None), bool, int, float))


def masked_text(text):
    """``text`` (an exact str) with what looks like a secret masked, cut to MAX_TEXT."""
    lowered = text.lower()
    for trigger in _TRIGGERS:
        if trigger in lowered:
            text = _IN_TEXT.sub(_hide, text)
            break
    return text if len(text) <= MAX_TEXT else "%s… (%d characters)" % (text[:MAX_TEXT], len(text))


def _hide(match):
    head = match.group("head") or match.group("url")
    return (head or "") + MASK


def scalar(value):
    """A value as marshal takes it: builtins as they are, texts masked and cut, anything else by its type's name."""
    kind = type(value)
    if kind in _PLAIN:
        return value if kind is not int or -(1 << 63) <= value < (1 << 63) else str(value)
    if kind is str:
        return masked_text(value)
    if kind is datetime.datetime:
        return value.isoformat()
    if kind is bytes:
        return "<%d bytes>" % len(value)
    return "<%s>" % kind.__name__


def keyed(key, value):
    """The same, for a value that stands under ``key``."""
    if value is not None and type(key) is str and secret_key(key):
        return MASK
    return scalar(value)


def tree(value, depth=0):
    """Nested dicts, lists and tuples of exact builtins as nested tuples: a dict is ("{}", key, value …), a list ("[]", item …)."""
    kind = type(value)
    if kind is dict:
        if depth >= MAX_DEPTH:
            return "{…}"
        pairs = []
        for key, item in list(value.items())[:MAX_ITEMS]:
            name = scalar(key)
            pairs.append(name)
            pairs.append(MASK if item is not None and type(name) is str and secret_key(name) else tree(item, depth + 1))
        return ("{}",) + tuple(pairs)
    if kind is list or kind is tuple:
        if depth >= MAX_DEPTH:
            return "[…]"
        return ("[]",) + tuple(tree(item, depth + 1) for item in value[:MAX_ITEMS])
    return scalar(value)


def error_text(error):
    """An exception as ``Type: first argument``, without asking the exception to print itself."""
    args = error.args if type(error.args) is tuple else ()
    name = type(error).__name__
    if args and type(args[0]) is str:
        return "%s: %s" % (name, masked_text(args[0]))
    return name


def url_without_secrets(url):
    """Scheme, host and path of a URL (an exact str); user, password and query are left out."""
    head, _, rest = url.partition("://")
    if not rest:
        return url.split("?", 1)[0]
    place, slash, path = rest.partition("/")
    return head + "://" + place.rpartition("@")[2] + slash + path.split("?", 1)[0]
