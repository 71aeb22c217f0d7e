"""Keys of steps: dotted names by which a spec counts them, the same in every boot of a release.

- call       ``call.compute.api.API.create``
- http       ``http.get./v2/images/{id}``, and on the server's side ``http.serve.get./v2/images/{id}``
- rpc        ``rpc.call.Instance.save``, ``rpc.cast.build_and_run_instance``; received: ``rpc.serve.Instance.save``
- handoff    ``handoff.scatter_gather_cells.gather_result``
- libvirt    ``libvirt.virConnect.defineXML``
- command    ``command.qemu-img``
- sql        ``sql.select.instances``, by the first table
- state      ``state.instances.vm_state.active``, a key for each state that is set
- log        ``log.warning.nova.compute.manager``, warnings and errors only
"""

from __future__ import annotations

from functools import lru_cache

from tracer.model import Step
from tracer.model.patterns import LOG_FILE_WARNING_LEVELS
from tracer.notation import normal_text
from tracer.notation.parse import ParsedStep, is_library, parse, split_error

#: Kinds of steps that have keys, as the first word of a key.
KINDS = ("call", "command", "handoff", "http", "libvirt", "log", "rpc", "sql", "state")


def of(step: Step) -> tuple[str, ...]:
    """Return the keys of a step; () for one that no spec counts: other log lines, transactions of the database."""
    if step.kind not in KINDS or (step.kind == "log" and step.text("level") not in LOG_FILE_WARNING_LEVELS):
        return ()
    return of_text(step.kind, normal_text.text(step))


@lru_cache(maxsize=65536)
def of_text(kind: str, text: str) -> tuple[str, ...]:
    """Return the keys of a step of this kind by its normal text."""
    body, _ = split_error(text)
    if kind == "sql" and is_library(body):
        return ()
    return tuple(f"{kind}.{name}" for name in _NAMES[kind](parse(body)))


def _sql(step: ParsedStep) -> list[str]:
    verb, _, table = step.name.partition(" ")
    return [f"{verb.lower()}.{table}" if table else verb.lower()]


def _http(step: ParsedStep) -> list[str]:
    method, _, rest = step.name.partition(" ")
    path = rest.removesuffix(" →")
    return [f"{method.lower()}.{path}" if path != rest else f"serve.{method.lower()}.{path}"]


def _rpc(step: ParsedStep) -> list[str]:
    if step.name.endswith(" by"):
        return [f"serve.{step.name.removesuffix(' by')}"]
    return [f"{step.traits.get('mode', 'call')}.{step.name.removeprefix('rpc: ')}"]


def _state(step: ParsedStep) -> list[str]:
    states = step.traits.get("state", "").split(", ")
    return [
        f"{step.name}.{name}.{value.replace(' ', '_')}" for name, _, value in (text.partition(" ") for text in states)
    ]


def _log(step: ParsedStep) -> list[str]:
    _, level, logger, *_ = [*step.name.split(" "), "", ""]
    return [f"{level.lower()}.{logger}"]


def _call(step: ParsedStep) -> list[str]:
    owner, _, function = step.name.removesuffix("()").rpartition(" -> ")
    return [f"{owner.replace('.py', '').replace('/', '.')}.{function}" if owner else function.replace(" ", "_")]


def _plain(step: ParsedStep) -> list[str]:
    return [step.name.removeprefix("hand-off to ").removesuffix("()").replace(" ", "_")]


_NAMES = {
    "sql": _sql, "http": _http, "rpc": _rpc, "state": _state, "log": _log, "call": _call, "command": _plain,
    "handoff": _plain, "libvirt": _plain,
}  # fmt: skip
