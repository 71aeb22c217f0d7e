"""Boots that passed through a service that was not recorded, on hosts that somebody chose."""

from __future__ import annotations

import diagrams
from tests.support.events import Cloud
from tracer.correlation import pipeline
from tracer.findings.collect import findings
from tracer.model import Trace
from tracer.notices import Code, code_of


def boot(*, chosen: bool, received: bool = False) -> Trace:
    """Return the trace of an API that casts to a compute, which may have received it."""
    cloud = Cloud()
    api, compute = cloud.process("nova-api"), cloud.process("nova-compute", host="cmp2")
    with api.asks(None, "POST", "/servers", "req-1"):
        message = api.cast("build_and_run_instance", "req-1", unique_id="u-1", topic="compute", server="cmp2")
    if received:
        with compute.receives(message):
            compute.sql("SELECT 1")
    events = cloud.collect()
    events.is_of_hosts = chosen
    return pipeline.correlate(events)


def test_a_message_to_a_service_that_was_not_recorded_is_noted_and_named() -> None:
    trace = boot(chosen=True)
    (warning,) = [warning for warning in trace.warnings if code_of(warning) is Code.UNRECORDED]
    assert warning.startswith("compute on cmp2 was not recorded: nothing shows what it did for build_and_run_instance")
    (request,) = [*trace.boots, *trace.others]
    assert "- compute on cmp2 was not recorded" in diagrams.render(request, "txt")
    assert [finding.class_ for finding in findings(trace) if finding.text == warning] == ["unrecorded"]


def test_a_message_that_was_received_or_may_be_on_another_machine_is_none() -> None:
    for trace in (boot(chosen=True, received=True), boot(chosen=False)):
        assert not any(code_of(warning) is Code.UNRECORDED for warning in trace.warnings)
        requests = [*trace.boots, *trace.others]
        assert not any(step.text("unrecorded") for request in requests for step in request.walk())
