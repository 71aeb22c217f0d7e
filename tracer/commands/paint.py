"""An outline on a terminal: indented by depth, wrapped to its width, with colours."""

from __future__ import annotations

import re
import textwrap
from typing import Any

from click import style

_LINE = re.compile(r"(?P<address>\d[\d/…-]*\. )(?P<service>\[[^\]]*\] )?(?P<rest>.*)")
_MARKS = re.compile(r"(?: [→←] \d[\d, -]*| ×\d+| \([\d.]+ (?:µs|ms|s|min \d+ s)[^)]*\)| \+\d+ calls?)+$")
#: No terminal is so narrow; a width of 0 means that it is unknown.
_NARROWEST = 20
#: Terminal colours of the lanes; others are bold.
_SERVICES = {
    "client": "white", "API": "blue", "conductor": "magenta", "scheduler": "bright_magenta", "compute": "green",
    "placement": "yellow", "image": "cyan", "network": "bright_cyan", "volume": "bright_blue",
    "identity": "bright_green",
}  # fmt: skip


def indented(text: str) -> str:
    """Return an outline with each step, and its notes, indented by its depth."""
    depth = 0
    lines = []
    for line in text.splitlines():
        if match := _LINE.fullmatch(line):
            depth = len(re.findall("[-/]", match["address"].partition("…")[0]))
        lines.append(("" if line.startswith("# ") else "  " * depth) + line)
    return "".join(f"{line}\n" for line in lines)


def outline(text: str, width: int, *, color: bool) -> str:
    """Return an outline's lines within ``width`` columns, with a hanging indent, and with colour sequences."""
    painted = []
    for line in text.splitlines():
        first, *rest = _wrapped(line, width)
        paint = _line if color else str
        painted += [paint(first), *(style(more, **_note(line)) if color else more for more in rest)]
    return "".join(f"{line}\n" for line in painted)


def _wrapped(line: str, width: int) -> list[str]:
    if len(line) <= width or width < _NARROWEST:
        return [line]
    margin = len(line) - len(line.lstrip())
    match = _LINE.fullmatch(line.lstrip())
    hanging = margin + (len(match["address"]) if match else 2)
    return textwrap.wrap(
        line, width, subsequent_indent=" " * min(hanging, width // 2), break_on_hyphens=False, drop_whitespace=True,
        replace_whitespace=False, expand_tabs=False,
    ) or [line]  # fmt: skip


def _note(line: str) -> dict[str, Any]:
    """Return the style of a note's line; of other lines none."""
    text = line.lstrip()
    if text.startswith("- !") or " ! " in text:
        return {"fg": "red"}
    if text.startswith("- handled:"):
        return {"fg": "yellow"}
    if text.startswith("- "):
        return {"fg": "bright_black" if re.match(r"- (sql|log|\+|wait)", text) else "cyan"}
    return {}


def _line(line: str) -> str:
    if line.startswith("# "):
        return style(line, bold=True)
    if note := _note(line):
        return style(line, **note)
    margin = len(line) - len(line.lstrip())
    match = _LINE.fullmatch(line[margin:])
    return line[:margin] + _step(match) if match else line


def _step(match: re.Match[str]) -> str:
    service = match["service"] or ""
    name = service.strip("[] ").partition(" ")[0]
    family = name.partition("-")[0]
    marks = _MARKS.search(match["rest"])
    text = match["rest"][: marks.start()] if marks else match["rest"]
    if text.endswith("… unfinished"):
        text = style(text, fg="yellow")
    colored = style(service, fg=_SERVICES.get(family), bold=True) if service else ""
    return style(match["address"], dim=True) + colored + text + (style(marks[0], dim=True) if marks else "")
