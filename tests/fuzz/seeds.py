"""Seeds, from which inputs are mutated: small boots, and excerpts of real clouds' files in tests/data."""

from __future__ import annotations

import json
import tarfile
import zipfile
from functools import cache

from patches import record_format
from tests.fuzz.segments import payloads
from tests.support import archives, captures, log_exports, log_traces
from tests.support.builders import failed_boot, small_boot
from tests.support.traced_copies import FORMS
from tracer import trace_file
from tracer.commands import inputs
from tracer.correlation import addresses
from tracer.diff.baseline.learn import learn
from tracer.diff.baseline.normalise import normal
from tracer.diff.baseline.writer import written
from tracer.model import Trace
from tracer.recording import capture
from tracer.recording.call_points import DEFAULT

#: Bytes of an excerpt of a log: a boot's first lines, and the context of some others.
_EXCERPT = 9000
#: Interesting lines of a log.
_MARKS = (b"INSERT INTO", b"POST /", b"CALL msg_id", b"UPDATE instances")


def _trace() -> Trace:
    """Return small boots, of which one failed."""
    trace = Trace([small_boot(), failed_boot()], [small_boot()], {"nova": "34.0.0"}, ["a warning"])
    for number, boot in enumerate([*trace.boots, *trace.others], 1):
        boot.number = number
        addresses.assign(boot.chapters, {})
    return trace


@cache
def ours() -> bytes:
    """Return the trace file that others are compared with."""
    return _written(_trace_of_one())


def _written(trace: Trace) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in trace_file.lines(trace))


def _trace_of_one() -> Trace:
    trace = Trace([small_boot()], [], {}, [])
    trace.boots[0].number = 1
    addresses.assign(trace.boots[0].chapters, {})
    return trace


def traces() -> list[bytes]:
    """Return trace files: of working and failed boots, and of a boot from logs and copies."""
    return [ours(), _written(_trace()), _written(log_traces.diablo("nova-api.log", "nova-scheduler.log", "rpc.jsonl"))]


@cache
def _archived(name: str) -> dict[str, bytes]:
    with tarfile.open(log_traces.DATA / name) as archive:
        return {member.name: file.read() for member in archive if (file := archive.extractfile(member)) is not None}


def _excerpts(data: bytes) -> list[bytes]:
    """Return the beginning of a log, and whole lines around its interesting ones."""
    excerpts = []
    for offset in {0, *(data.find(mark) for mark in _MARKS)} - {-1}:
        begin = data.rfind(b"\n", 0, max(offset - 500, 0)) + 1
        excerpts.append(data[begin : data.rfind(b"\n", begin, begin + _EXCERPT) + 1])
    return [excerpt for excerpt in excerpts if excerpt]


def logs() -> list[bytes]:
    """Return excerpts of logs, some of them in the forms of journals, containers and formatters."""
    texts = [path.read_bytes() for path in sorted(log_traces.DATA.glob("*/*.log"))]
    texts += [data for name, data in _archived("nova34-logs.tar.xz").items() if name.endswith(".log")]
    plain = [excerpt for text in texts for excerpt in _excerpts(text)]
    return plain + [form(text) for text in plain[::3] for form in (_as_json, _as_export, _as_syslog, _as_docker)]


def _lines(text: bytes) -> list[str]:
    return text.decode("utf-8", "replace").splitlines()[:30]


def _as_json(text: bytes) -> bytes:
    records = [{"message": line[60:], "asctime": line[:23], "name": "nova.api", "levelname": "INFO", "process": 7,
             "created": 1.7e9, "context": {"request_id": "req-" + "1" * 8}} for line in _lines(text)]  # fmt: skip
    return b"\n".join(json.dumps(record).encode() for record in records)


def _as_export(text: bytes) -> bytes:
    return b"".join(
        b"__REALTIME_TIMESTAMP=1700000000000%03d\n_PID=9\n_SYSTEMD_UNIT=nova-api.service\nPRIORITY=6\nMESSAGE\n%b%b\n\n"
        % (number, len(line.encode()).to_bytes(8, "little"), line.encode())
        for number, line in enumerate(_lines(text))
    )


def _as_syslog(text: bytes) -> bytes:
    return b"".join(
        b"Nov 22 08:14:%02d ctl nova-api[12]: %b\n" % (n, line.encode()) for n, line in enumerate(_lines(text))
    )


def _as_docker(text: bytes) -> bytes:
    return b"".join(
        json.dumps({"log": line + "\n", "stream": "stdout", "time": "2026-11-22T08:14:11.514123456Z"}).encode() + b"\n"
        for line in _lines(text)
    )


def _members(count: int) -> dict[str, bytes]:
    """Return excerpts of logs under the names that they have in a sosreport."""
    names = ("var/log/nova/nova-api.log", "glance/api.log.1", "d" * 120 + "/n-cpu.txt.gz", "rpc.jsonl")
    return dict(zip(names, [*logs()[:count], copies()[0]], strict=False))


def tars() -> list[bytes]:
    """Return tar archives in both forms of long names, one with an archive in it."""
    members = _members(3)
    inner = {"inner.zip": archives.zipped(members), **members}
    return [archives.tar(members), archives.tar(members, tarfile.GNU_FORMAT), archives.tar(inner)]


def zips() -> list[bytes]:
    """Return zip archives, one with stored members."""
    return [archives.zipped(_members(3)), archives.zipped(_members(2), zipfile.ZIP_STORED)]


