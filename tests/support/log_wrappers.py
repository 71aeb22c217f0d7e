"""Texts as people post them: a service's lines behind the prefixes of other programs, quoted, escaped or cut."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

#: Turns a service's lines into the lines of a post.
Wrapper = Callable[[list[str]], list[str]]

_TIME = "2026-11-22T07:55:54.{:09}Z"
_HEAD = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


def _before(form: str) -> Wrapper:
    """Return a wrapper that puts a prefix with the line's number and a time before each line."""
    return lambda lines: [
        form.replace("TIME", _TIME.format(number)).replace("NUMBER", str(number)) + line
        for number, line in enumerate(lines, 812)
    ]


def _context(lines: list[str]) -> list[str]:
    """Every third record matched: ``grep -n -A 1``, with separators between the groups."""
    result: list[str] = []
    for number, line in enumerate(lines, 8):
        sign = ":" if number % 3 == 0 and _HEAD.match(line) else "-"
        result += ["--"] if sign == ":" and result else []
        result.append(f"nova-api.log{sign}{number}{sign}{line}")
    return result


def _rows(width: int) -> Wrapper:
    def cut(lines: list[str]) -> list[str]:
        return [line[start : start + width] for line in lines for start in range(0, max(len(line), 1), width)]

    return cut


def _both(first: Wrapper, second: Wrapper) -> Wrapper:
    return lambda lines: second(first(lines))


def _escaped(lines: list[str]) -> list[str]:
    return [html.escape(line) for line in lines]


WRAPPERS: dict[str, Wrapper] = {
    "bare": list,
    "grep -H": _before("nova-api.log:"),
    "grep -n": _before("NUMBER:"),
    "grep -rn": _before("/var/log/nova/nova-api.log:NUMBER:"),
    "grep -A": _context,
    "zgrep": _before("nova-api.log.1.gz:"),
    "docker logs -t": _before("TIME "),
    "docker compose": _before("nova_api_1  | "),
    "docker compose, coloured": _before("\x1b[36mnova-api-1  |\x1b[0m "),
    "docker compose -t": _before("nova-api-1  | TIME "),
    "kubectl": _before("[pod/nova-api-0/nova-osapi] TIME "),
    "stern": _before("nova-api-0 nova-osapi "),
    "cri": _before("TIME stderr F "),
    "journalctl": _before("Nov 22 07:55:54 node1 nova-api[5]: "),
    "juju debug-log": _before("unit-nova-compute-0: 07:55:54 INFO unit.nova-compute/0.juju-log "),
    "tail -f": lambda lines: ["==> nova-api.log <==", *lines],
    "quoted": _before("> "),
    "quoted twice": _before("> > "),
    "quoted tightly": _before(">> "),
    "indented": _before("    "),
    "tabulated": _before("\t"),
    "escaped": _escaped,
    "breaks": lambda lines: [f"{line}<br>" for line in _escaped(lines)],
    "one line of HTML": lambda lines: ["<pre>" + "<br/>".join(_escaped(lines)) + "</pre>"],
    "fenced": lambda lines: ["It failed:", "", "```console", *lines, "```", "", "Why?"],
    "coloured": lambda lines: [f"\x1b[01;31m{line}\x1b[00m" for line in lines],
    "crlf": lambda lines: [f"{line}\r" for line in lines],
    "80 columns": _rows(80),
    "100 columns": _rows(100),
    "160 columns": _rows(160),
    "120 columns, quoted": _both(_rows(120), _before("> ")),
    "quoted, escaped": _both(_before("> "), _escaped),
    "grep -rn, quoted": _both(_before("nova-api.log:NUMBER:"), _before("> ")),
    "grep -n, indented": _both(_before("NUMBER:"), _before("    ")),
}
