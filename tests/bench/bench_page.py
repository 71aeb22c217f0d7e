"""The HTML page in a browser, by the browser's own clock: first paint of its rows, and a jump to a step."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from diagrams import render
from tests.bench.bench_diagrams import milliseconds, wide_boot
from tests.bench.row import Row
from tests.support import browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_OPENINGS = 5

#: From the navigation's start until the first frame with rows has been painted.
_FIRST = """
new Promise(done => {
  const look = () => {
    const mark = performance.getEntriesByName("painted")[0];
    if (mark) done(mark.startTime); else setTimeout(look, 5);
  };
  look();
})"""

#: Jumps to steps all over the boot: each from the call until its frame has been painted.
_JUMPS = """
async () => {
  const taken = [];
  for (const share of [0.5, 0.1, 0.9, 0.3, 0.99, 0.7, 0.2, 0.6, 0.05, 0.8]) {
    const step = Math.floor(bootseq.view.folded.length * share);
    const began = performance.now();
    bootseq.reveal(step);
    await new Promise(done => requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = done;
      channel.port2.postMessage(0);
    }));
    taken.push(performance.now() - began);
  }
  return taken;
}"""


def run() -> Iterable[Row]:
    """Open a page of two sizes several times, and yield the medians."""
    if browser.chromium() is None:
        return
    with TemporaryDirectory() as folder, browser.browser() as running:
        for messages in (5_000, 50_000):
            wide = wide_boot(messages)
            file = Path(folder, "boot.html")
            file.write_text(render(wide, "html", "full"))
            yield Row(f"page of {messages} messages, drawn", milliseconds(partial(render, wide, "html"), 1), "ms")
            yield Row(f"page of {messages} messages, size", file.stat().st_size / 1e6, "MB")
            yield from _opened(running, file, messages)


def _opened(running: Browser, file: Path, messages: int) -> Iterable[Row]:
    firsts, jumps, worst = [], [], []
    for _ in range(_OPENINGS):
        shown = browser.show(running, file)
        firsts.append(float(shown.ask(_FIRST)))
        shown.page.wait_for_timeout(500)
        taken = [float(value) for value in shown.ask(_JUMPS)]
        jumps.append(median(taken))
        worst.append(max(taken))
        shown.page.close()
    yield Row(
        f"page of {messages} messages, first paint", median(firsts), "ms", median(firsts) / 600, "the budget of 50,000"
    )
    yield Row(f"page of {messages} messages, a jump", median(jumps), "ms", median(jumps) / 50, "the budget of 50,000")
    yield Row(f"page of {messages} messages, the slowest jump", median(worst), "ms")
