"""The SVG as renderers draw it: as wide as measured, inside its page, and alike in Chromium, librsvg and resvg."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from diagrams import render, report
from diagrams.svg.geometry import SMALL, WIDER
from diagrams.svg.measure import width
from diagrams.svg.png import rasterised
from diagrams.svg.render import pages
from tests.support import browser, comparisons
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

#: How much wider than Arial's the bold letters of DejaVu Sans are at most.
_WIDER_BOLD = 1.3
#: Names that renderers measure in their own ways: right to left, wide, joined, combined, long.
_NAMES = ("שלום עולם", "日本語インスタンス", "😀👩‍👩‍👧🏳️‍🌈", "e\u0301\u0323a\u0308" * 4, "مرحبا", "W" * 200, everything)

#: Every text: its size and weight, its parts with the lengths that the file sets, and its ends in the page.
_TEXTS = """() => [...document.querySelectorAll("svg")].flatMap(svg => [...svg.querySelectorAll("text")].map(text => {
  const style = getComputedStyle(text), matrix = text.getCTM(), page = svg.getCTM();
  const characters = [...Array(text.getNumberOfChars()).keys()];
  const ends = characters.flatMap(n => [text.getStartPositionOfChar(n).x, text.getEndPositionOfChar(n).x]);
  const [left, right] = [Math.min(...ends), Math.max(...ends)].map(x => x + (matrix.e - page.e) / page.a);
  const spans = [...text.childNodes].filter(part => part.nodeName === "tspan");
  const words = part => [...part.childNodes].filter(node => node.nodeName !== "title").map(node => node.textContent);
  return {parts: (spans.length ? spans : [text]).map(part => [
            words(part).join("").split(/ +/).join(" ").trim(), +part.getAttribute("textLength")]),
          size: parseFloat(style.fontSize), bold: parseInt(style.fontWeight) > 500,
          mono: style.fontFamily.includes("Mono"), left, right,
          baseline: (+text.getAttribute("y") * matrix.d + matrix.f) / page.d, wide: svg.viewBox.baseVal.width};
}))"""

#: How unlike two pictures are: the mean and the worst difference of a tile's grey, of 255. A tile is 8 pixels wide.
_UNLIKE = """async ([first, second]) => {
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
  const [a, b] = [await grey(first), await grey(second)];
  if (a.width !== b.width || a.height !== b.height) return {size: [a.width, a.height, b.width, b.height]};
  const tile = 8, across = Math.ceil(a.width / tile), sums = new Float64Array(across * Math.ceil(a.height / tile));
  for (let i = 0; i < a.data.length; i += 4) {
    const x = i / 4 % a.width, y = Math.floor(i / 4 / a.width);
    const index = Math.floor(y / tile) * across + Math.floor(x / tile);
    sums[index] += (a.data[i] + a.data[i + 1] + a.data[i + 2] - b.data[i] - b.data[i + 1] - b.data[i + 2]) / 3;
  }
  const tiles = [...sums].map(sum => Math.abs(sum) / tile / tile);
  return {size: null, mean: tiles.reduce((sum, tile) => sum + tile) / tiles.length, worst: Math.max(...tiles)};
}"""

#: A fontconfig file for a machine that has no font but DejaVu, whose letters are wider than Arial's by up to a fifth.
_ONLY_DEJAVU = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{fonts}</dir>
  <cachedir>{cache}</cachedir>
  <match target="pattern">
    <test name="family"><string>sans-serif</string></test>
    <edit name="family" mode="prepend" binding="strong"><string>DejaVu Sans</string></edit>
  </match>
</fontconfig>
"""


@pytest.fixture(scope="module")
def running() -> Iterator[Browser]:
    with browser.browser() as chromium:
        yield chromium


