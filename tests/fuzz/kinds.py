"""Kinds of input: what each begins as, how it is changed, where it stands, and which commands read it."""

from __future__ import annotations

import gzip
import json
import marshal
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from zlib import crc32

from patches import record
from tests import captures, logged
from tests.builders import failed_boot, small_boot
from tests.fuzz import mutation
from tests.fuzz.mutation import Mutator
from tracer import numbering, store
from tracer.commands import policies
from tracer.diff.learning import learn
from tracer.diff.normal import normal
from tracer.diff.writing import written
from tracer.model import Trace
from tracer.points import DEFAULT

#: What stands in for the input, for a trace of ours, and for what an earlier command wrote.
INPUT, OURS, MADE = "INPUT", "ours.trace.jsonl", "made.trace.jsonl"
#: Of a log, so much at most: a boot's first lines and what is around some of its others.
_EXCERPT = 9000

Command = tuple[str, ...]


@dataclass(frozen=True)
class Kind:
    """One kind of input; ``commands`` are chosen from, ``first`` runs before them."""

    name: str
    seeds: Callable[[], list[bytes]]
    mutate: Mutator
    path: str
    commands: tuple[Command, ...]
    first: Command = ()
    packed: bool = False


def _looks(file: str) -> tuple[Command, ...]:
    """Commands that read a trace file."""
    pictures = ("svg", "html", "md", "mmd", "puml", "dot", "txt")
    return (
        ("list", file), ("list", "--all", "--json", file), ("list", "--untied", file),
        ("list", "--untied", "--json", file), ("show", file), ("show", "--json", file, "1"),
        ("show", "--detail", "full", file), ("show", "--findings", file), ("show", "--findings", "--json", file, "1"),
        *(("draw", file, "1", "-o", f"o.{suffix}", "--detail", detail)
          for suffix, detail in zip(pictures, ("calls", "full", "full", "calls", "brief", "full", "full"), strict=True)),
        ("draw", file, "-o", "o.html"), ("draw", file, "2", "-o", "o.html", "--detail", "full"),
        ("draw", file, "--pages", "a4", "-o", "o.svg"), ("draw", file, "--merged", "-o", "o.svg"),
        ("draw", file, "--merged", "-o", "o.md"), ("draw", file, "--also", OURS, "-o", "o.txt"),
        ("diff", file, OURS), ("diff", OURS, file), ("diff", OURS, file, "-o", "o.html"), ("diff", file, file),
        ("diff", OURS, file, "--format", "json"), ("diff", file, OURS, "--old-boot", "1", "--new-boot", "1"),
        ("baseline", file, "-o", "o.baseline", "--partial", "--boot", "1"), ("baseline", file, OURS, "-o", "o.baseline"),
    )  # fmt: skip


def _trace() -> Trace:
    """Small boots, of which one failed."""
    trace = Trace([small_boot(), failed_boot()], [small_boot()], {"nova": "34.0.0"}, ["a warning"])
    for number, boot in enumerate([*trace.boots, *trace.others], 1):
        boot.number = number
        numbering.number(boot.chapters, {})
    return trace


@cache
def ours() -> bytes:
    """The trace file that others are compared with."""
    return b"".join(json.dumps(line).encode() + b"\n" for line in store._lines(_trace()))


def _traces() -> list[bytes]:
    one = Trace([small_boot()], [], {}, [])
    one.boots[0].number = 1
    numbering.number(one.boots[0].chapters, {})
    diablo = logged.diablo("nova-api.log", "nova-scheduler.log", "rpc.jsonl")
    return [
        ours(),
        *(b"".join(json.dumps(line).encode() + b"\n" for line in store._lines(each)) for each in (one, diablo)),
    ]


@cache
def _archived(name: str) -> dict[str, bytes]:
    with tarfile.open(logged.DATA / name) as archive:
        return {each.name: file.read() for each in archive if (file := archive.extractfile(each)) is not None}


def _excerpts(
    data: bytes, marks: tuple[bytes, ...] = (b"INSERT INTO", b"POST /", b"CALL msg_id", b"UPDATE instances")
) -> list[bytes]:
    """The beginning, and whole lines around what is worth reading."""
    found = []
    for place in {0, *(data.find(mark) for mark in marks)} - {-1}:
        begin = data.rfind(b"\n", 0, max(place - 500, 0)) + 1
        found.append(data[begin : data.rfind(b"\n", begin, begin + _EXCERPT) + 1])
    return [each for each in found if each]


