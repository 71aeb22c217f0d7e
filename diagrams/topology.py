"""Who talks to whom, how often and how long: a graph of the services, as text for Graphviz' ``dot``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from diagrams import words
from diagrams.folding import Place, places
from diagrams.palette import colour
from diagrams.text import shorten, span
from tracer.model import Boot, Step

if TYPE_CHECKING:
    from networkx import MultiDiGraph

NAME = 40


def topology(boot: Boot, detail: str = "calls") -> str:
    """``boot``'s services as ``dot`` text; the detail makes no difference."""
    # Late here and below, so that who draws no topology does not pay for it.
    from graphviz import Digraph

    graph = contacts(boot)
    dot = Digraph("boot", graph_attr={"rankdir": "LR", "labelloc": "t", "fontname": "Helvetica"})
    dot.attr(label=_label(*words.heading(boot)))
    dot.attr("node", shape="box", style="rounded,filled", fontcolor="white", fontname="Helvetica")
    dot.attr("edge", fontname="Helvetica", fontsize="10")
    numbers = {name: number for number, name in enumerate(graph)}
    for name, number in numbers.items():
        # Numbered, because dot takes a colon in a node's name for a port.
        dot.node(f"p{number}", _label(shorten(name, NAME)), fillcolor=colour(name, number))
    for source, target, kind, edge in graph.edges(keys=True, data=True):
        lasted = f", {span(edge['lasted'])}" if edge["lasted"] else ""
        style = {"style": "dashed", "arrowhead": "vee"} if kind in words.UNAWAITED else {}
        dot.edge(f"p{numbers[source]}", f"p{numbers[target]}", _label(f"{edge['count']} {kind}{lasted}"), **style)
    return str(dot.source)


def contacts(boot: Boot) -> MultiDiGraph[str]:
    """Services, and an edge for each way in which one uses another: how often, and how many nanoseconds in all."""
    from networkx import MultiDiGraph

    graph: MultiDiGraph[str] = MultiDiGraph()
    found = places(boot)
    for place in found:
        graph.add_node(place.step.service)
        for source, target, kind, step in _contacts(place, found):
            if not graph.has_edge(source, target, kind):
                graph.add_edge(source, target, kind, count=0, lasted=0)
            edge = graph.edges[source, target, kind]
            edge["count"] += 1
            edge["lasted"] += step.duration or 0 if kind not in words.UNAWAITED else 0
    return graph


def _contacts(place: Place, found: list[Place]) -> Iterator[tuple[str, str, str, Step]]:
    """The contacts of one numbered step: its own, and the statements in it."""
    step = place.step
    for inner in step.children:
        if inner.kind == "sql":
            yield step.service, "database", "SQL", inner
    if step.kind == "libvirt":
        yield step.service, "libvirt", "libvirt", step
    elif step.kind in ("http", "rpc") and step.text("side") == "client":
        kind = "HTTP" if step.kind == "http" else step.text("mode") or "call"
        yield step.service, words.peer(step) or "unknown", kind, step
    elif step.kind == "http" and place.parent < 0:
        yield "client", step.service, "HTTP", step


def _label(*lines: str) -> str:
    from graphviz import escape, nohtml

    # nohtml() marks the string itself, so that a name like "<b>" is not read as HTML; any further step would lose that.
    marked: str = nohtml("\\n".join(map(escape, filter(None, lines))))
    return marked
