"""Notices about a trace that decide something: a constructor a code, and the one recogniser of their texts.

A trace file holds texts alone. ``code_of`` finds the code again, also in the wording of earlier releases' files: a new
wording is added to ``_WORDINGS`` beside the earlier ones, none of which is ever removed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from tracer.model import Unassigned
from tracer.text import plural, printable


class Code(Enum):
    """The kinds of notices that are told apart."""

    #: Part of what happened was not recorded.
    EVENTS_DROPPED = auto()
    HOOKS_FAILED = auto()
    #: A clock was wrong, and its times were corrected.
    CLOCK_CORRECTED = auto()
    #: Clocks contradict cause and effect; which of them is wrong is unknown.
    CLOCK_CONTRADICTED = auto()
    #: A log may be in another time zone than the one that was given.
    ZONE_SUSPECTED = auto()
    #: A process of an earlier capture was not read again.
    PROCESSES_REPEATED = auto()
    #: Statements that belong to no request: some that should, and only heartbeats and the like.
    STATEMENTS_UNASSIGNED = auto()
    STATEMENTS_PERIODIC = auto()
    #: More log lines of no request than a trace file holds.
    LINES_LEFT_OUT = auto()
    #: Lines of a log that are neither records nor continue one.
    LINES_NOT_UNDERSTOOD = auto()
    #: A host or a service of the recorded cluster that was not recorded, or not to the end.
    UNRECORDED = auto()
    #: Every other text.
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Notice:
    """A line for people and the code that decides."""

    code: Code
    text: str


def events_dropped(process: str, count: int) -> Notice:
    """Report events that a process could not record."""
    text = f"{process}: {plural(count, 'event')} dropped because the capture or the disk was full"
    return Notice(Code.EVENTS_DROPPED, text)


def records_dropped(table: str, count: int) -> Notice:
    """Report records of a process whose first segment did not fit, by the path of its table of open calls."""
    return Notice(Code.EVENTS_DROPPED, f"{table}: {plural(count, 'record')} dropped: no space for a segment")


def hooks_failed(process: str, count: int, reasons: Iterable[str] = ()) -> Notice:
    """Report failures of bootseq's own hooks in a process."""
    reason = "; ".join(reasons)
    return Notice(
        Code.HOOKS_FAILED, f"{process}: bootseq's hooks failed {plural(count, 'time')}{': ' if reason else ''}{reason}"
    )


def clock_corrected(clock: str, reference: str, ahead: int, messages: int, *, zone: bool = False) -> Notice:
    """Report a clock that was ``ahead`` nanoseconds of another; ``zone``: by about whole time zones, in a log."""
    direction = "ahead of" if ahead > 0 else "behind"
    text = (
        f"the clock of {clock} is {abs(ahead) / 1e9:.3f} s {direction} that of {reference} "
        f"(from {plural(messages, 'message')}), corrected"
    )
    if zone:
        return Notice(Code.ZONE_SUSPECTED, f"{text}; another time zone? see --utc-offset")
    return Notice(Code.CLOCK_CORRECTED, text)


#: Clocks in zones are apart by whole quarters of an hour, about.
_QUARTER, _NEAR_QUARTER = 900_000_000_000, 30_000_000_000


def clock_contradicted(
    ahead: str, behind: str, size: int, cause: str, effect: str, *, zone: bool = False
) -> Notice:  # fmt: skip
    """Report a cause that is ``size`` nanoseconds later than its effect; ``zone``: its log may be in another zone."""
    text = printable(
        f"the clock of {ahead} is at least {size / 1e9:.3f} s ahead of that of {behind}, not corrected: "
        f"{effect!r} is earlier than its cause {cause!r}"
    )
    apart = size % _QUARTER
    if zone and size > _QUARTER // 2 and min(apart, _QUARTER - apart) < _NEAR_QUARTER:
        text += "; another time zone? see --utc-offset"
    return Notice(Code.CLOCK_CONTRADICTED, text)


def host_unrecorded(host: str, reason: str, *, began: bool) -> Notice:
    """Report a host that was not recorded, or no longer after it ``began`` to be."""
    state = "lost while it was recorded" if began else "not recorded"
    return Notice(Code.UNRECORDED, printable(f"host {host} was {state}: {reason}"))


def service_unrecorded(service: str, pid: int, host: str, reason: str) -> Notice:
    """Report a service of a recorded host that was not recorded itself."""
    return Notice(Code.UNRECORDED, printable(f"{service} (pid {pid}) on host {host} was not recorded: {reason}"))


def receiver_unrecorded(receiver: str, request: int, address: str, method: str) -> Notice:
    """Report a receiver of messages of which nothing was recorded, by the first such message."""
    text = printable(
        f"{receiver} was not recorded: nothing shows what it did for {method} ({address} of request {request})"
    )
    return Notice(Code.UNRECORDED, text)


