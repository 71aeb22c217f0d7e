"""Every name in a picture may be hostile input: no text of a boot breaks out of its place in any format."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from diagrams import RENDERERS, render
from tests.support.builders import boot, call, small_boot
from tracer.model import LeftOut, Request, Value

#: Texts that have broken one format or another.
_FRAGMENTS = [
    "<script>alert(1)</script>", "</text></svg>", "]]>", "&lt;", "&#0;", "<!--", "-->", '" onload="x', "'", "<![CDATA[",
    "\x1b[31m", "\x1b]0;title\x07", "\x00", "\x9b", "\u202e", "\u2066", "\u200b", "\ufeff", "\ufffe", "\u2028",
    "\ud800", "\n", "\r\n", "\t", ";", "#", "#35;", "%%{init: {}}%%", "%%", "end", "wrap:", "\nloop", "nowrap:",
    "```", "~~~", "`", "|", "\\", "\n\n# heading", "[link](javascript:x)", "<img src=x>", "@user", "https://x.example",
    "@enduml", "!include /etc/passwd", "%getenv(HOME)", "$var", "<&star>", "[[http://x]]", "/'", "'/", "''", "==", "--",
    "<b>", "<>", '\\"', "\\n", "\\l", "{{ 7*7 }}", "{% raw %}", "$$x$$", "e\u0301", "שלום", "日本", "😀", " ", "nova.",
]  # fmt: skip

_pieces = st.one_of(st.sampled_from(_FRAGMENTS), st.text(min_size=1, max_size=8))
hostile = st.lists(_pieces, min_size=1, max_size=6).map("".join)
everything = "".join(_FRAGMENTS)


def poisoned(text: str) -> Request:
    """Return the small boot with ``text`` in place of every text that comes from a cloud."""
    request = small_boot()
    for step in request.walk():
        step.name, step.service, step.host, step.request_id = text, text, text, text
        step.address, step.opened_by = step.address + text, step.opened_by and text
        step.opens = [text for _ in step.opens]
        step.global_request_id, step.tied_by, step.witnesses = text, text, (text,)
        step.attributes = {key: _poisoned(key, value, text) for key, value in step.attributes.items()}
        if step.kind in ("call", "command", "sql"):
            step.error = text
    request.server, request.uuid, request.request_id, request.outcome, request.host = text, text, text, text, text
    request.operation, request.request_ids, request.versions = text, [text], {"nova": text, text: text}
    request.left_out = [LeftOut(text, text, text, 2)]
    return request


def _poisoned(key: str, value: Value, text: str) -> Value:
    if key in ("side", "mode"):
        return value
    if isinstance(value, list):
        return [_poisoned("", item, text) for item in value]
    if isinstance(value, dict):
        return {name: _poisoned("", item, text) for name, item in value.items()} | {text: text}
    return text


def lines_of(suffix: str, text: str, detail: str = "full") -> list[str]:
    return render(poisoned(text), suffix, detail).split("\n")


@cache
def usual(suffix: str, detail: str = "full") -> list[str]:
    """Return the lines of a boot in which nothing is hostile."""
    return lines_of(suffix, "x", detail)


class TestSvg:
    ALLOWED = frozenset({"svg", "title", "rect", "path", "g", "text", "tspan"})
    ATTRIBUTES = frozenset({
        "width", "height", "viewBox", "x", "y", "d", "transform", "fill", "opacity", "stroke", "stroke-width",
        "stroke-dasharray", "stroke-linejoin", "paint-order", "font-family", "font-size", "font-weight", "text-anchor",
        "textLength", "lengthAdjust", "unicode-bidi",
    })  # fmt: skip

    @given(hostile)
    @example(everything)
    def test_it_is_xml_without_foreign_elements(self, text: str) -> None:
        root = ElementTree.fromstring(render(poisoned(text), "svg", "full"))
        for element in root.iter():
            assert element.tag.removeprefix("{http://www.w3.org/2000/svg}") in self.ALLOWED
            assert set(element.attrib) <= self.ATTRIBUTES
            assert not re.search(r"url|script|http|:", " ".join(element.attrib.values()))

    @given(hostile)
    def test_its_text_is_printable(self, text: str) -> None:
        root = ElementTree.fromstring(render(poisoned(text), "svg", "full"))
        assert all((element.text or "").isprintable() for element in root.iter())


@pytest.mark.parametrize("suffix", sorted(RENDERERS.keys() - {"html"}))
@given(text=hostile)
@example(text=everything)
def test_every_line_is_printable_and_none_is_added(suffix: str, text: str) -> None:
    # Not at full, where a path with a question mark rightly has a note on its query.
    lines = lines_of(suffix, text, "calls")
    assert all(line.lstrip("\t").isprintable() for line in lines)
    assert len(lines) == len(usual(suffix, "calls"))


class TestMermaid:
    STATEMENT = re.compile(
        r"sequenceDiagram|title .*|participant p\d+ as .+|(de)?activate p\d+|Note (right of p\d+|over p\d+(,p\d+)?): .+"
        r"|p\d+(->>\+?|-\)|-->>-)p\d+: .+|"
    )

    @given(hostile)
    @example(everything)
    def test_every_line_is_one_statement(self, text: str) -> None:
        for line in lines_of("mmd", text):
            assert self.STATEMENT.fullmatch(line)
            # Only entities contain a # or a ;.
            assert not re.search(r"[#;%{}<>&`\"$\\]", re.sub(r"#\d+;", "", line).replace("->>", "")), line


class TestPlantuml:
    STATEMENT = re.compile(
        r"@startuml|@enduml|' PNG: .*|hide footbox|skinparam .*|title .*|participant \"[^\"]+\" as p\d+|== .+ =="
        r"|\[-> p\d+ \+\+|deactivate p\d+|note right of p\d+ : .+|p\d+ (->|->>|-->) p\d+( \+\+| --)? : .+|"
    )

    @given(hostile)
    @example(everything)
    def test_every_line_is_one_statement_without_markup(self, text: str) -> None:
        for line in lines_of("puml", text):
            assert self.STATEMENT.fullmatch(line), line
            label = re.sub(r"<U\+[0-9A-F]{4,6}>", "U", line.partition(" : ")[2])
            assert not re.search(r"[<>\[\]{}%$\"'~\\&#|!@^`;]|--|\*\*|//|__|==|\.\.|::", label), line


@given(hostile)
@example("<b>")
def test_no_label_of_dot_is_html(text: str) -> None:
    for line in lines_of("dot", text):
        assert not re.search(r"=\s*<", re.sub(r'"(\\.|[^"\\])*"', "", line)), line


class TestMarkdown:
    @given(hostile)
    @example(everything)
    def test_text_outside_of_code_is_the_templates(self, text: str) -> None:
        assert _without_code(lines_of("md", text)) == _without_code(usual("md"))


def _without_code(lines: list[str]) -> list[str]:
    """Return the lines outside of fences, without their code: spans by CommonMark's rules, between tags by HTML's."""
    outside, fence = [], ""
    for line in lines:
        ticks = re.match("`{3,}", line)
        if fence:
            if line.rstrip() and set(line.rstrip()) == {"`"} and len(line.rstrip()) >= len(fence):
                fence = ""
        elif ticks:
            fence = ticks[0]
        elif line.startswith("<summary>"):
            outside.append(re.sub("<code>[^<>]*</code>", "CODE", line))
        else:
            outside.append(re.sub(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", "CODE", line))
    assert not fence
    return outside


@pytest.mark.skipif(not shutil.which("dot"), reason="graphviz's dot is not installed")
def test_dot_accepts_the_topology() -> None:
    text = render(poisoned(everything.replace("\ud800", "")), "dot")
    drawn = subprocess.run(["dot", "-Tsvg"], input=text.encode(), capture_output=True, check=False)
    assert drawn.returncode == 0, drawn.stderr
    assert b"<script" not in drawn.stdout


@pytest.mark.skipif(not shutil.which("rsvg-convert"), reason="librsvg's rsvg-convert is not installed")
def test_librsvg_accepts_the_svg() -> None:
    text = render(poisoned(everything), "svg", "full")
    drawn = subprocess.run(["rsvg-convert"], input=text.encode(), capture_output=True, check=False)
    assert drawn.returncode == 0, drawn.stderr
    assert drawn.stdout.startswith(b"\x89PNG")


@pytest.mark.parametrize(("suffix", "levels"), [("txt", 10_000), ("svg", 10_000), ("md", 2_000), ("puml", 2_000)])
def test_deep_trees_need_no_recursion(suffix: str, levels: int) -> None:
    step = call("API", "nova.a:A.leaf")
    for level in range(levels):
        step = call("API", f"nova.a{level % 3}:A.f", step)
    assert render(boot(step), suffix, "full")