def _logs() -> list[bytes]:
    texts = [path.read_bytes() for path in sorted(logged.DATA.glob("*/*.log"))]
    texts += [data for name, data in _archived("nova34-logs.tar.xz").items() if name.endswith(".log")]
    plain = [excerpt for text in texts for excerpt in _excerpts(text)]
    return plain + [form(text) for text in plain[::3] for form in (_as_json, _as_export, _as_syslog, _as_docker)]


def _lines(text: bytes) -> list[str]:
    return text.decode("utf-8", "replace").splitlines()[:30]


def _as_json(text: bytes) -> bytes:
    said = [{"message": line[60:], "asctime": line[:23], "name": "nova.api", "levelname": "INFO", "process": 7,
             "created": 1.7e9, "context": {"request_id": "req-" + "1" * 8}} for line in _lines(text)]  # fmt: skip
    return b"\n".join(json.dumps(each).encode() for each in said)


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


def _copies() -> list[bytes]:
    texts = [(logged.DIABLO / "rpc.jsonl").read_bytes(), _archived("nova34-logs.tar.xz")["rpc.jsonl"]]
    return [b"".join(text.splitlines(keepends=True)[at : at + 6]) for text in texts for at in (0, 4, 12, 20)]


def _segments() -> list[bytes]:
    whole = [data for name, data in _archived("nova34-boot.tar.gz").items() if name.endswith(".seg")]
    return [_cut_segment(data, 120) for data in whole]


def _cut_segment(data: bytes, count: int) -> bytes:
    return data[: record.HEADER_SIZE] + b"".join(map(captures.framed, payloads(data)[:count])) + bytes(64)


def payloads(data: bytes) -> list[bytes]:
    """A segment's records."""
    found, at, size = [], record.HEADER_SIZE, record.FRAME.size
    while at + size <= len(data) and (length := record.FRAME.unpack_from(data, at)[0]):
        found.append(data[at + size : at + size + length])
        at += size + length
    return found


def _by_records(random: Random, data: bytes, other: bytes) -> bytes:
    """A segment with some records changed under a right checksum; sometimes its bytes instead."""
    if random.random() < 0.25:
        return mutation.by_bytes(random, data, other)
    found = payloads(data)
    for _ in range(random.choice((1, 1, 3, 10))):
        at = random.randrange(len(found)) if found else 0
        way = random.random()
        if not found:
            break
        if way < 0.1:
            found.insert(random.randrange(len(found)), found.pop(at))
        elif way < 0.2:
            del found[at]
        elif way < 0.35 or found[at][:1] == b"C":
            found[at] = mutation.by_bytes(random, found[at], other)
        else:
            found[at] = _changed_record(random, found[at])
    start = data[: record.HEADER_SIZE]
    if random.random() < 0.15:
        length, _ = record.FRAME.unpack_from(data, len(record.MAGIC))
        begin = len(record.MAGIC) + record.FRAME.size
        payload = _changed_record(random, data[begin : begin + length])
        start = (record.MAGIC + captures.framed(payload)).ljust(record.HEADER_SIZE, b"\0")
    return start + b"".join(record.FRAME.pack(len(each), crc32(each)) + each for each in found if each)


def _changed_record(random: Random, payload: bytes) -> bytes:
    """One field another value; nested deep now and then."""
    try:
        fields = list(marshal.loads(payload))
    except (ValueError, EOFError, TypeError):  # changed before
        return mutation.by_bytes(random, payload, payload)
    at = random.randrange(len(fields))
    fields[at] = _changed_plain(random, fields[at])
    return marshal.dumps(tuple(fields), 2)


def _changed_plain(random: Random, value: object) -> object:
    if isinstance(value, tuple) and value and random.random() < 0.85:
        at = random.randrange(len(value))
        return (*value[:at], _changed_plain(random, value[at]), *value[at + 1 :])
    new = mutation.hostile(random)
    if isinstance(new, (list, dict)):
        nested: object = ()
        for _ in range(random.choice((1, 20, 60))):
            nested = ("[]", nested) if random.random() < 0.5 else ("{}", "a", nested)
        return nested
    return random.choice((float("inf"), float("nan"), b"\0", 1 << 200)) if random.random() < 0.1 else new