def processes_repeated(path: str, count: int) -> Notice:
    """Report processes of a capture that another capture, of which it is a copy, holds too."""
    text = f"{path}: {plural(count, 'process', 'processes')} skipped, already read from another capture"
    return Notice(Code.PROCESSES_REPEATED, text)


def statements_unassigned(counts: Mapping[str, int], total: int) -> Notice:
    """Report how many of the ``total`` SQL statements in logs belong to no request, by reasons of ``Unassigned``."""
    code = Code.STATEMENTS_UNASSIGNED if counts.get("unknown") else Code.STATEMENTS_PERIODIC
    reasons = ", ".join(f"{counts[reason]} {reason}" for reason in Unassigned.WHYS if counts.get(reason))
    statements = plural(total, "SQL statement")
    return Notice(code, f"{sum(counts.values())} of {statements} in the logs belong to no request: {reasons}")


def lines_left_out(count: int, remaining: int) -> Notice:
    """Report log lines that belong to no request and exceed the ``remaining`` ones of the trace file."""
    text = (
        f"{plural(count, 'log line')} of no request beyond {remaining} are left out of the trace; warnings come first"
    )
    return Notice(Code.LINES_LEFT_OUT, text)


def lines_not_understood(path: str, count: int, number: int, line: str) -> Notice:
    """Report lines of a log and quote the first, the ``number`` of which is 0 if unknown."""
    where = f" at line {number:,}" if number else ""
    text = f"{path}: {plural(count, 'line')} not understood, the first{where}: '{printable(line)}'"
    return Notice(Code.LINES_NOT_UNDERSTOOD, text)


#: The wordings of every release by their codes. Those that mean a loss come first: they quote log lines, which could
#: end like one of the others.
_WORDINGS = tuple(
    (code, re.compile(pattern, re.DOTALL))
    for code, pattern in (
        (Code.EVENTS_DROPPED, r".*: \d+ events? dropped because the capture or the disk was full"),
        (Code.EVENTS_DROPPED, r".*: \d+ events? (?:were )?dropped, the capture or the disk was full"),
        (Code.EVENTS_DROPPED, r".*: \d+ records? dropped: no space for a segment"),
        (Code.EVENTS_DROPPED, r".*: \d+ records? dropped: there was no room for a segment"),
        (Code.HOOKS_FAILED, r".*: bootseq's hooks failed \d+ times?(?:: .*)?"),
        (Code.HOOKS_FAILED, r".*: hooks of ours failed \d+ times? there(?:: .*)?"),
        (Code.UNRECORDED, r"host \S+ was (?:not recorded|lost while it was recorded): .*"),
        (Code.UNRECORDED, r".* was not recorded: nothing shows what it did for .* \(\S* of request \d+\)"),
        (Code.UNRECORDED, r".* \(pid \d+\) on host \S+ was not recorded: .*"),
        (Code.CLOCK_CORRECTED, r"the clock of .* s (?:ahead of|behind) that of .* \(from \d+ messages?\), corrected"),
        (Code.CLOCK_CORRECTED, r"host .*: its clock is \S+ s (?:ahead|behind), corrected"),
        (Code.ZONE_SUSPECTED, r"the clock of .*, corrected; another time zone\? see --utc-offset"),
        (Code.CLOCK_CONTRADICTED, r"the clock of .* is at least .* s ahead of that of .*, not corrected: .*"),
        (Code.PROCESSES_REPEATED, r".*: \d+ process(?:es)? skipped, already read from another capture"),
        (Code.PROCESSES_REPEATED, r".*: \d+ process(?:es)? of another capture again, left out"),
        (Code.LINES_NOT_UNDERSTOOD, r".*: \d+ lines? not understood, the first(?: at line [\d,]+)?: '.*'"),
        (Code.STATEMENTS_PERIODIC, r"\d+ of \d+ SQL statements? in the logs belong to no request: (?!\d+ unknown).*"),
        (Code.STATEMENTS_UNASSIGNED, r"\d+ of \d+ SQL statements? in the logs belong to no request: .*"),
        (Code.STATEMENTS_PERIODIC, r"\d+ SQL statements? of \d+ in the logs tied to no request: (?!\d+ unknown).*"),
        (Code.STATEMENTS_UNASSIGNED, r"\d+ SQL statements? of \d+ in the logs tied to no request(?:: .*)?"),
        (Code.LINES_LEFT_OUT, r"\d+ log lines? of no request beyond \d+ are left out of the trace; .*"),
    )
)


def code_of(text: str) -> Code:
    """Return the code of a notice by its text, in the wording of this release or of an earlier one."""
    return next((code for code, pattern in _WORDINGS if pattern.fullmatch(text)), Code.OTHER)
