"""Completion in shells: the names of a trace's requests."""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import CompletionItem

from tracer import lookup, trace_file
from tracer.errors import TracerError
from tracer.model import Request


def what(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the names of requests in the trace that the command line names first, with what each request is."""
    file = context.params.get("file")
    if not isinstance(file, Path):
        return []
    try:
        trace = trace_file.read_header(file)
    except (TracerError, OSError):
        return []  # a shell shows no errors
    return [
        CompletionItem(name, help=_about(request))
        for request in [*trace.boots, *trace.others]
        for name in (request.server, request.uuid, request.request_id, str(request.number))
        if name and name.startswith(incomplete) and lookup.by_name(trace, name) == [request]
    ]


def _about(request: Request) -> str:
    return f"{request.operation} {request.server}".strip() + f": {request.outcome}"[:60]
