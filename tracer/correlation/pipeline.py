"""The pipeline from events to a trace, stage by stage."""

from __future__ import annotations

from tracer import notices
from tracer.correlation import (
    addresses,
    clocks,
    contradictions,
    event_waits,
    links,
    log_lines,
    logged_phases,
    outcomes,
    parts,
    requests,
    span_clocks,
    statements,
    states,
    unassigned,
    unrecorded,
    witnesses,
)
from tracer.events import Event, Events, Process
from tracer.model import Trace
from tracer.text import printable


def correlate(events: Events) -> Trace:
    """Return all boots and other requests among the events; shifts and completes the events in place."""
    # Correct the clocks that messages prove wrong.
    clock_warnings = clocks.align(events.events, events.bounds)
    # Correct those of other tracers, whose spans have no ids of messages.
    clock_warnings += span_clocks.align(events.events)
    # Keep one event for each step, and find the parents of those that no hook recorded.
    merged = witnesses.unify(events.events)
    # Build trees: by the hooks' context within processes, by ids across them.
    forest = links.build(merged)
    # Parse SQL statements, once for each text.
    statements.annotate(forest)
    # Remove steps that only repeat what their parent shows.
    links.absorb_endpoints_and_replies(forest)
    # Put what a process logged for a request whose receipt nobody recorded below a step of its own.
    parts.gather(forest)
    # Group the trees into requests, each with its chapters in order.
    grouped = requests.group(forest)
    # Compare clocks by what was logged, before phases begin earlier than the lines that report them.
    clock_warnings += contradictions.warnings(grouped.all)
    # Derive the instance states and what log lines report, then number what there is now.
    for request in grouped.all:
        states.derive(request.chapters)
        logged_phases.insert(request)
        addresses.assign(request.chapters, forest.casts)
        event_waits.link(request)
    # Note the messages to services that were not recorded, where hosts were chosen.
    missing_warnings = unrecorded.mark(grouped.all) if events.is_of_hosts else []
    # Name each boot's instance, host and outcome, and count what happened beside it.
    deletes = outcomes.deletes(grouped.others)
    for boot, seed in zip(grouped.boots, grouped.seeds, strict=True):
        states.describe_instance(boot, seed, deletes)
    for other in grouped.others:
        outcomes.describe_other(other)
    requests.count_left_out(grouped)
    # Count what belongs to no request, and why; keep the lines of it that matter.
    rest = unassigned.count(forest, grouped.all)
    lines, left_out = log_lines.select(forest, grouped.all)
    versions = _versions(events.processes)
    for request in grouped.all:
        request.versions = versions
    warnings = [
        *events.warnings, *missing_warnings, *clock_warnings, *forest.warnings,
        *_process_warnings(events),
        *unassigned.warnings(rest, forest), *([notices.lines_left_out(left_out, len(lines)).text] if left_out else []),
    ]  # fmt: skip
    return Trace(grouped.boots, grouped.others, versions, warnings, rest, lines)


def _versions(processes: list[Process]) -> dict[str, str]:
    """Return the release of each package that runs; several releases side by side are all named."""
    releases: dict[str, dict[str, None]] = {}
    for process in processes:
        for name, version in process.versions.items():
            releases.setdefault(name, {})[version] = None
    return {name: ", ".join(sorted(versions)) for name, versions in sorted(releases.items())}


def _process_warnings(events: Events) -> list[str]:
    """Return a line for each process that dropped events, and for each whose hooks failed."""
    reasons = _hook_failures(events.events)
    warnings = []
    for process in events.processes:
        who = printable(f"{process.argv or process.key} (pid {process.pid})")
        if process.dropped:
            warnings.append(notices.events_dropped(who, process.dropped).text)
        if process.failures:
            warnings.append(notices.hooks_failed(who, process.failures, reasons.get(process.key, {})).text)
    return warnings


def _hook_failures(events: list[Event]) -> dict[str, dict[str, None]]:
    """Return the distinct messages by which bootseq's own hooks reported failures, by process key."""
    messages: dict[str, dict[str, None]] = {}
    for event in events:
        if event.kind == "log" and event.attributes.get("logger") == "bootseq":
            messages.setdefault(event.process.key, {})[printable(str(event.attributes.get("message")))] = None
    return messages
