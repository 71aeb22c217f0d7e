"""A port that never came up: who of Neutron and Nova owes the event that compute waited for in vain."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tracer.explain import services
from tracer.explain.cause import Failure
from tracer.explain.explanation import Debt, Evidence, Next
from tracer.explain.failures import error_of
from tracer.explain.quotations import quotation, source
from tracer.explain.words import clock, error_type, shorten, without_instance
from tracer.messages import Report, catalogue, report_of
from tracer.model import LogLine, Request, Step, Trace
from tracer.model.patterns import UUID

_TIMEOUTS = frozenset({"InstanceEventTimeout", "VirtualInterfaceCreateException"})
_TIMEOUT = re.compile(r"Timeout waiting for .*network-vif-plugged", re.DOTALL)
_EVENT = re.compile(rf"network-vif-plugged[-:](?P<port>{UUID})(?P<state>: (?:timed out|expected))?")
_WAITED = re.compile(r"timed out after ([\d.]+) seconds")
#: What the server logs while a port waits for its agent, and of the host and the driver that it bound it to.
_BLOCKED = "will not be triggered until provisioned by entity"
_HOST = re.compile(r"Creating event network-\S+ for instance \S+ on (?P<host>\S+)")
_BOUND = re.compile(r"Bound port: \S+, host: (?P<host>[^\s,]+)")
_DRIVER = re.compile(r"(?:bound_drivers\W+\w+\W+|PortBindingLevel\(driver='|by drivers )(?P<driver>\w+)")
#: Loggers of the agent.
_AGENT = "neutron.plugins.ml2.drivers.openvswitch.agent"


def find(failure: Failure, request: Request, trace: Trace) -> Debt | None:
    """Return who owes the event that the port is plugged; None where compute did not wait for one in vain."""
    failed = {error_type(error_of(step) or ""): step for step in failure.path}
    steps = list(request.walk()) if failed.keys() & _TIMEOUTS else []
    timeout = next((step for step in steps if _TIMEOUT.match(without_instance(step.text("message")))), None)
    # The other exception is raised, too, if Neutron reports that it failed.
    waited = timeout or failed.get("InstanceEventTimeout")
    port = _port(timeout.text("message") if timeout is not None else "")
    if waited is None:
        return None
    if not port:
        text = "Neutron owes the event network-vif-plugged; which port it is about is not in the trace."
        return Debt(text, "network", request.host, [waited])
    about = [step for step in steps if step.kind == "log" and port in step.text("message")]
    return _Port(port, about, waited, request, trace).debt()


def _port(message: str) -> str:
    """Return the port whose event did not come, "" where none is named."""
    events = list(_EVENT.finditer(message))
    late = [event["port"] for event in events if event["state"]]
    return next(iter(late or [event["port"] for event in events]), "")


class _Port:
    """A port, what log lines say about it, and the step that reports the wait."""

    def __init__(self, port: str, about: list[Step], waited: Step, request: Request, trace: Trace) -> None:
        self._port, self._waited, self._trace = port, waited, trace
        self._about = [step for step in about if step.start <= waited.start]
        self._bound = next((step for step in reversed(self._about) if _BOUND.match(step.text("message"))), None)
        hosts = [
            match["host"]
            for step in self._about
            for form in (_HOST, _BOUND)
            if (match := form.match(step.text("message")))
        ]
        self._host = hosts[-1] if hosts else request.host or waited.host
        drivers = [match["driver"] for step in self._about if (match := _DRIVER.search(step.text("message")))]
        self._driver = drivers[-1] if drivers else ""

    def debt(self) -> Debt:
        """Return who owes the event: the next on its way to compute after the last whose line is there."""
        for step, text, service in (
            (self._line("Received event"), "Compute received {event}, and did not end its wait", "compute"),
            (self._line("Creating event"), "Nova's API owes compute {event}: it did not pass it on", "API"),
            (self._line("Sending events"), "Nova's API owes compute {event}, which Neutron sent to it", "API"),
            (self._up(), "Neutron's server owes Nova {event}: the port was reported up", "network"),
        ):  # fmt: skip
            if step is not None:
                return self._debt(text, service, [step])
        return self._never_up()

    def _never_up(self) -> Debt:
        blocked = next((step for step in self._about if _BLOCKED in step.text("message")), None)
        died, last = self._agent_s_end(), self._agent_s_last()
        where = f"{self._reporter()} on {self._host}" if self._host else self._reporter()
        if blocked is None and died is None and last is None:
            text = f"Neutron owes Nova {{event}}; whether {where} reported the port up is not in the trace"
        else:
            text = f"{where} owes {{event}}: it did not report the port up"
        if died is not None:
            text += f"; it logged at {clock(died[0])}: {shorten(died[1].partition(chr(10))[0], 120).rstrip('.:')}"
        elif last is not None and last < self._waited.start:
            text += f"; its log in the trace ends at {clock(last)}"
        shown = [step for step in (self._bound, blocked) if step is not None]
        return self._debt(text, "network", shown, (died[2],) if died is not None else ())

    def _debt(self, text: str, service: str, steps: list[Step], lines: tuple[Evidence, ...] = ()) -> Debt:
        waited = _WAITED.search(self._waited.text("message"))
        wait = f"compute waited {float(waited[1]):.0f} s for it" if waited else "compute waited for it in vain"
        sentence = f"{text.format(event=f'network-vif-plugged for port {self._port}')}; {wait}."
        host = self._host if service == "network" else self._waited.host
        return Debt(sentence, service, host, [self._waited, *steps], lines, tuple(self._checks()))

    def _reporter(self) -> str:
        known = {"ovn": "OVN's controller", "openvswitch": "Neutron's Open vSwitch agent"}
        return known.get(self._driver, "Neutron's agent")

    def _line(self, words: str) -> Step | None:
        lines = (step for step in self._about if words in step.text("message"))
        return next((step for step in lines if "network-vif-plugged" in step.text("message")), None)

    def _up(self) -> Step | None:
        """Return the line that reports the port up: of the agent, of OVN, or of the server that waited for either."""
        reports = ((step, report) for step in self._about if (report := report_of(step)) is not None)
        return next((step for step, report in reports if (report.says, report.phase) == ("ends", "port")), None)

    def _agent_s_end(self) -> tuple[int, str, Evidence] | None:
        """Return when an agent reported last that it ends, and what; None where none did. It is of no boot."""
        lines = [(line.time, line.message, services.evidence(line)) for line in self._trace.lines if _reports_end(line)]
        for request in self._trace.others:
            steps = (step for step in request.walk() if step.text("logger").startswith(_AGENT))
            ends = (step for step in steps if _is_end(report_of(step)))
            lines += [(step.start, step.text("message"), Evidence("", quotation(step), source(step))) for step in ends]
        return max((line for line in lines if line[0] <= self._waited.start), default=None, key=lambda line: line[0])

    def _agent_s_last(self) -> int | None:
        """Return when an agent's loop logged its last line of no request, None where the trace has no log of one."""
        times = [group.last for group in self._trace.untied if group.kind == "log" and group.what.startswith(_AGENT)]
        return max(times, default=None)

    def _checks(self) -> Iterator[Next]:
        if self._host:
            yield Next(f"Is Neutron's agent on {self._host} up?", f"openstack network agent list --host {self._host}")
        yield Next("What Neutron says of the port:", f"openstack port show {self._port}")


def _reports_end(line: LogLine) -> bool:
    return line.logger.startswith(_AGENT) and _is_end(catalogue().read(line.message, line.logger))


def _is_end(report: Report | None) -> bool:
    return report is not None and (report.says, report.phase) == ("error", "port")
