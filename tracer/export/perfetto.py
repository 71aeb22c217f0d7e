"""Perfetto's trace file, encoded by the package ``perfetto``: the extra ``bootseq[perfetto]``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace, TrackEvent

from tracer.export.spans import Attributes, Kind, Note, Span, SpanTree
from tracer.export.tracks import Track, tracks
from tracer.export.values import as_json

OMITS = "links, kinds of spans"
#: Clocks by Perfetto's numbers: wall-clock time, and that of traces.
_REALTIME, _BOOTTIME = 1, 6
_SEQUENCE = 1
#: Packets that are encoded together.
_CHUNK = 2_000
_MAX_NAME = 200
_END, _BEGIN, _INSTANT = 0, 1, 2


def traces(trees: Sequence[SpanTree]) -> Iterator[bytes]:
    """Yield the parts of a trace: messages one behind the other are one message with the packets of all."""
    trace = Trace()
    _add_clocks(_packet(trace), min((tree.start for tree in trees), default=0))
    for packets in _packets(trees):
        if len(trace.packet) > _CHUNK:
            yield bytes(trace.SerializeToString())
            trace = Trace()
        packets.add(trace)
    yield bytes(trace.SerializeToString())


def _packets(trees: Sequence[SpanTree]) -> Iterator[_Descriptor | _Event]:
    """Yield descriptions of processes and tracks, then the events of all tracks in order of time."""
    spans = [span for tree in trees for span in tree.spans]
    flows = _flows(spans)
    processes: dict[str, int] = {}
    events: list[_Event] = []
    for track, group in tracks(spans).items():
        process = track.process_name
        if process not in processes:
            processes[process] = _number("process", process)
            yield _Descriptor(processes[process], process)
        uuid = _number("track", process, track.name)
        yield _Descriptor(uuid, track.name, processes[process])
        events += _track_events(track, uuid, group, flows)
    yield from sorted(events, key=lambda event: (event.time, event.order))


def _track_events(track: Track, uuid: int, spans: list[Span], flows: dict[Span, list[int]]) -> Iterator[_Event]:
    for depth, span in enumerate(spans):
        # What ends comes before what begins at the same time; of two that end, the one that began last.
        yield _Event(uuid, span.start, (_BEGIN, depth), _BEGIN, span=span, flows=flows.get(span, []))
        yield _Event(uuid, span.end, (_END, -depth), _END)
        for note in span.notes:
            yield _Event(uuid, note.time, (_INSTANT, depth), _INSTANT, note=note)


def _flows(spans: list[Span]) -> dict[Span, list[int]]:
    """Return the arrows that leave or reach each span: from a request, call or cast to what received it."""
    flows: dict[Span, list[int]] = {}
    for span in spans:
        cause = span.cause
        if cause is not None and (span.opener or (span.kind == Kind.SERVER and cause.kind == Kind.CLIENT)):
            number = int.from_bytes(span.id, "big")
            flows.setdefault(cause, []).append(number)
            flows.setdefault(span, []).append(number)
    return flows


class _Descriptor:
    def __init__(self, uuid: int, name: str, parent: int = 0) -> None:
        self.uuid, self.name, self.parent = uuid, name, parent

    def add(self, trace: Any) -> None:
        """Add the packet to a trace."""
        descriptor = _packet(trace).track_descriptor
        descriptor.uuid, descriptor.name = self.uuid, self.name
        if self.parent:
            descriptor.parent_uuid = self.parent


class _Event:
    __slots__ = ("flows", "note", "order", "span", "time", "type", "uuid")

    def __init__(
        self, uuid: int, time: int, order: tuple[int, int], type_: int, *, span: Span | None = None,
        note: Note | None = None, flows: Sequence[int] = (),
    ) -> None:  # fmt: skip
        self.uuid, self.time, self.order, self.type = uuid, time, order, type_
        self.span, self.note, self.flows = span, note, flows

    def add(self, trace: Any) -> None:
        """Add the packet to a trace."""
        packet = _packet(trace)
        packet.timestamp, packet.timestamp_clock_id = self.time, _REALTIME
        event = packet.track_event
        event.track_uuid = self.uuid
        if self.span is not None:
            event.type, event.name = TrackEvent.TYPE_SLICE_BEGIN, self.span.name
            event.categories.append(self.span.step.kind)
            _annotate(event, self.span.attributes)
            if self.span.failure is not None:
                _annotate(event, {"error": self.span.failure or "true"})
            event.flow_ids.extend(self.flows)
        elif self.note is not None:
            event.type = TrackEvent.TYPE_INSTANT
            event.name = str(self.note.attributes.get("log.message") or self.note.name)[:_MAX_NAME]
            event.categories.append(self.note.step.kind)
            _annotate(event, self.note.attributes)
        else:
            event.type = TrackEvent.TYPE_SLICE_END


def _annotate(event: Any, attributes: Attributes) -> None:
    for name, value in attributes.items():
        annotation = event.debug_annotations.add(name=name)
        if isinstance(value, bool):
            annotation.bool_value = value
        elif isinstance(value, int):
            annotation.int_value = value
        elif isinstance(value, float):
            annotation.double_value = value
        else:
            annotation.string_value = value if isinstance(value, str) else as_json(list(value))


def _packet(trace: Any) -> Any:
    return trace.packet.add(trusted_packet_sequence_id=_SEQUENCE)


def _add_clocks(packet: Any, start: int) -> None:
    for clock in (_REALTIME, _BOOTTIME):
        packet.clock_snapshot.clocks.add(clock_id=clock, timestamp=start)


def _number(*parts: str) -> int:
    """Return a track's number, the same in every export."""
    return int.from_bytes(hashlib.sha256("\0".join(parts).encode()).digest()[:8], "big") >> 1 or 1