def dejavu() -> Path:
    command = ["fc-match", "--format=%{file}", "DejaVu Sans"]
    file = Path(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert file.name == "DejaVuSans.ttf", "no DejaVu Sans, which Debian's fontconfig brings"
    return file.parent


def shown(running: Browser, folder: Path, text: str, suffix: str = "svg") -> Shown:
    file = folder / f"x.{suffix}"
    file.write_text(text)
    return browser.show(running, file)


def texts(running: Browser, folder: Path, text: str, suffix: str = "svg") -> list[dict[str, Any]]:
    """Return every text of a picture as ``_TEXTS`` measures it."""
    page = shown(running, folder, text, suffix)
    measured: list[dict[str, Any]] = page.ask(_TEXTS)
    page.page.close()
    assert page.complaints == []
    assert measured
    return measured


def boots() -> list[Request]:
    named = [small_boot(), failed_boot(), *map(poisoned, _NAMES)]
    for boot, name in zip(named[2:], _NAMES, strict=True):
        boot.server = name
    return named


class TestFonts:
    """Texts drawn with this machine's fonts, and without the fonts that widths are measured with."""

    @pytest.fixture(scope="class", params=["fonts of this machine", "only DejaVu"])
    def machine(self, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
        fonts = None
        if request.param == "only DejaVu":
            folder = tmp_path_factory.mktemp("fonts")
            fonts = folder / "fonts.conf"
            fonts.write_text(_ONLY_DEJAVU.format(fonts=dejavu(), cache=folder / "cache"))
        with browser.browser(fonts) as chromium:
            yield chromium

    @pytest.mark.parametrize("number", range(len(_NAMES) + 2))
    def test_texts_are_as_wide_as_measured_and_inside_their_page(
        self, machine: Browser, tmp_path: Path, number: int
    ) -> None:
        for svg in (render(boots()[number], "svg", "full"), *pages(boots()[number], "full", "a4")):
            measured = texts(machine, tmp_path, svg)
            for text in measured:
                assert_width(text)
                assert text["left"] >= -1, text
                assert text["right"] <= text["wide"] + 1, text
            assert_apart([text for text in measured if text["size"] == SMALL])

    def test_texts_of_a_report_are_as_wide_as_measured(self, machine: Browser, tmp_path: Path) -> None:
        for text in texts(machine, tmp_path, report(comparisons.small(), "html"), "html"):
            if not text["mono"]:
                assert_width(text)
            assert text["right"] <= text["wide"] + 1, text


def assert_width(text: dict[str, Any]) -> None:
    """Assert that a text is as wide as measured, or no wider than the room that there is for it."""
    if [len(part) for part, _ in text["parts"]] == [1]:
        return
    least = most = width(" ", text["size"], bold=text["bold"]) * (len(text["parts"]) - 1)
    for part, length in text["parts"]:
        wide = width(part, text["size"], bold=text["bold"])
        if length:
            assert length == pytest.approx(wide, abs=0.51), text
        elif part.isascii():
            assert wide < 40 or text["size"] == SMALL, text
        least += wide if length else 0
        most += wide if length else wide * (_WIDER_BOLD if text["bold"] else WIDER)
    assert least * 0.99 - 1 <= text["right"] - text["left"] <= most * 1.01 + 1, text


def assert_apart(gutter: list[dict[str, Any]]) -> None:
    """Assert that no address reaches the time beside it."""
    gutter = sorted(gutter, key=lambda text: (text["baseline"], text["left"]))
    neighbours = [pair for pair in pairwise(gutter) if pair[0]["baseline"] == pair[1]["baseline"]]
    for address, time in neighbours:
        assert address["right"] < time["left"], (address, time)


@pytest.mark.parametrize("detail", ["brief", "full"])
def test_renderers_draw_the_same(running: Browser, tmp_path: Path, detail: str) -> None:
    svg = render(small_boot(), "svg", detail)
    assert_alike(running, chromium_png(running, tmp_path, svg), rasterised(svg))
    # librsvg knows no lengths: every text is as wide as its font makes it.
    natural = re.sub(' textLength="[^"]*"', "", svg)
    assert natural != svg
    (tmp_path / "x.svg").write_text(svg)
    rsvg = subprocess.run(["rsvg-convert", "--zoom", "2", tmp_path / "x.svg"], capture_output=True, check=True).stdout
    assert_alike(running, chromium_png(running, tmp_path, natural), rsvg)


def assert_alike(running: Browser, *pictures: bytes) -> None:
    difference = compared(running, *pictures)
    assert difference["size"] is None
    assert difference["mean"] < 1
    assert difference["worst"] < 30


def test_a_missing_label_is_a_difference(running: Browser, tmp_path: Path) -> None:
    """So the test above can fail."""
    svg = render(small_boot(), "svg", "full")
    changed = svg.replace("ResourceTracker.instance_claim()", "")
    assert changed != svg
    assert compared(running, rasterised(svg), rasterised(changed))["worst"] > 30


def chromium_png(running: Browser, folder: Path, svg: str) -> bytes:
    """Return the picture as Chromium draws it, two pixels for each of the SVG's."""
    file = folder / "c.svg"
    file.write_text(svg)
    wide, high = (int(part) for part in svg.partition('viewBox="0 0 ')[2].partition('"')[0].split())
    page = running.new_page(viewport={"width": wide, "height": high}, device_scale_factor=2)
    page.goto(file.as_uri())
    picture = page.screenshot()
    page.close()
    return picture


def compared(running: Browser, *pictures: bytes) -> dict[str, Any]:
    """Return how unlike two PNGs are: ``size`` if that differs, else ``mean`` and ``worst``."""
    page = running.new_page()
    sources = [f"data:image/png;base64,{base64.b64encode(picture).decode()}" for picture in pictures]
    difference: dict[str, Any] = page.evaluate(_UNLIKE, sources)
    page.close()
    return difference
