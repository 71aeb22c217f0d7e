"""Every name in a picture may be hostile input: whatever stands in a boot, no format becomes anything but itself."""

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

#: What has broken one format or another.
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
    """The small boot with ``text`` in the place of everything that comes from a cloud."""
    made = small_boot()
    for step in made.walk():
        step.name, step.service, step.host, step.request_id = text, text, text, text
        step.address, step.opened_by = step.address + text, step.opened_by and text
        step.opens = [text for _ in step.opens]
        step.global_request_id, step.tied_by, step.witnesses = text, text, (text,)
        step.attributes = {key: _poisoned(key, value, text) for key, value in step.attributes.items()}
        if step.kind in ("call", "command", "sql"):
            step.error = text
    made.server, made.uuid, made.request_id, made.outcome, made.host = text, text, text, text, text
    made.operation, made.request_ids, made.versions = text, [text], {"nova": text, text: text}
    made.left_out = [LeftOut(text, text, text, 2)]
    return made


def _poisoned(key: str, value: Value, text: str) -> Value:
    if key in ("side", "mode"):
        return value
    if isinstance(value, list):
        return [_poisoned("", one, text) for one in value]
    if isinstance(value, dict):
        return {name: _poisoned("", one, text) for name, one in value.items()} | {text: text}
    return text


def lines_of(suffix: str, text: str, detail: str = "full") -> list[str]:
    return render(poisoned(text), suffix, detail).split("\n")


@cache
def usual(suffix: str, detail: str = "full") -> list[str]:
    """The lines of a boot in which nothing is hostile."""
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
    def test_it_is_xml_with_nothing_foreign_in_it(self, text: str) -> None:
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
    said = lines_of(suffix, text, "calls")
    assert all(line.lstrip("\t").isprintable() for line in said)
    assert len(said) == len(usual(suffix, "calls"))


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
            # Entities are the only thing that has a # or a ; in it.
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
    def test_outside_of_code_it_says_what_the_template_says(self, text: str) -> None:
        assert _without_code(lines_of("md", text)) == _without_code(usual("md"))


def _without_code(lines: list[str]) -> list[str]:
    """The lines outside of fences, without their code: spans by CommonMark's rules, between tags by HTML's."""
    kept, fence = [], ""
    for line in lines:
        ticks = re.match("`{3,}", line)
        if fence:
            if line.rstrip() and set(line.rstrip()) == {"`"} and len(line.rstrip()) >= len(fence):
                fence = ""
        elif ticks:
            fence = ticks[0]
        elif line.startswith("<summary>"):
            kept.append(re.sub("<code>[^<>]*</code>", "CODE", line))
        else:
            kept.append(re.sub(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", "CODE", line))
    assert not fence
    return kept


@pytest.mark.skipif(not shutil.which("dot"), reason="graphviz's dot is not installed")
def test_dot_takes_the_topology() -> None:
    text = render(poisoned(everything.replace("\ud800", "")), "dot")
    drawn = subprocess.run(["dot", "-Tsvg"], input=text.encode(), capture_output=True, check=False)
    assert drawn.returncode == 0, drawn.stderr
    assert b"<script" not in drawn.stdout


@pytest.mark.skipif(not shutil.which("rsvg-convert"), reason="librsvg's rsvg-convert is not installed")
def test_librsvg_takes_the_svg() -> None:
    text = render(poisoned(everything), "svg", "full")
    drawn = subprocess.run(["rsvg-convert"], input=text.encode(), capture_output=True, check=False)
    assert drawn.returncode == 0, drawn.stderr
    assert drawn.stdout.startswith(b"\x89PNG")


@pytest.mark.parametrize(("suffix", "levels"), [("txt", 10_000), ("svg", 10_000), ("md", 2_000), ("puml", 2_000)])
def test_depth_is_no_recursion(suffix: str, levels: int) -> None:
    step = call("API", "nova.a:A.leaf")
    for level in range(levels):
        step = call("API", f"nova.a{level % 3}:A.f", step)
    assert render(boot(step), suffix, "full")
