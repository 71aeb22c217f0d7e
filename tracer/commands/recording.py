"""The options of every command that records: what is asked of the hooks, and of the capture."""

from __future__ import annotations

import click

from tracer.commands.paths import PATH
from tracer.recording import capture

echo_option = click.option(
    "--echo", is_flag=True, help="Switch on SQLAlchemy's own SQL echo too: statements appear in the service's log."
)
ask_option = click.option(
    "--ask", multiple=True, metavar="LOGGER", help='Loggers whose lines also go into CAPTURE/ask.log (default "ask").'
)
points_option = click.option(
    "--points", "point_files", multiple=True, type=PATH, metavar="FILE",
    help="More call points, YAML.",
)  # fmt: skip
#: Bytes; the least has room for one segment of each of a few processes.
cap_option = click.option(
    "--cap", type=click.IntRange(min=8), default=capture.CAP >> 20, show_default=True, metavar="MB",
    help="What the whole capture may take; beyond it events are dropped and counted.",
)  # fmt: skip
