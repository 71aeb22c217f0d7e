"""Options and argument types that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from tracer.errors import TracerError
from tracer.files import write
from tracer.recording import capture


class _Path(click.Path):
    """A path that names something: an unset variable in a script would otherwise mean the current folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path; a TracerError for an empty name or one with a NUL byte."""
        if value == "":
            name = param.human_readable_name if param is not None else "PATH"
            raise TracerError(f"{name}: empty name; name a file or a folder")
        if "\0" in str(value):
            raise TracerError("file names cannot contain a NUL byte")
        return super().convert(value, param, ctx)


#: click's own check of an existing file would also refuse one that is only written, and takes four lines to say so.
PATH = _Path(path_type=Path, readable=False)

echo_option = click.option(
    "--echo", is_flag=True, help="Also switch on SQLAlchemy's own SQL echo: statements appear in the service's log."
)
ask_option = click.option(
    "--ask", multiple=True, metavar="LOGGER",
    help='Also copy the lines of this logger into CAPTURE/ask.log; repeatable (default "ask").',
)  # fmt: skip
points_option = click.option(
    "--points", "point_files", multiple=True, type=PATH, metavar="FILE", help="Add call points from a YAML file."
)  # fmt: skip
#: In MB; the minimum has room for one segment of each of a few processes.
cap_option = click.option(
    "--cap", type=click.IntRange(min=8), default=capture.CAP >> 20, show_default=True, metavar="MB",
    help="Maximum size of the whole capture; further events are dropped and counted.",
)  # fmt: skip


def report_format(output: Path, name: str | None, suffixes: Mapping[str, str]) -> str:
    """Return the format of a report: ``name`` if given, else by the file's suffix, text for a descriptor."""
    by_suffix = "text" if write.descriptor(output) is not None else suffixes.get(output.suffix.lower())
    if name or by_suffix:
        return name or str(by_suffix)
    raise TracerError(f"{output}: unknown report suffix; use one of {', '.join(suffixes)}, or pass --format")


def added(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a decorator that adds several options, in the order of the help."""
    return lambda function: functools.reduce(lambda command, option: option(command), reversed(options), function)


def report_options(suffixes: Mapping[str, str]) -> Callable[[Any], Any]:
    """Return a decorator that adds ``--format`` and ``-o`` of a command with reports; formats by suffix."""
    format_option = click.option(
        "--format", "format_", type=click.Choice(tuple(suffixes.values())),
        help="Format of the report; by default from the suffix of -o, else text.",
    )  # fmt: skip
    output_option = click.option(
        "-o", "--output", "outputs", multiple=True, type=PATH, metavar="FILE",
        help=f"Report to write, {', '.join(suffixes)}; - is stdout. Repeatable.",
    )  # fmt: skip
    return added(format_option, output_option)
