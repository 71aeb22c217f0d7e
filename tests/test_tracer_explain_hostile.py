"""Explanations of hostile traces: no value stops them, and no text controls the terminal or adds lines."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.builders import EPOCH, boot, call, cast, http, rpc, served, small_boot, step
from tracer.explain import text
from tracer.explain.explain import explain
from tracer.explain.select import matching, preferred
from tracer.model import LogLine, Request, Trace, Value

_KEYS = (
    "message", "exception", "level", "logger", "status", "path", "method", "peer", "topic", "server", "reply", "body",
    "changes", "class", "function", "arguments", "side", "mode", "table", "msg_id", "log_file", "log_line",
)  # fmt: skip
_FRAME = 'Traceback (most recent call last):\n  File "/x/scheduler/rpcapi.py", line 1, in f\n'
_WORDS = (
    "ERROR", "nova.scheduler.manager", "Filter \x1b[31m returned 0 hosts", "Filter A returned 0 hosts",
    "HTTP exception thrown: x", f"{_FRAME}NoValidHost: No valid host was found", "Got no allocation candidates",
    "Error from last host: a (node b): [u'Traceback', u'X: y\\n']", "Filter results: ['A: (start: 1, end: 0)']",
    "allocation_candidates?resources=VCPU%3A1%2CMEMORY_MB:2", "build_and_run_instance", "/servers/x/action",
    "Timed out waiting for a reply to message ID x", "First cause: forged\nFirst cause: forged", "\u202e", "\x00",
)  # fmt: skip

texts = st.one_of(st.sampled_from(_WORDS), st.text(max_size=12))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 700), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=5,
)


def failed_boot() -> Request:
    """Return a boot with each kind of step that explanations look at."""
    chooses = rpc("conductor", "scheduler", "select_destinations", step("log", "scheduler"), error="NoValidHost: x")
    state = step("state", "compute", changes={"vm_state": ["building", "error"]})
    compute = served("compute", "build_and_run_instance", call("compute", "nova.a:B.c", state, step("log", "compute")))
    api = http("client", "API", "POST", "/v2.1/servers", cast("API", "conductor", "build_instances", 2))
    conductor = served(
        "conductor", "build_instances", chooses, cast("conductor", "compute", "build", 3), opened_by="1-1-1"
    )
    compute.opened_by = "2-2"
    return boot(api, conductor, compute)


def output(request: Request, lines: list[LogLine] | None = None) -> str:
    return text.render(explain(request, Trace([request], lines=lines or [])))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.sampled_from(_KEYS), values), max_size=25), texts, st.booleans())
def test_any_attribute_of_any_step_gives_a_text(
    changes: list[tuple[int, str, Value]], error: str, unfinished: bool
) -> None:
    request = failed_boot()
    steps = list(request.walk())
    for index, key, value in changes:
        chosen = steps[index % len(steps)]
        chosen.attributes[key] = value
        chosen.error = error if index % 3 else None
        chosen.end = None if unfinished and index % 2 else chosen.end
    request.outcome = f"error: {error}"
    result = output(request)
    assert all(character.isprintable() or character == "\n" for character in result)
    assert sum(line.startswith("First cause:") for line in result.splitlines()) <= 1
    assert max(map(len, result.splitlines())) < 900


@settings(deadline=None)
@given(texts)
@example("\x1b]0;title\x07\n" * 200)
def test_any_name_of_anything(name: str) -> None:
    request = small_boot()
    for chosen in request.walk():
        chosen.name, chosen.service, chosen.host, chosen.error = name, name, name, name
    request.server = request.uuid = request.request_id = request.host = request.outcome = request.operation = name
    line = LogLine(EPOCH, name, name, 1, "ERROR", name, name, name, name, 3)
    result = output(request, [line])
    assert all(character.isprintable() or character == "\n" for character in result)


@given(texts)
def test_any_word_may_be_asked_for(word: str) -> None:
    trace = Trace([small_boot()])
    assert len(preferred(matching(trace, word))) <= 1


def test_a_deep_chain_of_failures_takes_linear_time() -> None:
    inner = call("compute", "nova.a:B.c", error="ValueError: x")
    for number in range(900):
        inner = call("compute", f"nova.a:B.c{number}", inner, error=f"ValueError: {number} x")
    result = explain(boot(inner), Trace([]))
    assert result.cause is None or result.cause.error.startswith("ValueError")
