"""The weight of each step in a story: what an engineer would write down first, and what only counts."""

from __future__ import annotations

import re

from diagrams.sequence.places import Place, enters_driver
from diagrams.words import steps
from tracer.model import Request, Step
from tracer.notation.parse import UNAWAITED

#: From the heaviest on: what a story is about, what changes something, what asks for something, a service's record
#: keeping, and what is only counted: tokens, versions, schemas, notifications, work inside a service.
TURN, ACT, LOOK, RECORD, CHATTER = range(5)

_CHATTER_PATHS = re.compile(
    r"/v3/auth/tokens|/v[\d.]+/?|/(?:identity|image|volume|placement|compute|network)?/?|.*/v2/schemas/.*"
)
#: Of a driver's methods, those that report and change nothing.
_REPORTS = re.compile(r"get_|list_|instance_exists|update_provider_tree|provider_tree|need_legacy|is_|default_|host_")
#: A call without children of its own in which a story of its boot's length spends such a share, waits.
_WAITING = 0.1
_CONNECTED = re.compile(r"(?:define|create|attach|detach|resume|migrate|undefine|destroy|suspend|shutdown|update)\w*")
#: Commands that report and change nothing.
_QUERIES = re.compile(
    r"^(cat|findmnt|blkid|lsblk|stat|test|multipath -ll|multipathd show|du|df|uname) "
    r"|\binfo\b|\b(version|--version|dump|list|show|get_\w+)( |$)"
)
_DECIDES = "select_destinations"
#: Log lines of a scheduler's decision.
_DECISIONS = re.compile(r"Weighed \[|Selected host|Filter \S+ returned 0 hosts")
#: Loggers whose errors are about the boot; those of other libraries are about the installation.
_OWN_LOGGERS = re.compile(r"(nova|cinder|neutron|glance|keystone|placement|os_vif|os_brick|oslo_messaging)\b")


def weights(boot: Request, all_places: list[Place], failures: frozenset[int]) -> list[int]:
    """Return the weight of each place, in their order; ``failures`` are the indexes of errors to show."""
    long = max(boot.duration * _WAITING, 1)
    own = [entry.step.duration or 0 for entry in all_places]
    for entry in all_places:
        if entry.parent >= 0:
            own[entry.parent] -= entry.step.duration or 0
    return [
        _weight(entry, all_places, failed=index in failures, waits=own[index] >= long)
        for index, entry in enumerate(all_places)
    ]


def _weight(entry: Place, all_places: list[Place], *, failed: bool, waits: bool) -> int:
    step = entry.step
    if entry.parent < 0 or failed or _turns(entry):
        return TURN
    weight = _KINDS.get(step.kind, _inside)(step)
    if weight == CHATTER and enters_driver(step):
        other = steps.home(all_places[entry.parent].step, None) != steps.home(step, None)
        weight = CHATTER if not other else RECORD if _REPORTS.match(step.text("function")) else ACT
    return min(weight, ACT) if waits else weight


def _turns(entry: Place) -> bool:
    step = entry.step
    if step.kind == "rpc" and step.is_client and (_method(step) == _DECIDES or (step.opens and step.mode == "cast")):
        return True
    # A thread that a service starts may live as long as the service.
    unfinished = step.end is None and step.kind != "handoff"
    return unfinished or bool(step.text("ended_by")) or any(note.kind in ("state", "ask") for note in entry.notes)


def _inside(step: Step) -> int:
    return CHATTER


def _http(step: Step) -> int:
    path = step.text("path").partition("?")[0]
    if _CHATTER_PATHS.fullmatch(path):
        return CHATTER
    return LOOK if step.text("method") in ("GET", "HEAD", "OPTIONS") else ACT


def _rpc(step: Step) -> int:
    if step.mode in UNAWAITED:
        return CHATTER if step.mode == "notify" else RECORD
    return RECORD if "." in _method(step) else LOOK


def _method(step: Step) -> str:
    return step.text("method") or step.name


def _libvirt(step: Step) -> int:
    return ACT if _CONNECTED.match(step.text("function")) else RECORD


def _command(step: Step) -> int:
    arguments = step.attributes.get("arguments")
    line = " ".join(map(str, arguments)) if isinstance(arguments, list) else step.name
    return RECORD if _QUERIES.search(line) else ACT


_KINDS = {"http": _http, "rpc": _rpc, "libvirt": _libvirt, "command": _command}


def is_shown(note: Step) -> bool:
    """Return whether a story shows a note: states, values that somebody asked for, decisions, a service's errors."""
    if note.kind != "log":
        return note.kind in ("state", "ask")
    if note.text("level") in ("ERROR", "CRITICAL"):
        return bool(_OWN_LOGGERS.match(note.text("logger")))
    return note.service == "scheduler" and bool(_DECISIONS.match(note.text("message")))
