"""Kinds of input: the seeds of each, how they are mutated, the input's path, and the commands that read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

from diagrams import RENDERERS
from tests.fuzz import seeds, span_seeds
from tests.fuzz.mutation import Mutator, by_bytes, by_values
from tests.fuzz.segments import by_records
from tests.support import captures
from tests.support.archives import PACKERS
from tracer.export.formats import BY_SUFFIX

#: In commands: the input, a trace of ours, and the trace that an earlier command wrote.
INPUT, OURS, WRITTEN = "INPUT", "ours.trace.jsonl", "written.trace.jsonl"

Command = tuple[str, ...]


@dataclass(frozen=True)
class Kind:
    """A kind of input; a case runs one of ``commands``, after ``first``."""

    name: str
    begin: Callable[[], list[bytes]]
    mutate: Mutator
    path: str
    commands: tuple[Command, ...]
    first: Command = ()
    packed: bool = False


def _looks(file: str) -> tuple[Command, ...]:
    """Return the commands that read a trace file."""
    pictures = dict.fromkeys(RENDERERS, "full") | {"svg": "calls", "mmd": "calls", "puml": "brief"}
    return (
        ("list", file), ("list", "--all", "--json", file), ("list", "--untied", file),
        ("list", "--untied", "--json", file), ("show", file), ("show", "--json", file, "1"),
        ("show", "--detail", "full", file), ("show", "--findings", file), ("show", "--findings", "--json", file, "1"),
        *(("draw", file, "1", "-o", f"o.{suffix}", "--detail", detail) for suffix, detail in pictures.items()),
        ("draw", file, "-o", "o.html"), ("draw", file, "2", "-o", "o.html", "--detail", "full"),
        ("draw", file, "--pages", "a4", "-o", "o.svg"), ("draw", file, "--merged", "-o", "o.svg"),
        ("draw", file, "--merged", "-o", "o.md"), ("draw", file, "--also", OURS, "-o", "o.txt"),
        ("diff", file, OURS), ("diff", OURS, file), ("diff", OURS, file, "-o", "o.html"), ("diff", file, file),
        ("diff", OURS, file, "--format", "json"), ("diff", file, OURS, "--old-boot", "1", "--new-boot", "1"),
        ("baseline", file, "-o", "o.baseline", "--partial", "--boot", "1"),
        ("baseline", file, OURS, "-o", "o.baseline"),
        *(("export", file, "1", "-o", f"o.{suffix}") for suffix in BY_SUFFIX),
        ("export", file, "-o", "o.jaeger.json", "--all-boots", "--existing-trace"),
        ("export", file, "-o", "o.otlp.jsonl", "--all-boots", "--logs"),
    )  # fmt: skip


_INGEST = ("ingest", "-o", WRITTEN)
_SIDES = (
    ("diff", INPUT, OURS), ("diff", INPUT, OURS, "-o", "o.html"), ("diff", INPUT, OURS, "--format", "json"),
    ("diff", INPUT, OURS, "--details"),
)  # fmt: skip
_BOTH = (*_SIDES, ("diff", OURS, INPUT), ("diff", INPUT, INPUT))

KINDS = (
    Kind("trace", seeds.traces, by_values, "in.trace.jsonl", _looks(INPUT)),
    Kind("packed trace", seeds.traces, by_values, "in.trace.jsonl.gz", _looks(INPUT), packed=True),
    Kind("segment", seeds.segments, by_records, "cap/segments/h-1-1-0000.seg", _looks(WRITTEN), (*_INGEST, "cap")),
    Kind("open table", seeds.tables, by_bytes, "cap/segments/h1-7-1.open", _looks(WRITTEN), (*_INGEST, "cap")),
    Kind("log", seeds.logs, by_bytes, "nova-api.log", _looks(WRITTEN), (*_INGEST, INPUT)),
    Kind("log values", seeds.logs, by_values, "nova-api.log", _looks(WRITTEN), (*_INGEST, INPUT)),
    Kind("packed log", seeds.logs, by_bytes, "nova-api.log.gz", _looks(WRITTEN), (*_INGEST, INPUT), packed=True),
    Kind("tar", seeds.tars, by_bytes, "sos.tar", _looks(WRITTEN), (*_INGEST, INPUT)),
    Kind("packed tar", seeds.tars, by_bytes, "sos.tar.xz", _looks(WRITTEN), (*_INGEST, INPUT), packed=True),
    Kind("zstd log", seeds.logs, by_bytes, "nova-api.log.zst", _looks(WRITTEN), (*_INGEST, INPUT), packed=True),
    Kind("zip", seeds.zips, by_bytes, "sos.zip", _looks(WRITTEN), (*_INGEST, INPUT)),
    Kind("export", seeds.exports, by_values, "loki.json", _looks(WRITTEN), (*_INGEST, INPUT)),
    Kind("export text", seeds.exports, by_bytes, "kibana.json", _looks(WRITTEN), (*_INGEST, INPUT)),
    Kind("export table", seeds.tables_of_lines, by_bytes, "kibana.csv", _looks(WRITTEN), (*_INGEST, INPUT)),
    Kind("traced copies", seeds.traced_copies, by_bytes, "trace.log", _looks(WRITTEN), (*_INGEST, INPUT)),
    Kind("otlp", span_seeds.otlp, by_values, "x.otlp.jsonl", _looks(WRITTEN), (*_INGEST, INPUT)),
    Kind("otlp text", span_seeds.otlp, by_bytes, "x.otlp.jsonl", _looks(WRITTEN), (*_INGEST, INPUT)),
    Kind("otlp protobuf", span_seeds.protobuf, by_bytes, "x.otlp.pb", _looks(WRITTEN), (*_INGEST, INPUT)),
    Kind("jaeger", span_seeds.jaeger, by_values, "jaeger.json", _looks(WRITTEN), (*_INGEST, INPUT)),
    Kind("zipkin", span_seeds.zipkin, by_values, "zipkin.json", _looks(WRITTEN), (*_INGEST, INPUT)),
    Kind("osprofiler records", span_seeds.records, by_values, "records.jsonl", _looks(WRITTEN), (*_INGEST, INPUT)),
    Kind("osprofiler trace", span_seeds.shown, by_values, "shown.json", _looks(WRITTEN), (*_INGEST, INPUT)),
    Kind("osprofiler report", span_seeds.reports, by_bytes, "report.html", _looks(WRITTEN), (*_INGEST, INPUT)),
    Kind("copies", seeds.copies, by_values, "rpc.jsonl", _looks(WRITTEN), (*_INGEST, INPUT)),
    Kind("baseline", seeds.baselines, by_bytes, "in.baseline", _BOTH),
    Kind("outline", seeds.outlines, by_bytes, "in.outline", _SIDES),
    Kind("policy", seeds.policies, by_bytes, "policy.yaml", (("diff", OURS, OURS, "--policy", INPUT),)),
    Kind("points", seeds.points, by_bytes, "points.yaml", (("run", "-o", "cap", "--points", INPUT, "--", "true"),)),
    Kind("ask points", seeds.asks, by_values, "cap/asks.json", (("(ask points)", "cap"),)),
    Kind("registry", seeds.registries, by_values, "cap/7-5.process", (("(registry)", "cap"),)),
    Kind("config", seeds.configs, by_bytes, "nova.conf", ((*_INGEST, "--from-config", INPUT, "ours.log"),)),
    Kind("expression", seeds.expressions, by_bytes, "expression", (("ask", "add", "nova.x:f", "<INPUT"),)),
)


@dataclass(frozen=True)
class Case:
    """An input and the commands that read it."""

    number: int
    kind: Kind
    data: bytes
    commands: tuple[Command, ...]
    #: Position and kind of the damage to a packed input, 0 for none.
    damage: int = 0

    @property
    def size(self) -> int:
        """Return the bytes of the input, unpacked."""
        return len(self.data)

    def lay_out(self, folder: Path) -> None:
        """Write the input and the files beside it."""
        path = folder / self.kind.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_packed(self.data, path.suffix, self.damage) if self.kind.packed else self.data)
        (folder / OURS).write_bytes(seeds.ours())
        if self.kind.path.startswith("cap/"):
            (folder / "cap" / "capture.json").write_bytes(b'{"format": 1}')
            (folder / "cap").chmod(0o700)
        if self.kind.name == "open table":
            captures.craft(folder / "cap", (1, 1, 0, "call", 5, 10, "a:b", ()))
            path.write_bytes(self.data)
        if self.kind.name == "config":
            (folder / "ours.log").write_bytes(seeds_of(_kind("log"))[0])

    def arguments(self, command: Command) -> list[str]:
        """Return the command line with the input's name or text in it."""
        text = self.data.decode("utf-8", "surrogateescape").replace("\0", "")
        return [text if word == "<INPUT" else self.kind.path if word == INPUT else word for word in command]


