"""A volume that was not created: what Cinder itself reports of it."""

from __future__ import annotations

import re

from tracer.explain import failures
from tracer.explain.cause import Failure
from tracer.explain.explanation import Debt, Next
from tracer.explain.failures import error_of
from tracer.explain.words import error_type, shorten, where
from tracer.model import Request, Step
from tracer.model.patterns import UUID

_NOT_CREATED = re.compile(
    rf"Volume (?:id: )?(?P<volume>{UUID}) (?:did not finish being created|finished being created but)"
    r"(?:.*?status is (?P<status>[\w-]+))?",
    re.DOTALL,
)
#: QEMU's words for a network disk that it cannot open: the options of the disk come first.
_NOT_OPENED = re.compile(rf"-blockdev .*\"image\":\"volume-(?P<volume>{UUID})\".*\}}: (?P<why>[^{{}}\n]+)", re.DOTALL)
_CINDER = ("cinder", "os_brick")


def find(failure: Failure, request: Request) -> Debt | None:
    """Return that Cinder owes a volume, and why; None where the request did not fail for one."""
    texts = [*(error_of(step) or "" for step in failure.path), request.outcome]
    steps = list(request.walk())
    texts += [
        step.text("message") for step in steps if step.kind == "log" and step.text("level") in ("ERROR", "WARNING")
    ]
    named = next((match for text in texts if (match := _NOT_CREATED.search(text))), None)
    if named is None:
        return _unopened(failure)
    volume, status = named["volume"], named["status"] or "error"
    show = Next("What Cinder says of the volume:", f"openstack volume show {volume}")
    reporter = _reporter(steps, volume)
    if reporter is None:
        logs = Next("Why is in Cinder's logs of the same time.", "bootseq ingest -o FILE … /var/log/cinder")
        text = f"Cinder owes volume {volume}, whose status is {status}; why is not in the trace."
        return Debt(text, "volume", "", [*_reads(steps, volume)[-1:], failure.first], checks=(show, logs))
    error = (error_of(reporter) or "").rstrip(".")
    who = where(f"Cinder ({reporter.service})", reporter.host)
    text = f"{who} owes volume {volume}, whose status is {status}: {error}."
    return Debt(text, reporter.service, reporter.host, [reporter, failure.first], checks=(show,), error=error)


def _unopened(failure: Failure) -> Debt | None:
    """Return that a volume was there, and QEMU could not open it; None where it failed for something else."""
    for step in failure.path:
        match = _NOT_OPENED.search(f"{step.error or ''}\n{step.text('message')}")
        if match is not None:
            volume, why = match["volume"], shorten(match["why"], 120).rstrip(".")
            text = f"QEMU of {where('compute', step.host)} could not open volume {volume}: {why}. Its storage owes it, "
            text += "or libvirt the credentials for it; which is not in the trace."
            show = Next("What libvirt may use to open it:", "virsh secret-list")
            return Debt(text, "compute", step.host, [step], checks=(show,))
    return None


def _reporter(steps: list[Step], volume: str) -> Step | None:
    """Return the step or line with which Cinder's own failure began, None where the trace has none."""
    lines = [step for step, _ in failures.reports(steps) if step.text("logger").startswith(_CINDER)]
    calls = [step for step in steps if _is_cinder(step) and step.numbered and step.kind != "http" and error_of(step)]
    own = sorted([*lines, *calls], key=failures.end_of)
    own = [step for step in own if not failures.is_lookup(error_of(step) or "")] or own
    named = [step for step in own if error_type(error_of(step) or "")]
    about = [step for step in own if volume in step.text("message")]
    return next(iter(named or about or own), None)


def _is_cinder(step: Step) -> bool:
    return step.service.partition("-")[0] == "volume"


def _reads(steps: list[Step], volume: str) -> list[Step]:
    """Return compute's requests for the volume's status."""
    return [step for step in steps if step.kind == "http" and step.is_client and step.text("path").endswith(volume)]
