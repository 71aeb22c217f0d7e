"""The only output functions of the command line: text from outside cannot control the terminal."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import click

from tracer.files import write
from tracer.text import printable

STDOUT = 1
_COLOUR = re.compile(r"(\x1b\[[0-9;]*m)")


def out(text: str) -> None:
    """Write one line to stdout."""
    click.echo(printable(text))


def lines(text: str, *, colour: bool | None = None) -> None:
    """Write several lines to stdout without adding an end; with ``colour`` keep colour sequences."""
    click.echo(cleaned(text, color=bool(colour)), nl=False, color=colour or None)


def cleaned(text: str, *, color: bool) -> str:
    """Return lines with unprintable characters made visible; with ``color`` colour sequences stay."""
    parts = _COLOUR.split(text) if color else [text]
    return "".join(
        part if index % 2 else "\n".join(map(printable, part.split("\n"))) for index, part in enumerate(parts)
    )


def as_json(content: object) -> None:
    """Write JSON to stdout, in printable ASCII characters."""
    import json

    click.echo(json.dumps(content, indent=1))


def done(path: Path, text: str) -> None:
    """Report a file that was written: on stdout, or on stderr if the file is stdout."""
    line = f"{path}: {text}"
    if write.descriptor(path) == STDOUT:
        say(line)
    else:
        out(line)


def report(path: Path, text: str) -> None:
    """Write a report into a file, and how much it is."""
    data = text.encode(errors="backslashreplace")
    with write.written(path, write.default_mode()) as file:
        file.write(data)
    done(path, f"{len(data) / 1000:.0f} kB")


def say(text: str) -> None:
    """Write one line to stderr, with secrets masked: it may quote input. Ignore a closed stderr."""
    from patches import masking  # its rules take longer to compile than most commands to start

    with contextlib.suppress(OSError):
        click.echo(printable(masking.mask(text)), err=True)


def note(text: str) -> None:
    """Write one line to stderr, after the name of the tool."""
    say(f"bootseq: {text}")


def over(text: str) -> None:
    """Replace the current line on stderr, without ending it."""
    with contextlib.suppress(OSError):
        click.echo(f"\r\x1b[K{printable(text)}", nl=False, err=True)


def aligned(rows: list[list[str]]) -> list[str]:
    """Return a line for each row, with equal columns one below the other; all rows have the same length."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = ((text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in rows)
    return ["  ".join(row).rstrip() for row in padded]
