"""The accuracy check: a boot's tree compared with independent witnesses."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from examples.cloud import general_log
from examples.cloud.accuracy import librbd, readers
from examples.cloud.accuracy.match import Agreement, HookedEvent, Trees, agree, misplaced
from examples.cloud.accuracy.network import monitor_agreements, ports_of
from examples.cloud.accuracy.readers import SECOND, Entry
from examples.cloud.accuracy.switch import applications, witness_files
from examples.cloud.environments import environment
from examples.cloud.errors import CloudError
from examples.cloud.plan import Plan
from examples.cloud.rest import log_in
from tracer.correlation.pipeline import correlate
from tracer.events import Event
from tracer.model import Request, Trace, participants
from tracer.sources.hooks import segments

_SHOWN = 12


def capture_of(plan: Plan) -> Path:
    """Return the capture of a cloud that runs under `bootseq run -o CAPTURE --`."""
    words = shlex.split(plan.wrap)
    if "-o" not in words[:-1]:
        raise CloudError("this cloud does not record by itself: name the capture with --capture")
    return Path(words[words.index("-o") + 1])


def check(plan: Plan, capture: Path, name: str) -> tuple[Request, list[Agreement]]:
    """Return the boot named `name`, and each witness's agreement."""
    recording = segments.read(capture)
    # The events are complete already; correlation links them.
    trace = correlate(recording)
    boot = _boot(trace, name)
    own, others = ports_of(log_in(plan), boot.uuid)
    trees = Trees(trace, boot, recording.events, frozenset(name for port in own for name in (port.id, port.mac)))
    files = witness_files(plan)
    agreements = [
        _sql(files, recording.events, trees),
        _libvirt(plan, files["libvirtd"], recording.events, trees),
        *_messages(plan.log("firehose"), recording.events, trees),
        _access(applications(plan), files, recording.events, trees),
        *monitor_agreements(plan, trees, own, others),
    ]
    if plan.volumes == "ceph":
        agreements.append(librbd.compare(plan.state.glob("logs/librbd-*.log"), recording.events, trees))
    return boot, agreements


def _boot(trace: Trace, name: str) -> Request:
    matching = [boot for boot in trace.boots if name in (boot.server, boot.uuid, boot.request_id)]
    if len(matching) != 1:
        known = ", ".join(boot.server for boot in trace.boots)
        raise CloudError(f"the capture has {len(matching)} boots {name}; it has: {known or 'none'}")
    return matching[0]


def _service(event: Event) -> str:
    return participants.of_command(event.process.argv)


def _text(event: Event, name: str) -> str:
    value = event.attributes.get(name)
    return "" if value is None else str(value)


def _sql(files: dict[str, Path], events: Iterable[Event], trees: Trees) -> Agreement:
    names = readers.user_services()
    entries, below = [], Counter[str]()
    log = files["mariadb"].read_text(errors="replace")
    for entry in general_log.logged(log, files["mariadb-connections"].read_text()):
        when = readers.time_of(entry.time)
        if entry.below or entry.user not in names:
            if trees.inside(when):
                below[entry.below if entry.user in names else f"by {entry.user or 'a connection without a name'}"] += 1
            continue
        text, values = general_log.cut(entry.statement)
        title = f"{entry.user}: {text[:150]}"
        entries.append(Entry(when, (names[entry.user], text), title, values, frozenset(values), SECOND))
    hooked = []
    for event in events:
        if event.kind == "sql":
            statement = general_log.rendered(_text(event, "statement"), event.attributes.get("parameters"))
            text, values = general_log.cut(statement)
            key = (_service(event), text)
            hooked.append(HookedEvent(event, Entry(event.start, key, f"{key[0]}: {text[:150]}", values)))
    agreement = agree(
        "SQL: MariaDB's general log",
        entries,
        hooked,
        trees,
        lambda theirs, ours: general_log.same(theirs.values, ours.values),
    )
    agreement.apart.update({f"{name}, sent below the statements": count for name, count in below.items()})
    return agreement


