"""The graph of the services as text for Graphviz' ``dot``: who calls whom, for what, how often, how long."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from statistics import median_low
from typing import TYPE_CHECKING

from diagrams.palette import colour
from diagrams.sequence.places import Place, places
from diagrams.text import shorten, span, times
from diagrams.words import steps
from tracer.model import Request, Step
from tracer.notation.parse import UNAWAITED

if TYPE_CHECKING:
    from networkx import MultiDiGraph

#: Maximum length of a line of a service's name and of a subject, which continue below; maximum number of subjects of
#: an edge; and the characters of a name that dot can still lay out.
NAME, ABOUT, NAMED, LONGEST = 40, 44, 3, 2_000
#: Graphviz maps Helvetica to some font on every machine.
_FONT = {"fontname": "Helvetica,Arial,sans-serif"}
#: The padding, in inches, is for labels at the border: a viewer's font may be wider than dot's.
_GRAPH = {
    "rankdir": "TB", "labelloc": "t", "bgcolor": "white", "nodesep": "0.35", "ranksep": "0.7", "pad": "0.4", **_FONT,
}  # fmt: skip
_NODE = {"shape": "box", "style": "rounded,filled", "fontcolor": "white", "margin": "0.2,0.1", "penwidth": "0", **_FONT}
_EDGE = {"fontsize": "10", "fontcolor": "#1f2328", "arrowsize": "0.8", **_FONT}
#: Some space between an edge and its label: a word joiner, which has no width, and blanks, which dot writes as no-break
#: spaces. Without the first, librsvg drops them as white space at the beginning of a text.
_INDENT = "&#8288;    "
#: The nouns for several contacts of a kind.
_PLURALS = {"call": "calls", "cast": "casts", "fanout": "fanouts", "notify": "notifications", "HTTP": "requests"}
_SINGULARS = {"notify": "notification", "HTTP": "request"}
#: Ids, hexadecimal or numbers, which differ between requests with the same subject.
_IDS = re.compile(r"(?<=/)(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}|\d+)(?=/|$)")


def topology(boot: Request, detail: str = "calls") -> str:
    """Return ``boot``'s services as ``dot`` text; the detail makes no difference."""
    # Imported late, here and below, because only the topology needs it.
    from graphviz import Digraph

    graph = contacts(boot)
    dot = Digraph("boot", graph_attr=_GRAPH, node_attr=_NODE, edge_attr=_EDGE)
    dot.attr(label=_label(*steps.heading(boot), end="\\n"))
    numbers = {name: number for number, name in enumerate(graph)}
    for name, number in numbers.items():
        # Numbered, because dot reads a colon in a node's name as a port.
        dot.node(f"p{number}", _label(*_wrapped(name, NAME), between="\\n"), fillcolor=colour(name, number))
    for source, target, kind, edge in graph.edges(keys=True, data=True):
        style = {"style": "dashed", "arrowhead": "vee"} if kind in UNAWAITED else {}
        lines = [_counted(kind, edge["lasted"]), *_named(edge["about"])]
        label = _label(*(f"{_INDENT}{line}" for line in lines), end="\\l")
        dot.edge(f"p{numbers[source]}", f"p{numbers[target]}", label, color=colour(source, numbers[source]), **style)
    return str(dot.source)


def contacts(boot: Request) -> MultiDiGraph[str]:
    """Return services, with an edge for each way in which one uses another: durations and subjects.

    An edge has ``lasted``, a list of nanoseconds (0 of what was not waited for or never ended), and ``about``, a
    Counter.
    """
    from networkx import MultiDiGraph

    graph: MultiDiGraph[str] = MultiDiGraph()
    all_places = places(boot)
    for entry in all_places:
        graph.add_node(entry.step.service)
        for source, target, kind, step in _contacts(entry, all_places):
            if not graph.has_edge(source, target, kind):
                graph.add_edge(source, target, kind, lasted=[], about=Counter())
            edge = graph.edges[source, target, kind]
            edge["lasted"].append(0 if kind in UNAWAITED else step.duration or 0)
            if about := _about(step):
                edge["about"][about] += 1
    return graph


def _contacts(entry: Place, all_places: list[Place]) -> Iterator[tuple[str, str, str, Step]]:
    """Yield the contacts of one numbered step: its own, and the statements in it."""
    step = entry.step
    for inner in step.children:
        if inner.kind == "sql":
            yield step.service, "database", "SQL", inner
    if step.kind == "libvirt":
        yield step.service, "libvirt", "libvirt", step
    elif step.kind in ("http", "rpc") and step.text("side") == "client":
        kind = "HTTP" if step.kind == "http" else step.text("mode") or "call"
        yield step.service, steps.peer(step) or "unknown", kind, step
    elif step.kind == "http" and entry.parent < 0:
        yield "client", step.service, "HTTP", step


def _about(step: Step) -> str:
    """Return what distinguishes contacts on the same edge: a method, a path without its ids, a table."""
    if step.kind == "http":
        path = step.text("path").partition("?")[0]
        return f"{step.text('method')} {_IDS.sub('…', path)}".strip() or step.name
    if step.kind == "sql":
        tables = step.attributes.get("tables")
        return str(tables[0]) if isinstance(tables, list) and tables else ""  # BEGIN and the like
    return step.text("method") or step.text("function") or step.name


def _counted(kind: str, lasted: list[int]) -> str:
    noun = _SINGULARS.get(kind, kind) if len(lasted) == 1 else _PLURALS.get(kind, kind)
    total = f", {span(sum(lasted))}" if any(lasted) else ""
    usual = f" (median {span(median_low(lasted))})" if total and len(lasted) > 1 else ""
    return f"{len(lasted)} {noun}{total}{usual}"


def _named(about: Counter[str]) -> list[str]:
    """Return the lines for the most frequent of what an edge is about, equally frequent ones in order of time."""
    ranked = about.most_common()
    rest = len(ranked) - NAMED if len(ranked) > NAMED + 1 else 0
    shown = ranked[: len(ranked) - rest]
    lines = [line for name, count in shown for line in _wrapped(name, ABOUT, times(count))]
    return [*lines, f"and {rest} more"] if rest else lines


def _wrapped(name: str, most: int, after: str = "") -> list[str]:
    """Return the lines of a name, of at most ``most`` characters each, which end after a separator if they can."""
    text = shorten(name, LONGEST) + after
    return re.findall(rf".{{1,{most}}}(?:(?<=[/._ -])|$)|.{{1,{most}}}", text)


def _label(*lines: str, end: str = "", between: str = "") -> str:
    from graphviz import escape, nohtml

    # nohtml() marks the string itself, so that a name like "<b>" is not read as HTML; any further step would lose that.
    marked: str = nohtml(between.join(f"{escape(line)}{end}" for line in lines if line))
    return marked
