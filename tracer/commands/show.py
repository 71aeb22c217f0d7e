"""``bootseq show``: the numbered tree of a boot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

import diagrams
from tracer.commands import choose
from tracer.model import Step

DETAILS = ("brief", "calls", "full")
_FIELDS = (
    "address", "kind", "service", "host", "pid", "name", "start", "end", "request_id", "error", "attributes",
    "witnesses", "tied_by", "opens", "opened_by",
)  # fmt: skip

detail_option = click.option(
    "--detail", type=click.Choice(DETAILS), default="calls", show_default=True,
    help="brief: requests, RPC, driver and states; calls: every numbered step; full: SQL and logs too.",
)  # fmt: skip


@click.command()
@detail_option
@click.option("--json", "as_json", is_flag=True, help="Every step, for programs.")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("boot", required=False)
def show(file: Path, boot: str | None, detail: str, as_json: bool) -> None:
    """Print the numbered tree of BOOT: a server's name or uuid, a request id, or a number from `bootseq list`.

    \b
    Examples:
      bootseq show boot.trace.jsonl.gz
      bootseq show boot.trace.jsonl.gz vm1 --detail full
    """
    found = choose.boot(file, boot)
    if as_json:
        click.echo(json.dumps([_row(step) for step in found.walk()], indent=1))
    else:
        click.echo(diagrams.render(found, "txt", detail), nl=False)


def _row(step: Step) -> dict[str, Any]:
    return {name: getattr(step, name) for name in _FIELDS}
