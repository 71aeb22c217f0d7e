"""Names in a call-points file: a glob, or several alternatives, and the releases that have them."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: Releases are major versions of the distribution that has the module: 34 of Nova 34.0.0.
_NAME = re.compile(r"(\S+(?: or \S+)*)(?: since (\d{1,6}))?(?: until (\d{1,6}))?", re.ASCII)

FORM = "expected a name, or names like: API.old or API.new since 32 until 34"


@dataclass(frozen=True)
class PointName:
    """Globs of which at least one names a function, in the releases from ``since`` to ``until`` (None: any)."""

    globs: tuple[str, ...]
    since: int | None = None
    until: int | None = None

    def is_for(self, release: int | None) -> bool:
        """Return whether a release (None: unknown) has the function; an unknown one may not."""
        if self.since is None and self.until is None:
            return True
        return release is not None and (self.since or 0) <= release <= (self.until or release)


def parse(text: str) -> PointName | None:
    """Return the name that a call-points file contains as ``text``; None for a text of another form."""
    match = _NAME.fullmatch(text)
    if match is None:
        return None
    alternatives, since, until = match.groups()
    return PointName(tuple(alternatives.split(" or ")), _number(since), _number(until))


def _number(text: str | None) -> int | None:
    return int(text) if text else None
