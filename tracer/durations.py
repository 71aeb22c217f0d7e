"""Durations on the command line: 30s, 10m, 2h."""

from __future__ import annotations

import re

from tracer.errors import TracerError

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(text: str) -> float:
    """Return the seconds of a duration such as ``10m``; a bare number is seconds."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd]?)", text.strip())
    if match is None or not float(match[1]):
        raise TracerError(f"{text}: not a length of time; write it as 30s, 10m or 2h")
    return float(match[1]) * _UNITS[match[2]]