def _tables() -> list[bytes]:
    return [captures.table((3, 0, 1, 5, 1), (4, 3, 1, 6, 2)), captures.table(dropped=3, failures=1)]


def _baselines() -> list[bytes]:
    boots = [[small_boot()], [small_boot(), failed_boot()]]
    texts = [written(learn([normal(boot) for boot in each], "b")).encode() for each in boots]
    return [*texts, *_segment_baseline()]


def _segment_baseline() -> list[bytes]:
    trace = logged.diablo("nova-api.log", "nova-compute.log", "rpc.jsonl")
    return [written(learn([normal(boot) for boot in trace.boots], "b")).encode()[:6000]]


def _outlines() -> list[bytes]:
    texts = [path.read_bytes() for path in sorted(logged.DATA.glob("*.outline"))]
    return [text[:6000].rpartition(b"\n")[0] for text in texts] + [
        b"1. POST /servers\n- vm_state None \xe2\x86\x92 building\n1-1. create()\n"
    ]


def _policies() -> list[bytes]:
    return [
        policies.DEFAULTS.read_bytes(),
        b"version: 1\nclasses: {added: ignore}\nrules:\n- class: [slower]\n  service: 'nova-*'\n  severity: note\n  reason: x\n",
        b"version: 1\ndefaults: true\nallow:\n- kind: sql\n  step: '*'\n  reason: r\n  until: 2027-03-01\n"
        b"thresholds:\n  slower: {factor: 2.5, at_least_ms: 100}\n",
    ]


def _points() -> list[bytes]:
    return [
        DEFAULT.read_bytes()[:1500].rpartition(b"\n")[0],
        b"nova.compute.*:\n- API.create\n- '!API._x'\nplacement.handlers:\n- '*'\n",
    ]


def _asks() -> list[bytes]:
    point = {"key": "1", "where": "nova.x:Y.z", "when": "entry", "expressions": [["a.b", "_ask_get(a, 'b')", ["a", "b"]]],
             "unsafe": False, "pids": [7], "services": ["nova-*"]}  # fmt: skip
    return [json.dumps({"machine": "@MACHINE@", "points": [point, point | {"key": "2", "when": 12}]}).encode()]


def _journals() -> list[bytes]:
    entry = {"pid": 7, "started": 5, "uid": 0, "gid": 0, "service": "nova-api", "python": "3.11", "path": "/nowhere",
             "inner": "/nowhere", "label": "x", "hooks": ["sql"], "attributes": [["a.b", 5]], "stops": [0.1]}  # fmt: skip
    return [json.dumps(entry).encode()]


def _configs() -> list[bytes]:
    return [
        b"[DEFAULT]\nlogging_context_format_string = %(asctime)s.%(msecs)03d %(process)d %(levelname)s %(name)s "
        b"[%(request_id)s] %(instance)s%(message)s\nlog_date_format = %Y-%m-%d %H:%M:%S\ntransport_url=rabbit://a:b@c:1/\n",
        b"[DEFAULT]\nlogging_default_format_string=%(color)s%(levelname)-8s|%(asctime)s|%(message)s\nx = $x\n[a]\nb=1\n",
    ]


def _expressions() -> list[bytes]:
    return [
        b"spec_obj.flavor.name, request_spec",
        b"len(x[1:2]) + 3 if a in b else f'{c!r:>10}'",
        b"{1: -x} == (a, not b)",
    ]


