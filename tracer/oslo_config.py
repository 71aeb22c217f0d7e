"""A service's config file, its options as oslo.config reads them."""

from __future__ import annotations

import configparser
import string
from pathlib import Path

from tracer import limits
from tracer.errors import TracerError


class Options:
    """The text of a file called ``name``: the last of several wins, $name is another option, nothing is inherited.

    TracerError where it is no such file; nothing of its values stands in it.
    """

    def __init__(self, text: str, name: str) -> None:
        parser = configparser.RawConfigParser(strict=False, allow_no_value=True, default_section="\0")
        try:
            parser.read_string(text)
        except (configparser.Error, AttributeError) as error:  # the latter: a name without a value goes on
            # The parser's own message would quote the line.
            line = getattr(error, "lineno", None) or next((at for at, _ in getattr(error, "errors", [])), None)
            where = f"{name}:{line}" if line else name
            raise TracerError(f"{where}: not a service's config file: expected [section] or name = value") from None
        self._parser = parser

    def get(self, section: str, *names: str) -> str | None:
        """The first of the names that is there and not empty."""
        for name in names:
            value = self._parser.get(section, name, fallback=None)
            if value:
                defaults = dict(self._parser["DEFAULT"]) if self._parser.has_section("DEFAULT") else {}
                known = {key: each or "" for key, each in defaults.items()}
                return string.Template(_unquoted(value)).safe_substitute(known)
        return None


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value


def read(path: Path) -> Options:
    """The options of a file."""
    return Options(limits.text(path), str(path))