def _kind(name: str) -> Kind:
    return next(kind for kind in KINDS if kind.name == name)


@cache
def seeds_of(kind: Kind) -> list[bytes]:
    """Return the seeds of a kind."""
    return kind.begin()


def unchanged() -> list[Case]:
    """Return each kind's first seed unchanged, with all of its commands."""
    return [Case(0, kind, seeds_of(kind)[0], (*([kind.first] if kind.first else []), *kind.commands)) for kind in KINDS]


def case(seed: int, number: int) -> Case:
    """Return the case of this number, the same for the same seed."""
    random = Random(f"{seed} {number}")
    kind = random.choice(KINDS)
    known = seeds_of(kind)
    data = kind.mutate(random, random.choice(known), random.choice(known))
    commands = ((kind.first,) if kind.first else ()) + (random.choice(kind.commands),)
    damage = random.randrange(1, 1 << 32) if kind.packed and random.random() < 0.12 else 0
    return Case(number, kind, data, commands, damage)


def _packed(data: bytes, suffix: str, damage: int) -> bytes:
    """Compress by the suffix; damage cuts the result off or changes a byte."""
    packed = PACKERS[suffix.removeprefix(".")](data)
    if not damage:
        return packed
    offset = damage // 2 % len(packed)
    return packed[:offset] + (b"" if damage % 2 else bytes([damage >> 24]) + packed[offset + 1 :])
