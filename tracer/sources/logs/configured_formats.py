"""Configured formats: what a user tells of a service's lines, by its format strings or by its config file."""

from __future__ import annotations

from collections.abc import Sequence

from tracer.errors import TracerError
from tracer.oslo_config import Options
from tracer.sources.logs import format_strings, oslo_formats
from tracer.sources.logs.oslo_formats import Formats

#: Both of oslo.log's, under the names they have in a config file.
_STRINGS = ("logging_context_format_string", "logging_default_format_string")
_PREFIX = "%(asctime)s.%(msecs)03d %(process)d ERROR %(name)s %(instance)s"


def told(strings: Sequence[str], date: str | None) -> tuple[Formats, ...]:
    """What was given by hand; nothing where nothing was. TracerError says what of it cannot be used."""
    if not strings and date is None:
        return ()
    return (_formats(strings or oslo_formats.OSLO_STRINGS, date, format_strings.SUFFIX, ""),)


def of_service(options: Options, name: str) -> Formats:
    """What the config file called ``name`` sets, and oslo.log's defaults where it sets nothing."""

    def get(option: str, default: str | None = None) -> str | None:
        return options.get("DEFAULT", option) or default

    strings = [string for option in _STRINGS if (string := get(option))]
    prefix = get("logging_exception_prefix", _PREFIX)
    suffix = get("logging_debug_format_suffix", format_strings.SUFFIX)
    strings = [*(strings or oslo_formats.OSLO_STRINGS), f"{prefix}%(message)s"]
    return _formats(strings, get("log_date_format"), str(suffix), f"{name}: ")


def _formats(strings: Sequence[str], date: str | None, suffix: str, where: str) -> Formats:
    try:
        return Formats(strings, date or format_strings.DATE, suffix, oslo_formats.OSLO_STRINGS)
    except ValueError as error:
        raise TracerError(f"{where}{error}") from None
