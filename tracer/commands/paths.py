"""Paths on the command line: taken as they are, for whoever opens one says in one line why it cannot be opened."""

from __future__ import annotations

from pathlib import Path

import click

#: click would look itself whether a file that is there may be read, also where it is only written, and answer in four
#: lines.
PATH = click.Path(path_type=Path, readable=False)
