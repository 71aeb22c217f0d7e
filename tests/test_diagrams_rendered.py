"""The SVG as renderers draw it: as wide as we think, inside its page, and alike in Chromium, librsvg and resvg."""

from __future__ import annotations

import base64
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from diagrams import render
from diagrams.svg.measure import width
from diagrams.svg.png import rasterised
from diagrams.svg.render import pages
from tests.support import browser
from tests.support.browser import Shown
from tests.support.builders import failed_boot, small_boot
from tests.test_diagrams_hostile import everything, poisoned
from tracer.model import Request

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(browser.chromium() is None, reason="no Chromium: make packages installs it"),
    pytest.mark.skipif(shutil.which("rsvg-convert") is None, reason="no librsvg: make packages installs it"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # Playwright's use of asyncio
]

#: Names that renderers measure in their own ways: right to left, wide, joined, combined, long.
_NAMES = ("שלום עולם", "日本語インスタンス", "😀👩‍👩‍👧🏳️‍🌈", "e\u0301\u0323a\u0308" * 4, "مرحبا", "W" * 200, everything)

#: Every text: what it says, its size and weight, its length, and whether it lies in the page.
_TEXTS = """() => {
  const view = document.documentElement.viewBox.baseVal;
  return [...document.querySelectorAll("text")].map(one => {
    const style = getComputedStyle(one), box = one.getBBox();
    const at = one.getCTM(), scale = document.documentElement.getCTM();
    const left = box.x + (at.e - scale.e) / scale.a;
    return {text: one.textContent, size: parseFloat(style.fontSize), bold: parseInt(style.fontWeight) > 500,
            length: one.getComputedTextLength(), left: left, right: left + box.width, wide: view.width};
  });
}"""

#: How unlike two pictures are: the mean and the worst difference of a tile's grey, of 255. A tile is 8 pixels wide.
_UNLIKE = """async ([one, other]) => {
  const grey = async source => {
    const image = new Image();
    image.src = source;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    return context.getImageData(0, 0, canvas.width, canvas.height);
  };
  const [a, b] = [await grey(one), await grey(other)];
  if (a.width !== b.width || a.height !== b.height) return {size: [a.width, a.height, b.width, b.height]};
  const tile = 8, across = Math.ceil(a.width / tile), sums = new Float64Array(across * Math.ceil(a.height / tile));
  for (let i = 0; i < a.data.length; i += 4) {
    const x = i / 4 % a.width, y = Math.floor(i / 4 / a.width);
    const at = Math.floor(y / tile) * across + Math.floor(x / tile);
    sums[at] += (a.data[i] + a.data[i + 1] + a.data[i + 2] - b.data[i] - b.data[i + 1] - b.data[i + 2]) / 3;
  }
  const tiles = [...sums].map(sum => Math.abs(sum) / tile / tile);
  return {size: null, mean: tiles.reduce((all, one) => all + one) / tiles.length, worst: Math.max(...tiles)};
}"""


@pytest.fixture(scope="module")
def running() -> Iterator[Browser]:
    with browser.browser() as one:
        yield one


def shown(running: Browser, folder: Path, svg: str) -> Shown:
    file = folder / "x.svg"
    file.write_text(svg)
    return browser.show(running, file)


def boots() -> list[Request]:
    named = [small_boot(), failed_boot(), *map(poisoned, _NAMES)]
    for made, name in zip(named[2:], _NAMES, strict=True):
        made.server = name
    return named


@pytest.mark.parametrize("number", range(len(_NAMES) + 2))
def test_texts_are_no_wider_than_we_think_and_lie_in_their_page(running: Browser, tmp_path: Path, number: int) -> None:
    for svg in (render(boots()[number], "svg", "full"), *pages(boots()[number], "full", "a4")):
        open_ = shown(running, tmp_path, svg)
        for text in open_.ask(_TEXTS):
            most = width(text["text"], text["size"], bold=text["bold"])
            assert text["length"] <= most * 1.01 + 1, text
            assert text["left"] >= -1, text
            assert text["right"] <= text["wide"] + 1, text
            if number < 2 and "→" not in text["text"]:  # Latin: not only enough, but right
                assert text["length"] >= most * 0.95 - 1, text
        open_.page.close()
        assert open_.complaints == []


@pytest.mark.parametrize("detail", ["brief", "full"])
def test_renderers_draw_the_same(running: Browser, tmp_path: Path, detail: str) -> None:
    svg = render(small_boot(), "svg", detail)
    (tmp_path / "x.svg").write_text(svg)
    rsvg = subprocess.run(["rsvg-convert", "--zoom", "2", tmp_path / "x.svg"], capture_output=True, check=True).stdout
    in_chromium = chromium_png(running, tmp_path, svg)
    for other in (rsvg, rasterised(svg)):
        unlike = compared(running, in_chromium, other)
        assert unlike["size"] is None
        assert unlike["mean"] < 1
        assert unlike["worst"] < 30


def test_what_differs_is_seen(running: Browser, tmp_path: Path) -> None:
    """So the test above can fail: one label that is missing is enough."""
    svg = render(small_boot(), "svg", "full")
    changed = svg.replace("ResourceTracker.instance_claim()", "")
    assert changed != svg
    assert compared(running, rasterised(svg), rasterised(changed))["worst"] > 30


def chromium_png(running: Browser, folder: Path, svg: str) -> bytes:
    """The picture as Chromium draws it, two pixels for one."""
    file = folder / "c.svg"
    file.write_text(svg)
    wide, high = (int(part) for part in svg.partition('viewBox="0 0 ')[2].partition('"')[0].split())
    page = running.new_page(viewport={"width": wide, "height": high}, device_scale_factor=2)
    page.goto(file.as_uri())
    picture = page.screenshot()
    page.close()
    return picture


def compared(running: Browser, *pictures: bytes) -> dict[str, Any]:
    """How unlike two PNGs are, as a browser sees them."""
    page = running.new_page()
    sources = [f"data:image/png;base64,{base64.b64encode(one).decode()}" for one in pictures]
    found: dict[str, Any] = page.evaluate(_UNLIKE, sources)
    page.close()
    return found