def _libvirt(plan: Plan, log: Path, events: Iterable[Event], trees: Trees) -> Agreement:
    (source,) = (environment(f"nova-{plan.release}").parent / "lib").glob("python*/site-packages/libvirt.py")
    functions = readers.libvirt_functions(source.read_text())
    hooked = [
        HookedEvent(event, Entry(event.start, (function,), f"{event.name} ({function})"))
        for event in events
        if event.kind == "libvirt"
        for function in functions.get(event.name, (event.name,))
    ]
    agreement = agree(
        "libvirt: libvirtd's debug log", readers.libvirt_calls(log.read_text(errors="replace")), hooked, trees
    )
    for text in list(agreement.beyond):
        if any(f"({name})" in text for name in readers.LOCAL):
            agreement.explained[f"{text}: the library answers by itself"] += agreement.beyond.pop(text)
    return agreement


def _messages(log: Path, events: Iterable[Event], trees: Trees) -> Iterator[Agreement]:
    text = log.read_text()
    if readers.unread(text):
        raise CloudError(f"the firehose's reader could not read {readers.unread(text)} messages: {log}")
    for title, event_name, side in (
        ("RPC sent: RabbitMQ's firehose", "publish", "client"),
        ("RPC received: RabbitMQ's firehose", "deliver", "server"),
    ):
        hooked = [
            HookedEvent(event, Entry(event.start, (_text(event, "unique_id"),), f"{_service(event)}: {event.name}"))
            for event in events
            if event.kind == "rpc" and event.attributes.get("side") == side
        ]
        agreement = agree(title, readers.messages(text, event_name), hooked, trees)
        unsent = Counter(
            event.entry.text
            for event in hooked
            if event.event.attributes.get("mode") == "notify"
            and not event.entry.key[0]
            and trees.of(event) is trees.boot
        )
        agreement.beyond -= unsent
        agreement.explained.update(
            {f"{text}: no driver for notifications, none is sent": n for text, n in unsent.items()}
        )
        yield agreement


def _access(services: Iterable[str], files: dict[str, Path], events: Iterable[Event], trees: Trees) -> Agreement:
    names = readers.user_services()
    entries = [
        entry
        for name in services
        if files[name].exists()
        for entry in readers.access_lines(names[name], files[name].read_text(errors="replace"))
    ]
    hooked = []
    for event in events:
        if event.kind == "http" and event.attributes.get("side") == "server":
            key, status = (_service(event), _text(event, "method"), _text(event, "path")), _text(event, "status")
            hooked.append(HookedEvent(event, Entry(event.start, key, " ".join([*key, status]), (status,))))
    return agree("HTTP: uWSGI's access lines", entries, hooked, trees, _same_status)


def _same_status(theirs: Entry, ours: Entry) -> bool:
    """Return whether the statuses agree; ours is unknown if the hooks were removed before the answer."""
    return ours.values in (theirs.values, ("",))


def report(boot: Request, agreements: list[Agreement]) -> Iterator[str]:
    """Yield the table, and the details below it."""
    yield f"boot {boot.server}: {boot.outcome}, {boot.duration / SECOND:.1f} s, {boot.request_id}"
    yield f"{'witness':34} {'of the boot':>11} {'in its tree':>11} {'recall':>8} {'precision':>9} {'apart':>6}"
    for row in agreements:
        numbers = f"{row.witnessed:>11} {row.in_tree:>11} {row.recall:>8.2%} {row.precision:>9.2%}"
        yield f"{row.witness:34} {numbers} {row.apart.total():>6}"
    wrong = list(misplaced(boot))
    steps = sum(1 for _ in boot.walk())
    yield f"parents: {steps} steps, {len(wrong)} with a parent that contradicts ids or times"
    for row in agreements:
        yield from _listed(
            f"{row.witness}, missing", {f"{reason}: {text}": n for (reason, text), n in row.missed.items()}
        )
        yield from _listed(f"{row.witness}, in the tree alone", row.beyond)
        yield from _listed(f"{row.witness}, in the tree alone and rightly", row.explained)
        yield from _listed(f"{row.witness}, in the same time and not of the boot", row.apart)
    texts = Counter(f"{reason}: {step.service} {step.kind} {step.name} ({step.address})" for reason, step in wrong)
    yield from _listed("parents", texts)


def _listed(title: str, counts: dict[str, int] | Counter[str]) -> Iterator[str]:
    if counts:
        yield f"{title}:"
    by_count = sorted(counts.items(), key=lambda item: -item[1])
    for text, count in by_count[:_SHOWN]:
        yield f"  {count:>4} × {text}"
    if len(by_count) > _SHOWN:
        yield f"  … and {len(by_count) - _SHOWN} more"
