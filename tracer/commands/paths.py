"""Paths on the command line: taken as they are, for whoever opens one says in one line why it cannot be opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tracer.errors import TracerError


class _Path(click.Path):
    """A path that names something: what a script's unset variable leaves would be the folder one is in."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path; a TracerError where there is none."""
        if value == "":
            what = param.human_readable_name if param is not None else "PATH"
            raise TracerError(f"{what}: an empty name; name a file or a folder")
        if "\0" in str(value):
            raise TracerError("a name with a NUL byte in it; no file is called so")
        return super().convert(value, param, ctx)


#: click would look itself whether a file that is there may be read, also where it is only written, and answer in four
#: lines.
PATH = _Path(path_type=Path, readable=False)
