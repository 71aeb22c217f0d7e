"""The two views of ``bootseq watch``: a table on a terminal, and a line for each event elsewhere."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Any, Protocol

from tracer.commands import printing
from tracer.live.boots import BootLine
from tracer.text import printable

#: Boots of the table: those that have not ended, and the last ones that have.
_ENDED_SHOWN = 10
_STYLES = {"failed": "red", "rescheduled": "magenta", "slow": "yellow"}


class View(AbstractContextManager["View"], Protocol):
    """A view: ``show`` takes the state of all boots."""

    def show(self, boots: list[BootLine]) -> None:
        """Show the boots."""


def of_terminal() -> Any:
    """Return the view for stdout."""
    return Table() if sys.stdout.isatty() else Events()


class Events(nullcontext[Any]):
    """A line each time a boot comes into another state."""

    def __init__(self) -> None:
        super().__init__(self)
        self._states: dict[int, tuple[str, ...]] = {}

    def show(self, boots: list[BootLine]) -> None:
        """Print the boots whose state or marks are others than before."""
        for boot in boots:
            marks = tuple(mark for mark in boot.marks if mark != "open")
            if self._states.get(boot.number) != (boot.state, *marks):
                self._states[boot.number] = (boot.state, *marks)
                printing.out(_event(boot, marks))


def _event(boot: BootLine, marks: tuple[str, ...]) -> str:
    about = f" [{', '.join(marks)}]" if marks else ""
    where = f", {boot.service}{f' on {boot.host}' if boot.host else ''}: {boot.step}" if boot.step else ""
    return f"{datetime.now(UTC):%H:%M:%S} {boot.server or boot.uuid}: {boot.state}{about}, {boot.seconds:.1f} s{where}"


class Table:
    """A table that stays at its position, each open boot with its open steps."""

    def __init__(self) -> None:
        from rich.live import Live

        self._live = Live(auto_refresh=False, redirect_stdout=False, redirect_stderr=False)

    def __enter__(self) -> Table:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()  # shows the cursor again

    def show(self, boots: list[BootLine]) -> None:
        """Draw the table again."""
        self._live.update(_table(boots), refresh=True)


def _table(boots: list[BootLine]) -> Any:
    from rich.table import Table as RichTable
    from rich.text import Text

    table = RichTable(expand=True, box=None)
    for title in ("server", "state", "seconds", "service", "host", "step"):
        table.add_column(title, no_wrap=True, overflow="ellipsis", ratio=3 if title == "step" else None)
    ended = [boot for boot in boots if not boot.is_open]
    for boot in [*ended[-_ENDED_SHOWN:], *(boot for boot in boots if boot.is_open)]:
        style = next((_STYLES[mark] for mark in boot.marks if mark in _STYLES), "" if boot.is_open else "dim")
        cells = (boot.server or boot.uuid, boot.state, f"{boot.seconds:.1f}", boot.service, boot.host, boot.step)
        table.add_row(*(Text(printable(cell), style=style) for cell in cells))
        for depth, step in enumerate(boot.path if boot.is_open else ()):
            table.add_row("", "", "", "", "", Text(printable("  " * depth + step), style="dim"))
    return table
