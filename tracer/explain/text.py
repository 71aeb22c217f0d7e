"""An explanation as text for people: sentences, with their evidence indented under each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tracer.explain.explanation import Evidence, Explanation, HostTry, Phase
from tracer.explain.words import capital, shorten, span
from tracer.text import printable

_INDENT = "    "
#: So many items of a list are shown; the rest is counted.
_SHOWN = 12
#: A longer line is shortened.
_LONGEST = 800


def render(explanation: Explanation) -> str:
    """Return the text, which ends with a line feed."""
    return "".join(f"{_line(line)}\n" for line in _Writer(explanation).lines())


def _line(text: str) -> str:
    """Return the text as one line: what was quoted from outside cannot add lines."""
    line = printable(text)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


class _Writer:
    """The writer of one explanation: evidence is quoted where it occurs first, later only its address."""

    def __init__(self, explanation: Explanation) -> None:
        self._explanation = explanation
        self._quoted: set[str] = set()

    def lines(self) -> Iterator[str]:
        """Yield the lines."""
        explanation = self._explanation
        yield f"{explanation.what}: {shorten(explanation.outcome, 240)}"
        yield ""
        for statement in (explanation.beginning, explanation.end):
            yield statement.text
            yield from self._evidence(statement.evidence)
        if explanation.cause is not None:
            yield from ("", f"First cause: {explanation.cause.text}")
            yield from self._evidence(explanation.cause.evidence)
        elif explanation.outcome.startswith(("error", "failed")):
            yield from ("", "Why is not in the trace.")
        if len(explanation.chain) > 1:
            yield from ("", "Its way to the user:")
            yield from _limited([[f"- {link.text}{_positions(link.evidence)}"] for link in explanation.chain])
        # A host on which all went well is named in the sentence on the end.
        shown = not explanation.explained or any(attempt.failed for attempt in explanation.hosts)
        hosts = explanation.hosts if shown else ()
        yield from self._list("Hosts:", ((_host(attempt), attempt.evidence) for attempt in hosts))
        others = [wait for wait in explanation.waits if capital(f"{wait.text}.") != self._cause()]
        yield from self._list("Calls without an answer:", ((wait.text, wait.evidence) for wait in others))
        services = [line for line in explanation.services if capital(f"{line.text}.") != self._cause()]
        yield from self._list("Services report:", ((line.text, line.evidence) for line in services))
        yield from _phases(explanation.phases)
        yield from _next(explanation)

    def _cause(self) -> str:
        cause = self._explanation.cause
        return cause.text if cause is not None else ""

    def _list(self, title: str, items: Iterable[tuple[str, tuple[Evidence, ...]]]) -> Iterator[str]:
        blocks = [[f"- {text}", *self._evidence(evidence)] for text, evidence in items]
        if blocks:
            yield from ("", title)
            yield from _limited(blocks)

    def _evidence(self, evidence: Iterable[Evidence]) -> Iterator[str]:
        for item in evidence:
            key = item.address or f"{item.source} {item.text}"
            if key in self._quoted:
                yield f"{_INDENT}{item.address or item.source}  (above)"
                continue
            self._quoted.add(key)
            source = f" ({item.source})" if item.source else ""
            yield f"{_INDENT}{item.address}  {item.text}{source}" if item.address else f"{_INDENT}{item.text}{source}"


def _host(attempt: HostTry) -> str:
    return f"{attempt.host}: {attempt.text}" if attempt.host else attempt.text


def _limited(blocks: list[list[str]]) -> Iterator[str]:
    for block in blocks[:_SHOWN]:
        yield from block
    if len(blocks) > _SHOWN:
        yield f"- and {len(blocks) - _SHOWN} more (see --json)"


def _positions(evidence: tuple[Evidence, ...]) -> str:
    return "".join(f"  [{item.address}{' ' + item.source if item.source else ''}]" for item in evidence)


def _phases(phases: tuple[Phase, ...]) -> Iterator[str]:
    if not phases:
        return
    total = sum(phase.duration for phase in phases) or 1
    yield from ("", f"Where its time went ({span(total)}):")
    width = max(len(span(phase.duration)) for phase in phases)
    for phase in phases:
        most = f"; most in {phase.most}" if phase.most else ""
        address = phase.evidence[0].address if phase.evidence else ""
        yield f"  {span(phase.duration):>{width}} {phase.duration * 100 // total:>3} %  {phase.name}{most}  [{address}]"


def _next(explanation: Explanation) -> Iterator[str]:
    if explanation.next:
        yield from ("", "To know more:")
        for item in explanation.next:
            yield f"- {item.text}"
            if item.command:
                yield f"{_INDENT}{item.command}"
