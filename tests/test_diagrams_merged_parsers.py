"""Merged boots in third-party parsers: each message with its text, each fragment with its operator and guards."""

from __future__ import annotations

import shutil
from collections import Counter
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import mmdr
import pytest

from diagrams import DETAILS, render
from diagrams.sequence.fit import drawn
from diagrams.sequence.model import Diagram
from diagrams.svg.png import rasterised
from diagrams.svg.render import pages
from diagrams.text import clean
from tests import test_diagrams_parsers
from tests.support import browser, mermaid_js
from tests.support.builders import failed_boot, small_boot
from tests.support.expected_drawing import messages, squeezed
from tests.test_diagrams_hostile import everything, poisoned
from tests.test_diagrams_merged import THREE
from tests.test_diagrams_parsers import arrows
from tests.test_tracer_diff_merge_merge import api
from tracer.diff.merge.merge import merge
from tracer.model import Merged

#: Arrows of the legend.
_LEGEND = 8


def merged_boots(name: str) -> Merged:
    """Return merged boots by name: all four fragments, and names that have broken a format."""
    boots = {
        "kinds": [*THREE, small_boot(), failed_boot()],
        "orders": [api("a", "b", "b", "c"), api("b", "a", "c"), api("c")],
        "hostile": [poisoned(everything), small_boot(), poisoned('"];drop table x;--')],
    }[name]
    names = [everything if name == "hostile" else f"vm{number}" for number in range(len(boots))]
    return merge(boots, names)


every_case = pytest.mark.parametrize("name", ["kinds", "orders", "hostile"])
every_detail = pytest.mark.parametrize("detail", DETAILS)


def guards(diagram: Diagram) -> list[str]:
    """Return the bracketed guards of a diagram in their order."""
    return [
        squeezed(clean(f"[{item.extra}]")) for item in diagram.items if item.what in ("frame", "branch") and item.extra
    ]


def visible(text: str) -> str:
    """Return a drawn text without spaces; Mermaid draws an empty answer as a zero-width space."""
    return squeezed(text).replace("\u200b", "")


@every_detail
@every_case
def test_mmdr_draws_every_message(name: str, detail: str) -> None:
    """mmdr also draws a box for each fragment."""
    diagram = drawn(merged_boots(name), detail)
    root = ElementTree.fromstring(mmdr.render(render(merged_boots(name), "mmd", detail)).svg())
    texts = [visible("".join(element.itertext())) for element in root.iter() if element.get("class") == "messageText"]
    # mmdr decodes entities twice, unlike Mermaid itself.
    assert [unescape(text) for text in texts] == [unescape(text) for text in messages(diagram)]
    operators = Counter(
        squeezed("".join(element.itertext())) for element in root.iter() if element.get("class") == "labelText"
    )
    assert operators == Counter(item.text for item in diagram.items if item.what == "frame")


@every_detail
@every_case
def test_svg_has_every_arrow_and_renders(name: str, detail: str) -> None:
    """Every arrow is also on the pages, and the picture renders to pixels."""
    diagram = drawn(merged_boots(name), detail)
    wanted = sum(item.what in ("call", "cast", "return", "state") for item in diagram.items)
    text = render(merged_boots(name), "svg", detail)
    boxes = sum(item.what == "frame" for item in diagram.items)
    # Besides the arrows: the dashes between the operands of each frame that has several.
    dashes = sum(item.what == "branch" for item in diagram.items)
    assert arrows(ElementTree.fromstring(text)) - _LEGEND == wanted + boxes + dashes
    assert rasterised(text).startswith(b"\x89PNG")
    sheets = sum(arrows(ElementTree.fromstring(page)) - _LEGEND for page in pages(merged_boots(name), detail, "a4"))
    assert sheets >= wanted + boxes + dashes  # a frame that continues on the next page is drawn on both


@pytest.mark.slow
@pytest.mark.skipif(browser.chromium() is None, reason="no Chromium: make packages installs it")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Playwright's use of asyncio
def test_mermaid_itself_draws_every_message(tmp_path: Path) -> None:
    """Mermaid's own grammar accepts the text, with and without guards."""
    with browser.browser() as running:
        shown = mermaid_js.opened(running, tmp_path)
        for name in ("kinds", "orders", "hostile"):
            for detail in DETAILS:
                diagram = drawn(merged_boots(name), detail)
                result = mermaid_js.drawn(shown, render(merged_boots(name), "mmd", detail))
                assert [visible(text) for text in result["messages"]] == messages(diagram)
                assert result["lines"] >= len(messages(diagram))
        assert shown.complaints == []


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("plantuml") is None, reason="no PlantUML: make packages installs it")
@pytest.mark.parametrize("name", ["kinds", "orders", "hostile"])
def test_plantuml_itself_draws_every_message_and_guard(name: str) -> None:
    """PlantUML draws the text of each message, and each guard in brackets."""
    diagram = drawn(merged_boots(name), "full")
    texts = Counter(test_diagrams_parsers.TestPlantumlItself.texts(render(merged_boots(name), "puml", "full")))
    # PlantUML writes a dash as a hyphen.
    expected = [text.replace("–", "-") for text in [*filter(None, messages(diagram)), *guards(diagram)]]
    assert not Counter(expected) - texts
    assert not Counter(item.text for item in diagram.items if item.what == "frame") - texts
