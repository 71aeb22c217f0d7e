"""The debug log of Ceph's client library, a witness of what Cinder's processes requested of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from examples.cloud.accuracy.match import Agreement, HookedEvent, Trees, agree
from examples.cloud.accuracy.readers import Entry
from tracer.events import Event

WITNESS = "RBD: the debug log of Ceph's client"
_LINE = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\dT[\d:.]+\+\d{4}) \S+ +\d+ librbd(?:::Operations: \S+|:) (?P<call>\w+):? (?P<about>.*)"
)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: The binding's function that makes each call, and the field with a name in the line and in the hook's event.
_CALLS = {
    "create": ("RBD.create", "name", "image"),
    "clone": ("RBD.clone", "c_name", "image"),
    "rename": ("RBD.rename", "dest_name", "to"),
    "resize": ("Image.resize", "", ""),
    "flatten": ("Image.flatten", "", ""),
    "snap_create": ("Image.create_snap", "snap_name", "snapshot"),
    "snap_remove": ("Image.remove_snap", "snap_name", "snapshot"),
    "snap_protect": ("Image.protect_snap", "snap_name", "snapshot"),
    "snap_unprotect": ("Image.unprotect_snap", "snap_name", "snapshot"),
}
_NAMES = {function: attribute for function, _, attribute in _CALLS.values()}


def rbd_calls(log: str) -> Iterator[Entry]:
    """Yield the calls of the library's functions; what these do inside is on other lines, of other classes."""
    for line in log.splitlines():
        match = _LINE.match(line)
        if match is None or match["call"] not in _CALLS:
            continue
        function, field, _ = _CALLS[match["call"]]
        name = re.search(rf"\b{field}=([^,\s]+)", match["about"]) if field else None
        values = (name[1],) if name else ("",)
        time = int(datetime.strptime(match["time"], "%Y-%m-%dT%H:%M:%S.%f%z").timestamp() * 1_000_000) * 1000
        ids = frozenset(_UUID.findall(match["about"]))
        yield Entry(time, (function,), " ".join([function, *values]).strip(), values, ids)


def compare(files: Iterable[Path], events: Iterable[Event], trees: Trees) -> Agreement:
    """Compare the logs of the recorded processes with their hooked calls; `files` end in the process's id."""
    events = list(events)
    recorded = {str(event.process.pid) for event in events}
    entries = [
        entry
        for file in files
        if file.stem.rpartition("-")[2] in recorded
        for entry in rbd_calls(file.read_text(errors="replace"))
    ]
    hooked = []
    for event in events:
        function = str(event.attributes.get("function", ""))
        if event.attributes.get("module") == "rbd" and function in _NAMES:
            values = (str(event.attributes.get(_NAMES[function], "")),)
            hooked.append(HookedEvent(event, Entry(event.start, (function,), event.name, values)))
    return agree(WITNESS, entries, hooked, trees, _same_name)


def _same_name(theirs: Entry, ours: Entry) -> bool:
    return ours.values in (theirs.values, ("",))
