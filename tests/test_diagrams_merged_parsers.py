"""Others' parsers take merged boots too: every message at its text, every fragment with its operator and guards."""

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


def made(name: str) -> Merged:
    """Boots that are merged, by name: all four fragments, and names that have broken a format."""
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
    """What stands in brackets, in its order."""
    return [
        squeezed(clean(f"[{item.extra}]")) for item in diagram.items if item.what in ("frame", "branch") and item.extra
    ]


def seen(text: str) -> str:
    """A drawn text without spaces; Mermaid draws an answer that says nothing as a space of no width."""
    return squeezed(text).replace("\u200b", "")


@every_detail
@every_case
def test_mmdr_draws_every_message(name: str, detail: str) -> None:
    """And a box for each fragment."""
    diagram = drawn(made(name), detail)
    root = ElementTree.fromstring(mmdr.render(render(made(name), "mmd", detail)).svg())
    texts = [seen("".join(one.itertext())) for one in root.iter() if one.get("class") == "messageText"]
    # It takes what a text says for an entity once more, as Mermaid itself does not.
    assert [unescape(text) for text in texts] == [unescape(text) for text in messages(diagram)]
    operators = Counter(squeezed("".join(one.itertext())) for one in root.iter() if one.get("class") == "labelText")
    assert operators == Counter(item.text for item in diagram.items if item.what == "frame")


@every_detail
@every_case
def test_svg_has_every_arrow_and_renders(name: str, detail: str) -> None:
    """On pages as well, and as pixels."""
    diagram = drawn(made(name), detail)
    wanted = sum(item.what in ("call", "cast", "return", "state") for item in diagram.items)
    text = render(made(name), "svg", detail)
    boxes = sum(item.what == "frame" for item in diagram.items)
    # Beside the arrows, the dashes between the operands of each frame that has several.
    dashes = sum(item.what == "branch" for item in diagram.items)
    assert arrows(ElementTree.fromstring(text)) - _LEGEND == wanted + boxes + dashes
    assert rasterised(text).startswith(b"\x89PNG")
    sheets = sum(arrows(ElementTree.fromstring(page)) - _LEGEND for page in pages(made(name), detail, "a4"))
    assert sheets >= wanted + boxes + dashes  # a frame that goes on over the page is drawn on both


@pytest.mark.slow
@pytest.mark.skipif(browser.chromium() is None, reason="no Chromium: make packages installs it")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Playwright's use of asyncio
def test_mermaid_itself_draws_every_message(tmp_path: Path) -> None:
    """Its own grammar, with guards and without."""
    with browser.browser() as running:
        shown = mermaid_js.opened(running, tmp_path)
        for name in ("kinds", "orders", "hostile"):
            for detail in DETAILS:
                diagram = drawn(made(name), detail)
                found = mermaid_js.drawn(shown, render(made(name), "mmd", detail))
                assert [seen(text) for text in found["messages"]] == messages(diagram)
                assert found["lines"] >= len(messages(diagram))
        assert shown.complaints == []


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("plantuml") is None, reason="no PlantUML: make packages installs it")
@pytest.mark.parametrize("name", ["kinds", "orders", "hostile"])
def test_plantuml_itself_draws_every_message_and_guard(name: str) -> None:
    """The text of the messages in their order, each guard in brackets."""
    diagram = drawn(made(name), "full")
    texts = Counter(test_diagrams_parsers.TestPlantumlItself.texts(render(made(name), "puml", "full")))
    # It writes a dash as a hyphen.
    said = [text.replace("–", "-") for text in [*filter(None, messages(diagram)), *guards(diagram)]]
    assert not Counter(said) - texts
    assert not Counter(item.text for item in diagram.items if item.what == "frame") - texts
