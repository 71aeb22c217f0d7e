"""Comparison of text with golden files: varying parts are scrubbed, UPDATE_GOLDEN=1 rewrites the files."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "golden"
#: How much of the difference a failure shows.
_SHOWN = 60

#: A pattern and its replacement in both texts.
Scrub = tuple[str, str]


def compare(name: str, text: str, scrubs: Iterable[Scrub] = (), folder: Path = FOLDER) -> None:
    """Fail unless ``text`` equals, after the scrubs, the golden file ``name``.

    A text that differs is written beside the golden file as ``.actual``, until they agree again. With UPDATE_GOLDEN=1
    in the environment the golden file is rewritten instead: review the difference in git before committing it.
    """
    golden = folder / name
    actual = golden.with_name(f"{golden.name}.actual")
    scrubbed = scrub(text, scrubs)
    if os.environ.get("UPDATE_GOLDEN") == "1":
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(scrubbed, encoding="utf-8")
    expected = golden.read_text(encoding="utf-8") if golden.exists() else ""
    if scrubbed == expected:
        actual.unlink(missing_ok=True)
        return
    actual.parent.mkdir(parents=True, exist_ok=True)
    actual.write_text(scrubbed, encoding="utf-8")
    raise AssertionError(f"differs from {golden} (UPDATE_GOLDEN=1 rewrites it):\n{_difference(expected, scrubbed)}")


def scrub(text: str, scrubs: Iterable[Scrub]) -> str:
    """Return ``text`` with all matches of the patterns replaced."""
    for pattern, replacement in scrubs:
        text = re.sub(pattern, replacement, text)
    return text


def _difference(expected: str, actual: str) -> str:
    lines = difflib.unified_diff(expected.splitlines(), actual.splitlines(), "golden", "actual", lineterm="", n=1)
    return "\n".join(line[:400] for line in list(lines)[:_SHOWN])