KINDS = (
    Kind("trace", _traces, mutation.by_values, "in.trace.jsonl", _looks(INPUT)),
    Kind("packed trace", _traces, mutation.by_values, "in.trace.jsonl.gz", _looks(INPUT), packed=True),
    Kind("segment", _segments, _by_records, "cap/segments/h-1000-1-0000.seg", _looks(MADE), ("ingest", "-o", MADE, "cap")),
    Kind("open table", _tables, mutation.by_bytes, "cap/segments/h1-7-1.open", _looks(MADE), ("ingest", "-o", MADE, "cap")),
    Kind("log", _logs, mutation.by_bytes, "nova-api.log", _looks(MADE), ("ingest", "-o", MADE, INPUT)),
    Kind("log values", _logs, mutation.by_values, "nova-api.log", _looks(MADE), ("ingest", "-o", MADE, INPUT)),
    Kind("packed log", _logs, mutation.by_bytes, "nova-api.log.gz", _looks(MADE), ("ingest", "-o", MADE, INPUT), packed=True),
    Kind("copies", _copies, mutation.by_values, "rpc.jsonl", _looks(MADE), ("ingest", "-o", MADE, INPUT)),
    Kind("baseline", _baselines, mutation.by_bytes, "in.baseline",
         (("diff", INPUT, OURS), ("diff", OURS, INPUT), ("diff", INPUT, INPUT), ("diff", INPUT, OURS, "-o", "o.html"),
          ("diff", INPUT, OURS, "--format", "json"), ("diff", INPUT, OURS, "--details"))),
    Kind("outline", _outlines, mutation.by_bytes, "in.outline",
         (("diff", INPUT, OURS), ("diff", INPUT, OURS, "--format", "json"), ("diff", INPUT, OURS, "-o", "o.html"))),
    Kind("policy", _policies, mutation.by_bytes, "policy.yaml", (("diff", OURS, OURS, "--policy", INPUT),)),
    Kind("points", _points, mutation.by_bytes, "points.yaml", (("run", "-o", "cap", "--points", INPUT, "--", "true"),)),
    Kind("ask points", _asks, mutation.by_values, "cap/asks.json", (("(ask points)", "cap"),)),
    Kind("journal", _journals, mutation.by_values, "cap/attached/7.json", (("(journal)", "cap"),)),
    Kind("config", _configs, mutation.by_bytes, "nova.conf", (("ingest", "-o", MADE, "--from-config", INPUT, "ours.log"),)),
    Kind("expression", _expressions, mutation.by_bytes, "expression", (("ask", "add", "nova.x:f", "<INPUT"),)),
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One input and the commands that read it."""

    number: int
    kind: Kind
    data: bytes
    commands: tuple[Command, ...]

    @property
    def size(self) -> int:
        """Bytes of the input, unpacked."""
        return len(self.data)

    def lay_out(self, folder: Path) -> None:
        """Write the input, and what stands beside it."""
        path = folder / self.kind.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_packed(self.data) if self.kind.packed else self.data)
        (folder / OURS).write_bytes(ours())
        if self.kind.path.startswith("cap/"):
            (folder / "cap" / "capture.json").write_bytes(b'{"format": 1}')
        if self.kind.name == "open table":
            captures.craft(folder / "cap", (1, 1, 0, "call", 5, 10, "a:b", ()))
            path.write_bytes(self.data)
        if self.kind.name == "config":
            (folder / "ours.log").write_bytes(seeds(_kind("log"))[0])

    def arguments(self, command: Command) -> list[str]:
        """The command line with the input's name in it, or what it holds."""
        told = self.data.decode("utf-8", "surrogateescape").replace("\0", "")
        return [told if word == "<INPUT" else self.kind.path if word == INPUT else word for word in command]


def _kind(name: str) -> Kind:
    return next(kind for kind in KINDS if kind.name == name)


@cache
def seeds(kind: Kind) -> list[bytes]:
    """What the inputs of a kind begin as."""
    return kind.seeds()


def case(seed: int, number: int) -> Case:
    """The case of this number: the same for the same seed."""
    random = Random(f"{seed} {number}")
    kind = random.choice(KINDS)
    known = seeds(kind)
    data = kind.mutate(random, random.choice(known), random.choice(known))
    commands = ((kind.first,) if kind.first else ()) + (random.choice(kind.commands),)
    return Case(number, kind, data, commands)


def _packed(data: bytes) -> bytes:
    """As gzip has it; in one of eight the packed bytes are damaged, decided by what they are."""
    packed = gzip.compress(data, 1, mtime=0)
    damage = crc32(data)
    if damage % 8:
        return packed
    at = damage // 8 % len(packed)
    return packed[:at] if damage % 16 else packed[:at] + bytes([damage >> 24]) + packed[at + 1 :]
