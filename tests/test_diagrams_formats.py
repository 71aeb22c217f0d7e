"""Mermaid, PlantUML, Markdown and dot, each on its own; test_diagrams_hostile.py has hostile input."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from diagrams.document.markdown import markdown
from diagrams.sequence.mermaid import LIMIT, MOST_BLOCKS, blocks, mermaid
from diagrams.sequence.plantuml import plantuml
from diagrams.templating import code, fenced
from diagrams.topology import contacts, topology
from tests.bench.bench_diagrams import wide_boot
from tests.support.builders import boot, call, cast, http, rpc, served, small_boot, sql, step


class TestMermaid:
    def test_it_stays_within_mermaids_limits_and_notes_what_was_folded(self) -> None:
        text = mermaid(wide_boot(5_000), "full")
        assert LIMIT / 4 < len(text) <= LIMIT
        assert "to fit)" in text.splitlines()[1]
        assert re.search(r"\nNote right of p\d+: \+\d+ more, not drawn\n(deactivate p\d+\n)+$", text)

    def test_a_document_has_several_diagrams_instead_of_folding(self) -> None:
        parts = blocks(wide_boot(5_000), "full")
        assert 1 < len(parts) <= MOST_BLOCKS
        assert all(len(part) <= LIMIT and self.opened(part) == self.closed(part) for part in parts)
        whole = {line for line in "".join(parts).splitlines() if "->>" in line}
        assert len(whole) > 5_000
        assert markdown(wide_boot(5_000), "full").count("```mermaid\n") == len(parts)

    def test_the_number_of_diagrams_is_limited(self) -> None:
        assert len(blocks(wide_boot(12_000), "full")) == 1

    def test_activations_are_balanced(self) -> None:
        text = mermaid(small_boot(), "full")
        assert self.opened(text) == self.closed(text) > 10

    @staticmethod
    def opened(text: str) -> int:
        return len(re.findall(r"->>\+|^activate ", text, re.M))

    @staticmethod
    def closed(text: str) -> int:
        return len(re.findall(r"-->>-|^deactivate ", text, re.M))

    def test_arrows_distinguish_calls_casts_and_answers(self) -> None:
        head = call(
            "API",
            "nova.a:f",
            cast("API", "conductor", "go", 2),
            rpc("API", "scheduler", "ask", sql("scheduler", "SELECT", "x")),
        )
        text = mermaid(boot(head, served("conductor", "go")))
        assert "p0-)p1: 1-1 go → 2\n" in text
        assert re.search(r"p0->>\+p2: 1-2 ask\n.*\np2-->>-p0: \d+ µs\n", text)
        assert "Note over p0,p3: 2 conductor: go ← 1-1\nactivate p1\ndeactivate p1\n" in text

    def test_one_lane(self) -> None:
        assert "Note over p0: 1 API: a.f()\n" in mermaid(boot(call("API", "nova.a:f")))


class TestPlantuml:
    def test_activations_are_balanced(self) -> None:
        text = plantuml(small_boot(), "full")
        assert len(re.findall(r" \+\+", text)) == len(re.findall(r" -- : |^deactivate ", text, re.M)) > 10

    def test_it_begins_and_ends(self) -> None:
        lines = plantuml(small_boot()).splitlines()
        assert (lines[0], lines[-1]) == ("@startuml", "@enduml")


class TestMarkdown:
    def test_facts_tree_participants_and_sequence(self) -> None:
        text = markdown(small_boot())
        assert text.startswith("# Sequence of `create vm1`\n")
        assert "| server | `vm1` |\n" in text
        assert "\n1-1-1-1. compute/api.py.API -> create()\n" in text
        assert "| `compute` | 6 | 1 | 6 | 1 | 2 | 1 |" in text
        assert "```mermaid\nsequenceDiagram\n" in text
        assert "- `compute: heartbeat Service.save (rpc) ×3`\n" in text

    def test_every_row_of_a_table_has_as_many_cells(self) -> None:
        table = re.search(r"## Who took part\n\n((?:\|.*\n)+)", markdown(small_boot()))
        assert table
        assert len({line.count("|") for line in table[1].splitlines()}) == 1

    def test_without_unassigned_steps_there_is_no_such_section(self) -> None:
        assert "Left out" not in markdown(boot(call("API", "nova.a:f")))

    def test_code_spans_hold_anything(self) -> None:
        assert code("a") == "`a`"
        assert code("a`b``c") == "```a`b``c```"
        assert code("`a") == "`` `a ``"
        assert code("a|b") == "`a\\|b`"
        assert code("") == "`   `"

    def test_fences_are_longer_than_those_inside(self) -> None:
        assert fenced("a\n````\nb") == "`````text\na\n````\nb\n`````"


class TestTopology:
    def test_contacts_are_counted_with_their_durations(self) -> None:
        head = call(
            "compute", "nova.a:f",
            rpc("compute", "conductor", "a", sql("conductor", "SELECT", "x"), sql("conductor", "SELECT", "y")),
            rpc("compute", "conductor", "b"),
            step("libvirt", "compute", class_="virDomain", function="create", took=3),
            cast("compute", "scheduler", "c", 2),
            http("compute", "image", "GET", "/x"),
        )  # fmt: skip
        graph = contacts(boot(head))
        edges = {
            (source, target, kind): len(edge["lasted"])
            for source, target, kind, edge in graph.edges(keys=True, data=True)
        }
        assert edges == {
            ("compute", "conductor", "call"): 2,
            ("conductor", "database", "SQL"): 2,
            ("compute", "libvirt", "libvirt"): 1,
            ("compute", "scheduler", "cast"): 1,
            ("compute", "image", "HTTP"): 1,
        }
        assert graph.edges["compute", "libvirt", "libvirt"]["lasted"] == [3_100_000]
        assert graph.edges["compute", "scheduler", "cast"]["lasted"] == [0]
        assert graph.edges["conductor", "database", "SQL"]["about"] == {"x": 1, "y": 1}

    def test_requests_that_differ_by_an_id_have_the_same_subject(self) -> None:
        paths = ["/v2/images/155d900f-4e14-4e4c-a73d-069cbf4541e6", "/v2/images/42", "/v2/images/42?x=1", "/v2/images"]
        graph = contacts(boot(call("API", "nova.a:f", *(http("API", "image", "GET", path) for path in paths))))
        assert graph.edges["API", "image", "HTTP"]["about"] == {"GET /v2/images/…": 3, "GET /v2/images": 1}

    def test_an_edge_shows_count_total_median_and_subject(self) -> None:
        saves = [rpc("compute", "conductor", "Instance.save", took=took) for took in (1, 2, 9)]
        others = [rpc("compute", "conductor", f"other_{number}", took=4) for number in range(4)]
        text = topology(boot(call("compute", "nova.a:f", *saves, *others))).replace("&#8288;", "")
        assert "    7 calls, 30.1 ms (median 4.3 ms)\\l    Instance.save ×3\\l    other_0\\l    other_1\\l" in text
        assert "    and 2 more\\l" in text

    def test_a_request_without_a_sender_comes_from_the_client(self) -> None:
        head = step("http", "API", side="server", method="POST", path="/servers")
        assert list(contacts(boot(head)).edges(keys=True)) == [("client", "API", "HTTP")]

    def test_the_text(self) -> None:
        text = topology(small_boot())
        assert re.search(
            r'p\d -> p\d \[label="&#8288;    1 cast\\l&#8288;    \w+\\l" arrowhead=vee color="#\w{6}" style=dashed\]',
            text,
        )
        assert re.search(r'\[label="&#8288;    2 libvirt, 91\d ms \(median 12\.1 ms\)\\l&#8288;    defineXML\\l', text)

    def test_long_names_are_wrapped_and_never_cut(self) -> None:
        service = "a-service-with-an-extraordinarily-long-name.example.org"
        path, word = "/v2/" + "very_long_collection_name/" * 4, "W" * 100
        text = topology(boot(call(service, "nova.a:f", *(http("API", "image", "GET", name) for name in (path, word)))))
        (node,) = re.findall(r'p\d \[label="([^"]*)" fill', text)
        (edge,) = re.findall(r'p\d -> p\d \[label="([^"]*)"', text)
        lines = [line.removeprefix("&#8288;").strip() for line in edge.split("\\l")]
        assert node.split("\\n") == ["a-service-with-an-extraordinarily-long-", "name.example.org"]
        assert max(map(len, lines)) <= 44
        assert "".join(lines[1:]).replace(" ", "") == f"GET{path}GET{word}"

    @pytest.mark.skipif(not (shutil.which("dot") and shutil.which("rsvg-convert")), reason="no Graphviz or librsvg")
    def test_librsvg_keeps_the_indent_of_labels(self) -> None:
        text = topology(small_boot()).encode()
        svg = subprocess.run(["dot", "-Tsvg"], input=text, capture_output=True, check=True).stdout
        indent = "\u2060 &#160;&#160;&#160;".encode()
        assert indent in svg
        pictures = [
            subprocess.run(["rsvg-convert"], input=drawn, capture_output=True, check=True).stdout
            for drawn in (svg, svg.replace(indent, b""))
        ]
        assert pictures[0] != pictures[1]

    def test_names_with_a_meaning_in_dot(self) -> None:
        text = topology(boot(call("a:b", "m:f"), call("<b>", "m:f"), call('"\\', "m:f")))
        assert 'label="a:b"' in text
        assert 'label="<b>"' in text
        assert 'label="\\"\\\\"' in text
