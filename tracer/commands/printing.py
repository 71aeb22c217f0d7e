"""The one place that prints: whatever was read from somewhere cannot steer the terminal."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path

import click

from patches import masking
from tracer.files import write
from tracer.text import printable

STDOUT = 1
_COLOUR = re.compile(r"(\x1b\[[0-9;]*m)")


def out(text: str) -> None:
    """One line on stdout."""
    click.echo(printable(text))


def lines(text: str, *, colour: bool | None = None) -> None:
    """Text of several lines on stdout, as it ends; with ``colour`` its colours are kept."""
    parts = _COLOUR.split(text) if colour else [text]
    clean = ["\n".join(map(printable, part.split("\n"))) if at % 2 == 0 else part for at, part in enumerate(parts)]
    click.echo("".join(clean), nl=False, color=colour or None)


def as_json(content: object) -> None:
    """JSON on stdout, for programs; it has no character but ASCII's printable ones."""
    click.echo(json.dumps(content, indent=1))


def done(path: Path, text: str) -> None:
    """What came of writing a file: on stdout, unless the file is that."""
    line = f"{path}: {text}"
    if write.descriptor(path) == STDOUT:
        say(line)
    else:
        out(line)


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
