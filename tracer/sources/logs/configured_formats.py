"""Configured formats: what a user tells of a service's lines, by its format strings or by its config file."""

from __future__ import annotations

from collections.abc import Sequence

from tracer.errors import TracerError
from tracer.service_options import Options
from tracer.sources.logs import formats, patterns
from tracer.sources.logs.formats import Formats

#: Both of oslo.log's, under the names they have in a config file.
_STRINGS = ("logging_context_format_string", "logging_default_format_string")
_PREFIX = "%(asctime)s.%(msecs)03d %(process)d ERROR %(name)s %(instance)s"


def told(strings: Sequence[str], date: str | None) -> tuple[Formats, ...]:
    """What was given by hand; nothing where nothing was. TracerError says what of it cannot be used."""
    if not strings and date is None:
        return ()
    return (_formats(strings or formats.OSLO_STRINGS, date, patterns.SUFFIX, ""),)


def of_service(options: Options, name: str) -> Formats:
    """What the config file called ``name`` sets, and oslo.log's defaults where it sets nothing."""

    def get(option: str, default: str | None = None) -> str | None:
        return options.get("DEFAULT", option) or default

    strings = [string for option in _STRINGS if (string := get(option))]
    prefix = get("logging_exception_prefix", _PREFIX)
    suffix = get("logging_debug_format_suffix", patterns.SUFFIX)
    return _formats([*(strings or formats.OSLO_STRINGS), f"{prefix}%(message)s"], get("log_date_format"), str(suffix),
                    f"{name}: ")  # fmt: skip


def _formats(strings: Sequence[str], date: str | None, suffix: str, where: str) -> Formats:
    try:
        return Formats(strings, date or patterns.DATE, suffix, formats.OSLO_STRINGS)
    except ValueError as error:
        raise TracerError(f"{where}{error}") from None
