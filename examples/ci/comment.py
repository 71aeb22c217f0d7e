"""The comment on a change under review: Markdown of bounded length, from a report of ``bootseq diff``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from diagrams.templating import code
from diagrams.text import plural, shorten

#: Gerrit accepts 16 KiB by default, GitHub more.
LIMIT = 16_000
#: Maximum length of a step's text, and maximum number of commits of a difference.
_TEXT, _COMMITS = 200, 3
_WORDS = {"fail": "fails", "warn": "warns"}
_ANCHOR = re.compile(r'id="([cm]\d+)"')


@dataclass(frozen=True)
class Heading:
    """The names of both sides, and the URL of the folder of reports; "" makes links relative."""

    base: str
    head: str
    url: str

    def link(self, anchor: str = "") -> str:
        """Return the URL of the HTML report, or of an anchor in it."""
        return f"{self.url.rstrip('/')}/report.html{anchor}".lstrip("/") if self.url else f"report.html{anchor}"


def comment(report: dict[str, Any], page: str, heading: Heading) -> str:
    """Return the comment: the verdict first, then failing differences, then those that warn; the rest is counted.

    ``report`` is the JSON report, ``page`` the HTML report of the same comparison, to whose steps the lines link.
    """
    anchors = set(_ANCHOR.findall(page))
    numbered = list(enumerate(report["changes"]))
    shown = [(n, change) for severity in _WORDS for n, change in numbered if change["severity"] == severity]
    lines = [*_head(report, heading), ""]
    entries = ["\n".join(_entry(number, change, anchors, heading)) for number, change in shown]
    last = f"and {{}} more in the [report]({heading.link()})"
    room = LIMIT - _size("\n".join(lines)) - _size(last) - 20
    fitting = 0
    for entry in entries:
        room -= _size(entry) + 1
        if room < 0:
            break
        fitting += 1
    lines += entries[:fitting]
    if fitting < len(entries):
        lines += ["", last.format(len(entries) - fitting)]
    return "\n".join(lines).rstrip() + "\n"


def _size(text: str) -> int:
    return len(text.encode())


def _head(report: dict[str, Any], heading: Heading) -> Iterator[str]:
    counts = report["counts"]
    numbers = ", ".join(f"{counts[name]} {name}" for name in _WORDS if counts[name])
    if report["verdict"] == "same":
        warnings = f", with {plural(counts['warn'], 'warning')}" if counts["warn"] else ""
        yield f"### Boot of a server: clean{warnings}"
    else:
        yield f"### Boot of a server: differs ({numbers})"
    boots = " and ".join(dict.fromkeys(plural(report[side]["boots"], "boot") for side in ("old", "new")))
    link = f"[report with both boots in one diagram]({heading.link()})"
    yield from ("", f"{code(heading.base)} → {code(heading.head)}, {boots} each, {link}")


def _entry(number: int, change: dict[str, Any], anchors: set[str], heading: Heading) -> Iterator[str]:
    """Yield a difference as a list item, with the commits that made it below."""
    anchor = next((f"#{kind}{number}" for kind in "mc" if f"{kind}{number}" in anchors), "")
    address = change["new"] or change["old"] or "step"
    path = change["path"]
    inside = f" in {code(shorten(path[-1], _TEXT))}" if path and path[-1] not in change["text"] else ""
    where = f", {code(change['where'])}" if change["where"] else ""
    yield (
        f"- {_WORDS[change['severity']]}: **{change['class']}** by {code(change['service'] or '?')}: "
        f"{code(shorten(change['text'], _TEXT))}{inside}{where}, [{address}]({heading.link(anchor)})"
    )
    for commit in (change.get("origin") or {}).get("commits", [])[:_COMMITS]:
        yield f"  - {code(shorten(' '.join((commit['id'], commit['subject'])), _TEXT))}"
