"""The cost of pictures: CPU milliseconds, bytes and pixels a message, for 500 and 5,000 messages, 8 participants."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterable
from functools import partial
from resource import RUSAGE_CHILDREN, getrusage
from time import process_time

from diagrams import RENDERERS, render
from diagrams.sequence import mermaid, plantuml
from diagrams.sequence.build import sequence
from diagrams.sequence.model import Diagram
from diagrams.svg.layout import layout
from tests.bench.row import Row
from tests.support.builders import boot, call, http, rpc, served, sql, step
from tracer.model import Request, Step

_SERVICES = ("conductor", "scheduler", "placement", "image", "network")


def wide_boot(messages: int) -> Request:
    """Return a boot of about that many messages; no two neighbours are equal, so nothing is folded."""
    parts: list[Step] = []
    count = 0
    while count < messages:
        number = len(parts)
        far = _SERVICES[number % len(_SERVICES)]
        save = rpc("compute", "conductor", f"Instance.save_{number}", sql("conductor", "UPDATE", "instances"))
        calls = [call("compute", f"nova.compute.manager:ComputeManager._part_{number}_{i}") for i in range(4)]
        libvirt = step("libvirt", "compute", class_="virDomain", function=f"XMLDesc{number}")
        get = http("compute", far, "GET", f"/things/{number}")
        build = f"nova.compute.manager:ComputeManager._build_{number}"
        parts.append(call("compute", build, *calls, save, libvirt, get))
        count += 9
    return boot(served("compute", "build", *parts), server="wide")


def milliseconds(draw: Callable[[], object], repeat: int = 5) -> float:
    """Return the CPU milliseconds of the best of a few runs."""
    best = float("inf")
    for _ in range(repeat):
        began = process_time()
        draw()
        best = min(best, process_time() - began)
    return best * 1000


def pixels(drawn: Request) -> int:
    """Return the total height of all pages of the SVG."""
    return sum(page.height for page in layout(sequence(drawn, "full")).pages)


def run() -> Iterable[Row]:
    """Draw every format at both sizes, in full detail; the SVG beside other programs' SVG of the same messages."""
    for messages in (500, 5_000):
        wide = wide_boot(messages)
        diagram = sequence(wide, "full")
        drawn = sum(item.what in ("call", "self", "cast") for item in diagram.items)
        took: dict[str, float] = {}
        for suffix in RENDERERS:
            text = render(wide, suffix, "full")
            took[suffix] = milliseconds(partial(render, wide, suffix, "full"))
            yield Row(f".{suffix} of {drawn} messages", took[suffix], "ms")
            yield Row(f".{suffix} of {drawn} messages, size", len(text.encode()) / drawn, "B/msg")
        yield Row(f".svg of {drawn} messages, height", pixels(wide) / drawn, "px/msg")
        for peer, theirs in _peers(diagram):
            yield Row(f"SVG of {drawn} messages by {peer}", theirs, "ms")
            yield Row(f".svg of {drawn} messages", took["svg"], "ms", took["svg"] / theirs, peer)


def _peers(diagram: Diagram) -> Iterable[tuple[str, float]]:
    """Yield other programs' CPU milliseconds for an SVG of the whole diagram, from prepared text."""
    import mmdr

    text = mermaid.draw(diagram)
    yield "mmdr", milliseconds(lambda: mmdr.render(text).svg(), 3)
    if shutil.which("plantuml"):
        yield "PlantUML", _plantuml(plantuml.draw(diagram))


def _plantuml(text: str) -> float:
    before = getrusage(RUSAGE_CHILDREN)
    subprocess.run(["plantuml", "-tsvg", "-pipe"], input=text.encode(), stdout=subprocess.DEVNULL, check=True)
    after = getrusage(RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000
