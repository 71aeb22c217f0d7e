"""The tree of ``bootseq show``: the options that choose its lines, and its printing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import click

import diagrams
from tracer import times
from tracer.commands import paint, printing, terminal
from tracer.commands.options import added
from tracer.errors import TracerError
from tracer.model import NOTES, NUMBERED, Request, Step, lanes

_FIELDS = (
    "address", "kind", "service", "host", "pid", "name", "start", "end", "request_id", "error", "attributes",
    "witnesses", "tied_by", "opens", "opened_by",
)  # fmt: skip

detail_option = click.option(
    "--detail", type=click.Choice(diagrams.DETAILS),
    help="story: the heaviest steps, at most 80; brief: requests, RPC, driver and states; calls: every numbered step; "
    "full: SQL and logs too. By default story on a terminal and in pictures, else calls.",
)  # fmt: skip

#: A pipe has no width.
_UNWRAPPED = 1 << 30

#: The options that choose lines of the tree.
line_options = added(
    detail_option,
    click.option(
        "--lines", type=click.IntRange(min=10), default=80, show_default=True, metavar="N",
        help="Lines of a story at most.",
    ),
    click.option("--from", "top", metavar="ADDRESS", default="", help="Only this step and what is below it."),
    click.option("--depth", type=click.IntRange(min=0), metavar="N", help="Only N levels below that."),
    click.option("--indent", is_flag=True, help="Indent by depth."),
    click.option("--times", "timed", is_flag=True, help="Durations at any detail."),
    click.option(
        "--slow", metavar="DURATION", callback=lambda context, option, value: _nanoseconds(value),
        help="List steps that took at least so long: 50ms.",
    ),
    click.option(
        "--kind", "kinds", multiple=True, type=click.Choice(sorted(NUMBERED | NOTES)), help="List these; repeatable."
    ),
    click.option("--errors", is_flag=True, help="List what failed or never ended."),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choice:
    """The lines to print: the options of the command line."""

    detail: str | None = None
    lines: int = 80
    top: str = ""
    depth: int | None = None
    indent: bool = False
    timed: bool = False
    slow: int | None = None
    kinds: tuple[str, ...] = ()
    errors: bool = False
    services: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None
    color: str = "auto"

    @property
    def lists(self) -> bool:
        """True if steps are to be listed by what they are."""
        return bool(self.slow is not None or self.kinds or self.errors or self.services or self.pattern)

    def takes(self, step: Step) -> bool:
        """Return whether a step is to be listed."""
        return (
            (self.slow is None or (step.duration or 0) >= self.slow)
            and (not self.kinds or step.kind in self.kinds)
            and (not self.errors or step.error is not None or not step.finished)
            and (not self.services or not {step.service, lanes.family(step.service)}.isdisjoint(self.services))
            and (self.pattern is None or any(map(self.pattern.search, _texts(step))))
        )


def show(request: Request, choice: Choice, as_json: bool) -> None:
    """Print the lines of a request that were chosen; TracerError if it has no step at the address."""
    if choice.top and not any(step.address == choice.top for step in request.walk()):
        raise TracerError(f"no step {choice.top}; see: bootseq show FILE --detail full")
    if as_json:
        printing.as_json([_row(step) for step in _steps(request, choice, choice.detail or "full")])
        return
    color = terminal.has_colors(choice.color)
    text = _tree(request, choice)
    if choice.indent:
        text = paint.indented(text)
    if color or terminal.is_terminal():
        text = paint.outline(text, terminal.width() if terminal.is_terminal() else _UNWRAPPED, color=color)
    terminal.page(text, color=color)
    if not text:
        printing.note("no step matches")


def _tree(request: Request, choice: Choice) -> str:
    if choice.lists:
        from diagrams.outline import selection

        # SQL and log lines are listed where they are asked for, and where a text is searched.
        detail = choice.detail or ("full" if choice.kinds or choice.pattern else "calls")
        return selection.listed(list(selection.steps_at(request, detail, choice.top, choice.depth)), choice.takes)
    detail = choice.detail or ("story" if terminal.is_terminal() and not _is_partial(choice) else "calls")
    if _is_partial(choice):
        from diagrams.outline import selection

        return selection.tree(request, detail, choice.top, choice.depth, timed=choice.timed)
    if detail == "story":
        from diagrams.outline import story

        return story.outline(request, choice.lines)
    return diagrams.render(request, "txt", detail)


def _is_partial(choice: Choice) -> bool:
    return bool(choice.top or choice.depth is not None or choice.timed)


def _steps(request: Request, choice: Choice, detail: str) -> list[Step]:
    from diagrams.outline import selection

    return [step for step in selection.steps_at(request, detail, choice.top, choice.depth) if choice.takes(step)]


def _row(step: Step) -> dict[str, Any]:
    return {name: getattr(step, name) for name in _FIELDS} | lanes.as_json(step.service)


def _texts(step: Step) -> tuple[str, ...]:
    """Return what a pattern is searched in: the words of the step's line, its statement, its message, its error."""
    from diagrams.words import steps

    words = steps.title(step) if step.numbered else steps.note(step)
    return words, step.text("statement"), step.text("message"), step.error or ""


def _nanoseconds(text: str | None) -> int | None:
    return None if text is None else round(times.seconds(text) * 1e9)
