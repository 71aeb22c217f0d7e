"""The one place that prints: whatever was read from somewhere cannot steer the terminal."""

from __future__ import annotations

import contextlib
import re

import click

from patches import masking
from tracer.text import printable

_COLOUR = re.compile(r"(\x1b\[[0-9;]*m)")


def out(text: str) -> None:
    """One line on stdout."""
    click.echo(printable(text))


def lines(text: str, *, colour: bool | None = None) -> None:
    """Text of several lines on stdout, as it ends; with ``colour`` its colours are kept."""
    parts = _COLOUR.split(text) if colour else [text]
    clean = ["\n".join(map(printable, part.split("\n"))) if at % 2 == 0 else part for at, part in enumerate(parts)]
    click.echo("".join(clean), nl=False, color=colour or None)


def say(text: str) -> None:
    """One line on stderr, masked: it may quote what was read. That nobody listens there is no reason to end."""
    with contextlib.suppress(OSError):
        click.echo(printable(masking.mask(text)), err=True)


def note(text: str) -> None:
    """One line on stderr that begins with the name of the tool."""
    say(f"bootseq: {text}")


def over(text: str) -> None:
    """One line on stderr in place of the last one, which is left open."""
    with contextlib.suppress(OSError):
        click.echo(f"\r\x1b[K{printable(text)}", nl=False, err=True)
