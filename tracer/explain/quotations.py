"""Steps as evidence: their addresses, their lines, and the lines of the logs that report them."""

from __future__ import annotations

from tracer.explain.explanation import Evidence
from tracer.explain.failures import first_exception
from tracer.explain.words import name, plain_error, shorten, without_instance
from tracer.model import Step


def evidence(*steps: Step) -> tuple[Evidence, ...]:
    """Return the steps as evidence, each once."""
    unique = {step.address: step for step in steps}
    return tuple(Evidence(step.address, quotation(step), source(step)) for step in unique.values())


def quotation(step: Step) -> str:
    """Return a step's line as evidence: its service, and what it is or, for a log line, says."""
    lane = shorten(f"[{step.service}{' ' + step.host if step.host else ''}]", 80)
    if step.kind in ("log", "ask"):
        text = step.text("message")
        message = without_instance(text.partition("\nTraceback ")[0]) or step.name
        exception = step.text("exception") or first_exception(text)
        known = f": {plain_error(exception)}" if exception and plain_error(exception) not in message else ""
        return shorten(f"{lane} {step.text('level')} {step.text('logger')}: {message}{known}")
    if step.kind == "state":
        return shorten(f"{lane} {step.text('table') or 'instances'}: {_changes(step)}")
    status = f": {step.text('status')}" if step.text("status") else ""
    error = f" ! {plain_error(step.error) or 'error'}" if step.error is not None else ""
    peer = f" to {step.text('peer')}" if step.is_client and step.text("peer") else ""
    return shorten(f"{lane} {name(step)}{peer}{status}{error}")


def _changes(step: Step) -> str:
    changes = step.attributes.get("changes")
    pairs = changes.items() if isinstance(changes, dict) else ()
    return ", ".join(
        f"{key} {value[0]} → {value[-1]}" for key, value in pairs if isinstance(value, list) and len(value) == 2
    )


def source(step: Step) -> str:
    """Return the file and line of the log that holds the step, "" where that is not known."""
    file, line = step.text("log_file"), step.text("log_line")
    return shorten(f"{file}:{line}" if file and line else file)
