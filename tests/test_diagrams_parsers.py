"""Text formats in third-party parsers: every recorded message is drawn, with its text and in its order."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import mmdr
import pytest

from diagrams import DETAILS, render
from diagrams.sequence.build import sequence
from diagrams.sequence.mermaid import LIMIT, blocks, mermaid
from diagrams.sequence.model import Diagram
from diagrams.sequence.plantuml import plantuml
from diagrams.svg.render import pages
from diagrams.text import clean
from diagrams.topology import contacts
from tests.bench.bench_diagrams import wide_boot
from tests.support import browser, mermaid_js, real_boots
from tests.support.browser import Shown
from tests.support.builders import failed_boot, small_boot
from tests.support.expected_drawing import MESSAGES, item_text, messages, squeezed
from tests.test_diagrams_hostile import everything, poisoned
from tracer.model import Request

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_SVG = "{http://www.w3.org/2000/svg}"
#: The longest name that a cloud may contain, and everything that has broken a format.
_HOSTILE = {"everything": everything, "long": "ab" * 5_000, "bidi": "\u202eevil שלום", "quote": '"];drop table x;--'}


def named(name: str) -> Request:
    """Return a boot that the tests draw, by name."""
    makers: dict[str, Callable[[], Request]] = {"small": small_boot, "failed": failed_boot, "real": real_boots.nova34}
    return makers[name]() if name in makers else poisoned(_HOSTILE[name])


_BOOTS = ("small", "failed", "real", *_HOSTILE)
every_boot = pytest.mark.parametrize("name", _BOOTS)
every_detail = pytest.mark.parametrize("detail", [detail for detail in DETAILS if detail != "brief"])


class TestSvg:
    @every_detail
    @every_boot
    def test_every_message_is_an_arrow_and_a_label(self, name: str, detail: str) -> None:
        diagram = sequence(named(name), detail)
        root = ElementTree.fromstring(render(named(name), "svg", detail))
        assert arrows(root) - _LEGEND == sum(item.what in ("call", "cast", "return", "state") for item in diagram.items)
        texts = {squeezed("".join(element.itertext())) for element in root.iter(f"{_SVG}text")}
        if name != "long" and name != "everything":  # their labels are shortened to the width of a picture
            for item in diagram.items:
                if item.what in MESSAGES:
                    assert squeezed(f"{item.text} {item.extra}") in texts or not item.text

    @pytest.mark.parametrize("paper", ["a4", "screen"])
    def test_the_pages_have_every_arrow(self, paper: str) -> None:
        request = wide_boot(600)
        drawn = sum(arrows(ElementTree.fromstring(page)) - _LEGEND for page in pages(request, "full", paper))
        diagram = sequence(request, "full")
        assert drawn == sum(item.what in ("call", "cast", "return", "state") for item in diagram.items)


#: Arrows in the legend.
_LEGEND = 8


def arrows(root: ElementTree.Element) -> int:
    """Count the horizontal lines of arrows in an SVG that bootseq drew."""
    return sum(len(re.findall(r"M-?\d+ \d+H", path.get("d", ""))) for path in root.iter(f"{_SVG}path"))


class TestMmdr:
    @every_detail
    @every_boot
    def test_it_draws_every_message(self, name: str, detail: str) -> None:
        request = named(name)
        root = ElementTree.fromstring(mmdr.render(render(request, "mmd", detail)).svg())
        texts = [
            squeezed("".join(element.itertext())) for element in root.iter() if element.get("class") == "messageText"
        ]
        # mmdr decodes entities twice, unlike Mermaid itself.
        assert [unescape(text) for text in texts] == [unescape(text) for text in messages(sequence(request, detail))]

    def test_it_draws_a_folded_diagram_and_every_block(self) -> None:
        request = wide_boot(5_000)
        for text in (mermaid(request, "full"), *blocks(request, "full")):
            assert len(text) <= LIMIT
            root = ElementTree.fromstring(mmdr.render(text).svg())
            assert sum(element.get("class") == "messageText" for element in root.iter()) == statements(text)


def statements(text: str) -> int:
    """Count the messages in a Mermaid text."""
    return len(re.findall(r"^p\d+(?:->>\+?|-\)|-->>-)p\d+:", text, re.M))


@pytest.mark.slow
@pytest.mark.skipif(browser.chromium() is None, reason="no Chromium: make packages installs it")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Playwright's use of asyncio
class TestMermaidItself:
    @pytest.fixture(scope="class")
    def running(self) -> Iterator[Browser]:
        with browser.browser() as chromium:
            yield chromium

    @pytest.fixture
    def shown(self, running: Browser, tmp_path: Path) -> Iterator[Shown]:
        """Yield a page with Mermaid, and check that no text ran, opened or fetched anything."""
        shown = mermaid_js.opened(running, tmp_path)
        yield shown
        shown.page.close()
        assert shown.complaints == []

    @every_detail
    @every_boot
    def test_it_draws_every_message(self, shown: Shown, name: str, detail: str) -> None:
        request = named(name)
        diagram = sequence(request, detail)
        drawn = mermaid_js.drawn(shown, render(request, "mmd", detail))
        assert [squeezed(text) for text in drawn["messages"]] == messages(diagram)
        assert drawn["lines"] == len(messages(diagram))
        assert squeezed(clean(diagram.title)) in map(squeezed, drawn["others"])

    def test_a_long_diagram_is_folded_until_it_fits(self, shown: Shown) -> None:
        text = mermaid(wide_boot(5_000), "full")
        assert mermaid_js.drawn(shown, text)["lines"] == statements(text)

    def test_it_draws_no_text_that_is_too_long_or_invalid(self, shown: Shown) -> None:
        """The tests above can fail, and the limit for folding is still Mermaid's own."""
        line, begin = "A->>B: text\n", "sequenceDiagram\n"
        assert mermaid_js.drawn(shown, begin + line * 100)["lines"] == 100
        assert mermaid_js.drawn(shown, begin + line * (LIMIT // len(line)))["lines"] == 0
        with pytest.raises(Exception, match="Parse error"):
            mermaid_js.drawn(shown, f"{begin}A->>B: one;two three\n")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("plantuml") is None, reason="no PlantUML: make packages installs it")
class TestPlantumlItself:
    @pytest.mark.parametrize(("name", "detail"), [("small", "brief"), *((name, "full") for name in _BOOTS)])
    def test_it_draws_everything(self, name: str, detail: str) -> None:
        request = named(name)
        diagram = sequence(request, detail)
        assert self.texts(plantuml(request, detail)) == all_texts(diagram)

    def test_it_rejects_an_invalid_text(self) -> None:
        with pytest.raises(subprocess.CalledProcessError):
            self.texts("@startuml\na -> b : fine\nthis is nothing\n@enduml\n")

    @staticmethod
    def texts(source: str) -> list[str]:
        command = ["plantuml", "-tsvg", "-pipe", "-charset", "UTF-8"]
        drawn = subprocess.run(command, input=source.encode(), capture_output=True, check=True, timeout=300)
        elements = ElementTree.fromstring(drawn.stdout).iter(f"{_SVG}text")
        return [text for element in elements if (text := squeezed("".join(element.itertext())))]


def all_texts(diagram: Diagram) -> list[str]:
    """Return the texts of a text format from top to bottom: title, lanes, items."""
    texts = [squeezed(clean(diagram.title)), *(squeezed(clean(lane)) for lane in diagram.lanes)]
    return [text for text in [*texts, *(item_text(item) for item in diagram.items if item.what != "end")] if text]


@pytest.mark.skipif(not shutil.which("dot"), reason="graphviz's dot is not installed")
class TestDot:
    @every_boot
    def test_it_draws_every_contact(self, name: str) -> None:
        request = named(name)
        drawn = graph(render(request, "dot"))
        assert sum(
            int(edge["label"].replace("&#8288;", "").split()[0]) for edge in drawn["edges"]
        ) == recorded_contacts(request)
        assert len(drawn["objects"]) == len(contacts(request))


def graph(text: str) -> dict[str, list[dict[str, str]]]:
    """Return a DOT text as Graphviz parses it."""
    drawn = subprocess.run(["dot", "-Tjson"], input=text.encode(errors="replace"), capture_output=True, check=True)
    parsed: dict[str, list[dict[str, str]]] = json.loads(drawn.stdout)
    return parsed


def recorded_contacts(request: Request) -> int:
    """Count statements, libvirt calls, sent requests, and received requests without a recorded sender."""
    sent = sum(
        step.kind in ("sql", "libvirt") or (step.kind in ("http", "rpc") and step.text("side") == "client")
        for step in request.walk()
    )
    return sent + sum(head.kind == "http" and head.text("side") == "server" for head in request.chapters)
