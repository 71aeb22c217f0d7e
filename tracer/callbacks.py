"""Default callbacks."""

from __future__ import annotations


def ignore(*_args: object) -> None:
    """Do nothing: the callback of a caller that needs no reports."""
