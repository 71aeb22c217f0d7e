"""Answers as text for people."""

from __future__ import annotations

from collections.abc import Iterator

from tracer.explain.words import span
from tracer.live.answer import Answer, lines
from tracer.live.links import Chain


def render(answer: Answer, every_frame: bool = False) -> str:
    """Return the text of an answer, which ends with a line feed."""
    return "".join(f"{line}\n" for line in _lines(answer, every_frame))


def _lines(answer: Answer, every_frame: bool) -> Iterator[str]:
    subject = answer.subject
    about = " ".join(text for text in (subject.uuid, *subject.requests[:2]) if text and text != subject.text)
    yield f"{subject.text}{f' ({about})' if about else ''}: {answer.state}"
    for chain in answer.chains:
        yield from _of_chain(chain, every_frame)
    for line in answer.log[:2]:
        yield f"  last line, {span(int(line.quiet_s * 1e9))} ago, {line.service}: {line.text}"
    yield answer.sentence
    if answer.next:
        yield f"Next: {answer.next}"


def _of_chain(chain: Chain, every_frame: bool) -> Iterator[str]:
    for depth, link in enumerate(chain.links):
        indent = "  " * (depth + 1)
        process = link.holder.process
        yield f"{indent}{process.name} on {process.host}: {link.function}"
        if every_frame:
            yield from (f"{indent}    {line}" for line in lines(link, every_frame=True))
        else:
            yield from (f"{indent}  in {line}" for line in lines(link, every_frame=False)[-4:-1])
        details = f" ({_details(link.details)})" if _details(link.details) else ""
        yield f"{indent}  waits for {link.waits_for}{details}"
    yield f"  owes the next step: {chain.owner.text}, which {chain.owner.why}"


def _details(details: dict[str, str]) -> str:
    """Return the details that the words do not have yet."""
    known = {"message": "message", "taken": "taken by its receiver", "pid": "pid", "state": "state"}
    return ", ".join(f"{words}: {details[key]}" for key, words in known.items() if details.get(key))
