"""The page of a boot as text: its data has every step, its policy allows only its own parts, no text is markup."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import example, given

from diagrams import DETAILS, render
from diagrams.page.data import ALL, CALLS, FAR, REQUESTS, SQL, columns
from diagrams.page.details import to_json
from tests.support.builders import boot, call, failed_boot, log, rpc, small_boot, sql, state
from tests.test_diagrams_hostile import everything, hostile, poisoned
from tracer.model import Request


class Parts(HTMLParser):
    """The elements of a page, its policy, and the texts of its scripts and style sheet."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.policy = ""
        self.blocks: dict[str, str] = {}
        self._within = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        assert not any(name.startswith("on") or name in ("style", "src") for name in attributes)
        self.tags.append(tag)
        if attributes.get("http-equiv"):
            self.policy = attributes.get("content") or ""
        self._within = (attributes.get("id") or tag) if tag in ("script", "style") else ""

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within:
            self.blocks[self._within] = self.blocks.get(self._within, "") + data


def parts(request: Request, detail: str = "calls") -> Parts:
    """Return the page in the bytes that `draw` writes."""
    return Parts(render(request, "html", detail).encode(errors="backslashreplace").decode())


def read(request: Request) -> dict[str, Any]:
    return dict(json.loads(parts(request).blocks["columns"]))


def addresses(data: dict[str, Any]) -> list[str]:
    """Return the addresses as the page composes them."""
    paths: list[str] = []
    around: list[tuple[int, str]] = []
    for number, (own, size) in enumerate(zip(data["address"], data["size"], strict=True)):
        while around and around[-1][0] < number:
            around.pop()
        text = own if isinstance(own, str) else around[-1][1] + (f"-{own}" if own > 0 else f"/{-own}")
        paths.append(text)
        around.append((number + size, text))
    return paths


def _with_blanks(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes with single blanks for white space, because the page reformats statements."""
    return {key: " ".join(value.split()) if isinstance(value, str) else value for key, value in attributes.items()}


class TestData:
    @pytest.mark.parametrize("sample", [small_boot(), failed_boot()])
    @pytest.mark.parametrize("detail", DETAILS)
    def test_every_step_is_in_the_data_at_every_detail(self, sample: Request, detail: str) -> None:
        page = parts(sample, detail)
        data = json.loads(page.blocks["columns"])
        steps = list(sample.walk())
        assert addresses(data) == [step.address for step in steps]
        assert [data["kinds"][kind] for kind in data["kind"]] == [step.kind for step in steps]
        lines = [json.loads(line) for line in page.blocks["details"].split("\n")]
        statements = [json.loads(line) for line in page.blocks.get("statements", "").split("\n") if line]
        recorded = [{**line[0], **({"statement": statements[line[2]]} if line[2:] else {})} for line in lines]
        assert [_with_blanks(item) for item in recorded] == [_with_blanks(step.attributes) for step in steps]
        assert [line[1] for line in lines] == [step.error for step in steps]

    def test_times_lanes_and_origins(self) -> None:
        request = boot(call("API", "nova.a:f", rpc("API", "conductor", "go", sql("conductor", "SELECT", "x"))))
        data = read(request)
        lanes = [(data["lanes"][a], data["lanes"][b]) for a, b in zip(data["source"], data["target"], strict=True)]
        assert lanes == [
            ("API", "API"), ("API", "conductor"), ("conductor", "conductor"), ("conductor", "database"),
        ]  # fmt: skip
        assert data["start"] == [step.start - request.started for step in request.walk()]
        assert data["took"] == [step.duration for step in request.walk()]
        assert [bool(flags & FAR) for flags in data["flags"]] == [False, False, True, False]
        assert {origin[0] for origin in data["origins"]} == {"API", "conductor"}

    def test_levels(self) -> None:
        inside = (
            call("API", "nova.a:g"),
            sql("API", "SELECT", "x"),
            log("API", "hello"),
            log("API", "why", kind="ask"),
        )
        broken = sql("API", "INSERT", "y", error="Boom")
        head = call("API", "nova.a:f", *inside, state("API", vm_state=(None, "building")), broken)
        assert read(boot(head))["level"] == [REQUESTS, CALLS, SQL, ALL, CALLS, REQUESTS, REQUESTS]

    def test_numbers_without_a_javascript_value(self) -> None:
        request = boot(call("API", "nova.a:f", parameters=[2**60, float("nan"), 1.5, True, None]))
        line = json.loads(parts(request).blocks["details"])
        assert line[0]["parameters"] == [str(2**60), "nan", 1.5, True, None]

    def test_a_repeated_statement_is_stored_once(self) -> None:
        sent = [sql("API", "SELECT", "x", statement=text) for text in ("SELECT a FROM x", "SELECT b FROM x") * 3]
        blocks = parts(boot(call("API", "nova.a:f", *sent))).blocks
        assert blocks["statements"] == '"SELECT a\\nFROM x"\n"SELECT b\\nFROM x"'
        assert [json.loads(line)[2:] for line in blocks["details"].split("\n")] == [[], *([0], [1]) * 3]

    def test_a_boot_without_steps(self) -> None:
        assert read(boot())["size"] == []

    def test_it_is_deterministic(self) -> None:
        request = small_boot()
        assert render(request, "html") == render(request, "html")
        assert columns(request) == columns(request)


class TestPage:
    def test_its_policy_allows_only_its_own_style_and_script(self) -> None:
        page = parts(small_boot())
        digests = {
            name: base64.b64encode(hashlib.sha256(page.blocks[name].encode()).digest()).decode()
            for name in ("style", "script")
        }
        rules = dict(rule.strip().split(" ", 1) for rule in page.policy.split(";"))
        assert rules["default-src"] == "'none'"
        assert rules["script-src"] == f"'sha256-{digests['script']}'"
        assert rules["style-src"] == f"'sha256-{digests['style']}'"
        assert rules["require-trusted-types-for"] == "'script'"

    def test_its_script_sets_text_and_evaluates_nothing(self) -> None:
        script = parts(small_boot()).blocks["script"]
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function|fetch\(", script
        )
        assert "http:" not in script.replace("http://www.w3.org/2000/svg", "")
        assert "https:" not in script

    @pytest.mark.parametrize(
        ("detail", "level"), [("story", "story"), ("brief", "requests"), ("calls", "calls"), ("full", "all")]
    )
    def test_it_opens_at_the_level_of_the_detail(self, detail: str, level: str) -> None:
        assert f'<body data-level="{level}">' in render(small_boot(), "html", detail)

    def test_it_lists_unassigned_steps(self) -> None:
        assert "<li>compute: heartbeat Service.save (rpc) ×3</li>" in render(small_boot(), "html")


class TestHostile:
    @given(hostile)
    @example(everything)
    @example("</script><script>alert(1)</script>")
    @example("x" * 10_000)
    def test_no_text_becomes_markup(self, text: str) -> None:
        request = poisoned(text)
        page = parts(request)
        assert page.tags.count("script") == 4
        expected = [tag for tag in parts(small_boot()).tags if tag not in ("dt", "dd")]
        assert [tag for tag in page.tags if tag not in ("dt", "dd")] == expected
        assert json.loads(page.blocks["columns"])["size"]
        assert len(page.blocks["details"].split("\n")) == sum(1 for _ in request.walk())

    def test_json_stays_in_its_element(self) -> None:
        assert to_json(["</script>", "<!--", "\ud800", "ü"]) == '["\\u003c/script>","\\u003c!--","\\ud800","ü"]'
