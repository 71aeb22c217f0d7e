"""The mapping of steps to spans: names, kinds and attributes by the conventions, ids, links, errors, clean values."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.builders import boot, call, cast, http, log, rpc, served, small_boot, sql, state, step
from tracer.export import otlp_json
from tracer.export.mapping import span_tree
from tracer.export.spans import Kind, Span, SpanTree
from tracer.export.values import text
from tracer.model import Request, Step


def tree(*chapters: Step, **fields: Any) -> SpanTree:
    return span_tree(boot(*chapters, **fields))


def only(*chapters: Step) -> Span:
    """Return the span of the first step."""
    return tree(*chapters).spans[0]


def test_a_call_is_internal_and_names_its_code() -> None:
    span = only(call("API", "nova.compute.api:API.create", file="/x/nova/compute/api.py", line=12))
    assert (span.name, span.kind, span.resource.name) == ("API.create", Kind.INTERNAL, "nova-api")
    wanted = {
        "code.function.name": "nova.compute.api.API.create", "code.file.path": "/x/nova/compute/api.py",
        "code.line.number": 12, "bootseq.address": "1", "bootseq.kind": "call",
    }  # fmt: skip
    assert wanted.items() <= dict(span.attributes).items()


def test_a_request_has_a_client_and_a_server_whose_names_hold_no_id() -> None:
    path = "/allocations/7b5e1c52-0b3f-4c53-9a53-0c3c0d5f7a11"
    request = http("compute", "placement", "GET", path, query="a=b", status=404)
    request.attributes["host"] = "10.0.0.1:8778"
    request.children[0].attributes |= {"peer_address": "[::1]:4001", "query": "a=b", "status": 404}
    client, server = tree(request).spans
    assert client.name == server.name == "GET /allocations/{id}"
    assert (client.kind, server.kind) == (Kind.CLIENT, Kind.SERVER)
    assert {
        "http.request.method": "GET", "http.response.status_code": 404, "url.full": f"http://10.0.0.1:8778{path}?a=b",
        "url.template": "/allocations/{id}", "server.address": "10.0.0.1", "server.port": 8778,
        "service.peer.name": "placement", "error.type": "404",
    }.items() <= dict(client.attributes).items()  # fmt: skip
    assert {
        "url.path": path, "url.query": "a=b", "url.scheme": "http", "client.address": "::1", "client.port": 4001,
    }.items() <= dict(server.attributes).items()  # fmt: skip
    # A client fails from 400 on, a server from 500 on.
    assert (client.failure, server.failure) == ("", None)


def test_an_unknown_method_is_other_and_keeps_its_name() -> None:
    span = only(step("http", "API", side="server", method="BREW", path="/pot"))
    assert span.name == "HTTP /pot"
    assert span.attributes["http.request.method"] == "_OTHER"
    assert span.attributes["http.request.method_original"] == "BREW"


def test_a_call_is_awaited_and_a_cast_is_produced_and_consumed() -> None:
    sender = cast("API", "conductor", "build", 2, topic="conductor", unique_id="u1")
    spans = tree(
        call("API", "nova.compute.api:API.create", rpc("API", "conductor", "Instance.save", msg_id="m1"), sender),
        served("conductor", "build", unique_id="u1"),
    ).spans
    kinds = [(span.name, span.kind) for span in spans[1:]]
    assert kinds == [
        ("Instance.save", Kind.CLIENT), ("Instance.save", Kind.SERVER), ("build", Kind.PRODUCER),
        ("build", Kind.CONSUMER),
    ]  # fmt: skip
    assert spans[1].attributes["rpc.system.name"] == "oslo.messaging"
    assert spans[1].attributes["messaging.message.conversation_id"] == "m1"
    produced, consumed = spans[3:]
    assert {
        "messaging.system": "rabbitmq", "messaging.operation.type": "send", "messaging.operation.name": "cast",
        "messaging.destination.name": "conductor", "messaging.message.id": "u1",
    }.items() <= dict(produced.attributes).items()  # fmt: skip
    assert consumed.attributes["messaging.operation.type"] == "process"
    assert (consumed.opener, consumed.cause, consumed.parent) == (produced, produced, None)


def test_sql_names_its_tables_and_its_parameters_are_texts() -> None:
    many = sql("API", "SELECT", *(f"table_{number}" for number in range(99)), statement="SELECT 1")
    assert len(str(only(many).attributes["db.query.summary"])) <= 255
    parameters = [1, "***", None]
    single = sql("API", "SELECT", "instances", statement="SELECT a", database="nova", parameters=parameters, rows=2)
    span = only(single)
    assert (span.name, span.kind) == ("SELECT instances", Kind.CLIENT)
    assert {
        "db.system.name": "other_sql", "db.namespace": "nova", "db.operation.name": "SELECT",
        "db.collection.name": "instances", "db.query.text": "SELECT a", "db.query.parameter.0": "1",
        "db.query.parameter.1": "***", "db.query.parameter.2": "null", "db.response.returned_rows": 2,
    }.items() <= dict(span.attributes).items()  # fmt: skip


def test_libvirt_and_commands_are_clients() -> None:
    guest = only(step("libvirt", "compute", class_="virDomain", function="createWithFlags"))
    assert (guest.kind, guest.attributes["rpc.method"]) == (Kind.CLIENT, "virDomain/createWithFlags")
    program = only(step("command", "compute", name="qemu-img", arguments=["/usr/bin/qemu-img", "info"], exit_code=1))
    assert {
        "process.executable.name": "qemu-img", "process.command_args": ["/usr/bin/qemu-img", "info"],
        "process.exit.code": 1,
    }.items() <= dict(program.attributes).items()  # fmt: skip


def test_notes_are_events_of_their_span() -> None:
    inside = [
        log("API", "Attempting claim", "ERROR"),
        log("API", "x", kind="ask"),
        state("API", vm_state=(None, "building")),
    ]
    span = only(call("API", "m:f", *inside))
    assert [note.name for note in span.notes] == ["log", "bootseq.ask", "bootseq.state"]
    assert span.notes[0].attributes["log.level"] == "ERROR"
    assert span.notes[2].attributes["bootseq.state.vm_state"] == "None → building"


def test_failed_unfinished_and_repeated_steps_are_told_apart() -> None:
    spans = tree(
        call(
            "API", "m:f", call("API", "m:g", error="NotFound: no such image"), call("API", "m:g"),
            call("API", "m:g", unfinished=True),
        )
    ).spans  # fmt: skip
    failed, repeated, unfinished = spans[1:]
    assert (failed.failure, failed.attributes["error.type"]) == ("NotFound: no such image", "NotFound")
    assert repeated.failure is None
    assert "bootseq.unfinished" not in repeated.attributes
    assert (unfinished.failure, unfinished.attributes["bootseq.unfinished"]) == (None, True)
    assert unfinished.end > unfinished.start
    assert len({span.id for span in spans}) == 4


def test_ids_depend_on_the_request_and_the_address_alone() -> None:
    first, again = (span_tree(small_boot()) for _ in range(2))
    assert [span.id for span in first.spans] == [span.id for span in again.spans]
    other = small_boot()
    other.uuid = "9b5e1c52-0b3f-4c53-9a53-0c3c0d5f7a11"
    assert first.trace_id == again.trace_id != span_tree(other).trace_id
    assert (len(first.trace_id), len(first.spans[0].id)) == (16, 8)


def test_a_parent_of_another_process_is_remote() -> None:
    client, server = tree(http("compute", "placement", "GET", "/traits")).spans
    assert (otlp_json.flags(client), otlp_json.flags(server)) == (0x101, 0x301)


def test_a_chapter_whose_sender_is_unknown_is_a_root() -> None:
    roots = tree(call("API", "m:f"), served("conductor", "build"), call("compute", "m:g", opened_by="9-9")).roots
    assert [span.cause for span in roots] == [None, None, None]


@pytest.mark.parametrize("value", [1 << 70, -(1 << 64), [1, {"a": None}], {"b": [1.5]}, None])
def test_values_that_no_attribute_holds_are_json(value: Any) -> None:
    assert only(call("API", "m:f", odd=value)).attributes["bootseq.json.odd"] == json.dumps(
        value, separators=(",", ":")
    )


def test_half_a_surrogate_pair_and_times_out_of_range_are_exported() -> None:
    assert text("a\ud800b") == "a?b"
    head = call("API", "m:f", odd="\udfff", error="E: \ud800")
    request = Request(1, "boot", [head], server="vm\ud800", uuid="\ud800")
    head.address, head.start, head.end = "1", -5, 1 << 64
    (span,) = span_tree(request).spans
    assert 0 <= span.start < span.end < 1 << 63
    assert json.loads(otlp_json.traces_message([span]))
