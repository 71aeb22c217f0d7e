"""The terminal that a command writes to: colours, tables that fit its width, a pager for what is taller."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Container, Sequence
from typing import TYPE_CHECKING

import click

from tracer.commands import printing
from tracer.text import printable

if TYPE_CHECKING:
    from rich.console import Console

#: The columns that a flexible column of a table keeps.
_NARROW = 6
_GAP = 2

color_option = click.option(
    "--color", "--colour", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True,
    help="auto: on a terminal, unless NO_COLOR is set or TERM is dumb.",
)  # fmt: skip


def is_terminal() -> bool:
    """Return whether stdout is a terminal."""
    return sys.stdout.isatty()


def has_colors(choice: str = "auto") -> bool:
    """Return whether to write colours, by the choice on the command line and the environment."""
    if choice != "auto":
        return choice == "always"
    return is_terminal() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def width() -> int:
    """Return the columns of the terminal."""
    return shutil.get_terminal_size().columns


def console(choice: str = "auto") -> Console:
    """Return rich's view of stdout, without its markup, emoji and highlighting."""
    from rich.console import Console  # takes as long to import as a small command to run

    colors = has_colors(choice)
    return Console(
        width=width(), force_terminal=colors, no_color=not colors, color_system="standard" if colors else None,
        markup=False, emoji=False, highlight=False, legacy_windows=False,
    )  # fmt: skip


def table(
    header: Sequence[str], rows: Sequence[Sequence[str]], styles: Sequence[str], choice: str, flexible: Container[str]
) -> None:
    """Write rows in columns, on a terminal within its width: the ``flexible`` columns end with an ellipsis.

    ``styles`` has a colour, or "", for each row.
    """
    if not is_terminal() and not has_colors(choice):
        for line in printing.aligned([list(header), *(list(map(printable, row)) for row in rows)]):
            printing.out(line)
        return
    from rich.table import Table
    from rich.text import Text

    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    most = _fitted(widths, [name in flexible for name in header], width() - _GAP * (len(header) - 1))
    drawn = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for name, columns in zip(header, most, strict=True):
        drawn.add_column(name, overflow="ellipsis", no_wrap=True, width=columns)
    for row, style in zip(rows, styles, strict=True):
        drawn.add_row(*(Text(printable(cell)) for cell in row), style=style)
    console(choice).print(drawn)


def _fitted(widths: list[int], flexible: list[bool], room: int) -> list[int]:
    """Return the widths of columns, the widest of the flexible ones reduced until all fit into ``room``."""
    result = list(widths)
    while sum(result) > room:
        columns = [index for index, own in enumerate(result) if flexible[index] and own > _NARROW]
        if not columns:
            break
        result[max(columns, key=result.__getitem__)] -= 1
    return result


def page(text: str, *, color: bool) -> None:
    """Write lines, on a terminal that is too low for them through ``$PAGER``, or less."""
    if is_terminal() and text.count("\n") >= shutil.get_terminal_size().lines and os.environ.get("PAGER") != "cat":
        os.environ.setdefault("LESS", "FRX")  # as git does: end where it fits after all, show colours, leave the text
        click.echo_via_pager(printing.cleaned(text, color=color), color=color)
    else:
        printing.lines(text, colour=color)