def _records() -> list[str]:
    lines = _archived("nova34-logs.tar.xz")["nova-conductor.log"].decode().splitlines()
    return [line for line in lines if line.startswith("2026-") and " [None req-" in line][:12]


def exports() -> list[bytes]:
    """Return exports of log stores as JSON and JSON lines."""
    return [form(_records()).encode() for name, form in log_exports.FORMS.items() if not name.endswith(".csv")]


def tables_of_lines() -> list[bytes]:
    """Return exports of log stores as tables and as text."""
    tables = [form for name, form in log_exports.FORMS.items() if name.endswith(".csv")]
    return [form(_records()).encode() for form in (*tables, *log_exports.LINE_FORMS.values())]


def traced_copies() -> list[bytes]:
    """Return message copies as RabbitMQ's tracing plugin and rabbitmqadmin write them."""
    return [form().encode() for form in FORMS]


def copies() -> list[bytes]:
    """Return copies of a boot's messages, of 2011 and of Nova 34."""
    texts = [(log_traces.DIABLO / "rpc.jsonl").read_bytes(), _archived("nova34-logs.tar.xz")["rpc.jsonl"]]
    return [b"".join(text.splitlines(keepends=True)[first : first + 6]) for text in texts for first in (0, 4, 12, 20)]


def segments() -> list[bytes]:
    """Return the beginnings of the segments of a real boot."""
    whole = [data for name, data in _archived("nova34-boot.tar.gz").items() if name.endswith(".seg")]
    return [_cut_segment(data, 120) for data in whole]


def _cut_segment(data: bytes, count: int) -> bytes:
    return data[: record_format.HEADER_SIZE] + b"".join(map(captures.framed, payloads(data)[:count])) + bytes(64)


def tables() -> list[bytes]:
    """Return tables of open calls."""
    return [captures.table((3, 0, 1, 5, 1), (4, 3, 1, 6, 2)), captures.table(dropped=3, failures=1)]


def baselines() -> list[bytes]:
    """Return baselines of one boot and of several."""
    boots = [[small_boot()], [small_boot(), failed_boot()]]
    texts = [written(learn([normal(boot) for boot in sample], "b")).encode() for sample in boots]
    return [*texts, *_segment_baseline()]


def _segment_baseline() -> list[bytes]:
    trace = log_traces.diablo("nova-api.log", "nova-compute.log", "rpc.jsonl")
    return [written(learn([normal(boot) for boot in trace.boots], "b")).encode()[:6000]]


def outlines() -> list[bytes]:
    """Return handwritten outlines."""
    texts = [path.read_bytes() for path in sorted(log_traces.DATA.glob("*.outline"))]
    return [text[:6000].rpartition(b"\n")[0] for text in texts] + [
        b"1. POST /servers\n- vm_state None \xe2\x86\x92 building\n1-1. create()\n"
    ]


_OF_CLASSES = b"""version: 1
classes: {added: ignore}
rules:
- class: [slower]
  service: 'nova-*'
  severity: note
  reason: x
"""
_OF_DAYS = b"""version: 1
defaults: true
allow:
- kind: sql
  step: '*'
  reason: r
  until: 2027-03-01
thresholds:
  slower: {factor: 2.5, at_least_ms: 100}
"""
_CONTEXT = b"""[DEFAULT]
logging_context_format_string = %(asctime)s.%(msecs)03d %(process)d %(levelname)s %(name)s [%(request_id)s] %(message)s
log_date_format = %Y-%m-%d %H:%M:%S
transport_url = rabbit://a:b@c:1/
"""
_DEFAULT = b"""[DEFAULT]
logging_default_format_string=%(color)s%(levelname)-8s|%(asctime)s|%(message)s
x = $x
[a]
b=1
"""


def policies() -> list[bytes]:
    """Return policies: the default one, and handwritten ones."""
    return [inputs.DEFAULTS.read_bytes(), _OF_CLASSES, _OF_DAYS]


def points() -> list[bytes]:
    """Return call points."""
    return [
        DEFAULT.read_bytes()[:1500].rpartition(b"\n")[0],
        b"nova.compute.*:\n- API.create\n- '!API._x'\nplacement.handlers:\n- '*'\n",
    ]


def asks() -> list[bytes]:
    """Return a file of ask points."""
    point = {
        "key": "1", "where": "nova.x:Y.z", "when": "entry", "unsafe": False, "pids": [7], "services": ["nova-*"],
        "expressions": [["a.b", "_ask_get(a, 'b')", ["a", "b"]]],
    }  # fmt: skip
    return [json.dumps({"machine": capture._machine(), "points": [point, point | {"key": "2", "when": 12}]}).encode()]


def registries() -> list[bytes]:
    """Return a registry entry of an attached process."""
    entry = {
        "pid": 7, "started": 5, "uid": 0, "gid": 0, "boot": "x", "service": "nova-api", "python": "3.11",
        "path": "/nowhere",
        "inner": "/nowhere", "label": "x", "hooks": ["sql"], "attributes": [["a.b", 5]], "stops": [0.1],
    }  # fmt: skip
    return [json.dumps(entry).encode()]


def configs() -> list[bytes]:
    """Return services' configuration files."""
    return [_CONTEXT, _DEFAULT]


def expressions() -> list[bytes]:
    """Return expressions for ask points."""
    return [
        b"spec_obj.flavor.name, request_spec",
        b"len(x[1:2]) + 3 if a in b else f'{c!r:>10}'",
        b"{1: -x} == (a, not b)",
    ]
