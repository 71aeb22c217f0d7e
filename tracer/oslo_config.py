"""The options of a service's config file, read as oslo.config does."""

from __future__ import annotations

import configparser
import string
from pathlib import Path

from tracer.errors import TracerError
from tracer.files.read import small_text


class Options:
    """The options in a text: of several values the last is used, $name is replaced, and DEFAULT is not inherited.

    Raises TracerError for invalid text; its message contains ``name``, the file, and none of the values.
    """

    def __init__(self, text: str, name: str) -> None:
        parser = configparser.RawConfigParser(strict=False, allow_no_value=True, default_section="\0")
        try:
            parser.read_string(text)
        except (configparser.Error, AttributeError) as error:  # the latter: a continued name without a value
            # The parser's own message would quote the line.
            line = getattr(error, "lineno", None) or next((number for number, _ in getattr(error, "errors", [])), None)
            where = f"{name}:{line}" if line else name
            raise TracerError(f"{where}: not a service's config file: expected [section] or name = value") from None
        self._parser = parser

    def get(self, section: str, *names: str) -> str | None:
        """Return the value of the first of the names that has one, None if none has."""
        for name in names:
            value = self._parser.get(section, name, fallback=None)
            if value:
                defaults = dict(self._parser["DEFAULT"]) if self._parser.has_section("DEFAULT") else {}
                known = {key: default or "" for key, default in defaults.items()}
                return string.Template(_unquoted(value)).safe_substitute(known)
        return None


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value


def read(path: Path) -> Options:
    """Read the options of a file."""
    return Options(small_text(path), str(path))
