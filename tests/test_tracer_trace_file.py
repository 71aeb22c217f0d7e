"""The trace file: read back as written; damaged, foreign and crafted files are refused in one line."""

from __future__ import annotations

import gzip
import json
import math
import os
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.builders import failed_boot, small_boot
from tests.support.examples import examples
from tracer import trace_file
from tracer.correlation import addresses
from tracer.errors import TracerError
from tracer.model import NOTES, NUMBERED, LeftOut, LogLine, Request, Step, Trace, Unassigned

TEXTS = st.text(st.characters(codec=None, exclude_categories=()), max_size=8)
IDS = st.none() | TEXTS
TIMES = st.integers(-(1 << 62), 1 << 62)
NUMBERS = st.integers(-(1 << 255), 1 << 255)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.floats(-1e70, 1e70) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def any_step(children: list[Step]) -> st.SearchStrategy[Step]:
    """Return a strategy for a step with any fields and these children."""
    return st.builds(
        Step, TEXTS, st.sampled_from(sorted(NUMBERED | NOTES)), TEXTS, TEXTS, TIMES, st.none() | TIMES, TEXTS,
        TIMES, TIMES, IDS, IDS, st.dictionaries(TEXTS, VALUES, max_size=3), IDS,
        st.lists(TEXTS, max_size=2).map(tuple), TEXTS, st.just(children),
    )  # fmt: skip


STEPS = st.recursive(any_step([]), lambda inner: st.lists(inner, max_size=3).flatmap(any_step), max_leaves=6)
LEFT_OUT = st.builds(LeftOut, TEXTS, TEXTS, TEXTS, TIMES)
BOOTS = st.builds(
    Request, st.just(0), TEXTS, st.lists(STEPS, min_size=1, max_size=2), TEXTS, TEXTS, TEXTS,
    st.lists(TEXTS, max_size=2), TEXTS, TEXTS, st.just({}), st.lists(LEFT_OUT, max_size=2),
)  # fmt: skip


def numbered(trace: Trace) -> Trace:
    """Number boots and steps the way correlate does."""
    for number, boot in enumerate([*trace.boots, *trace.others], 1):
        boot.number = number
        boot.versions = trace.versions
        addresses.assign(boot.chapters, {})
    return trace


UNASSIGNED = st.builds(Unassigned, st.sampled_from(Unassigned.WHYS), TEXTS, TEXTS, TEXTS, TIMES, TIMES, TIMES)
LOG_LINES = st.builds(LogLine, TIMES, TEXTS, TEXTS, TIMES, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, TIMES)
TRACES = st.builds(
    Trace, st.lists(BOOTS, max_size=2), st.lists(BOOTS, max_size=1), st.dictionaries(TEXTS, TEXTS, max_size=2),
    st.lists(TEXTS, max_size=2), st.lists(UNASSIGNED, max_size=2), st.lists(LOG_LINES, max_size=2),
).map(numbered)  # fmt: skip


@settings(max_examples=examples(40))
@given(name=st.sampled_from(["t.jsonl", "t.jsonl.gz"]), trace=TRACES)
def test_any_trace_is_read_back(tmp_path_factory: pytest.TempPathFactory, name: str, trace: Trace) -> None:
    """With lone surrogates too, compressed or not."""
    path = tmp_path_factory.mktemp("t") / name
    trace_file.write(path, trace)
    assert asdict(trace_file.read(path)) == asdict(trace)


@settings(max_examples=examples(20))
@given(trace=TRACES)
def test_scanning_passes_on_every_step_and_returns_all_else(
    tmp_path_factory: pytest.TempPathFactory, trace: Trace
) -> None:
    path = tmp_path_factory.mktemp("t") / "t.jsonl"
    trace_file.write(path, trace)
    steps: list[tuple[int, str, str]] = []
    scanned = trace_file.scan(
        path, lambda _: lambda request, step: steps.append((request.number, step.address, step.name))
    )
    requests = [*trace.boots, *trace.others]
    assert steps == [(request.number, step.address, step.name) for request in requests for step in request.walk()]
    assert (scanned.lines, scanned.untied, scanned.warnings) == (trace.lines, trace.untied, trace.warnings)
    assert [request.chapters for request in (*scanned.boots, *scanned.others)] == [[] for _ in requests]


def test_a_file_without_lines_of_no_request_is_read(tmp_path: Path) -> None:
    """Read a file in the form that bootseq 0.1.0 wrote."""
    path = tmp_path / "t.jsonl"
    trace_file.write(path, sample())
    header, *rest = path.read_text().splitlines()
    older = json.loads(header)
    assert older.pop("lines") == 0
    path.write_text("\n".join([json.dumps(older), *rest]) + "\n")
    assert trace_file.read(path).lines == []


def sample() -> Trace:
    return Trace([small_boot(), failed_boot()], [], {"nova": "34.0.0"}, ["a warning"])


def write(tmp_path: Path, name: str = "t.jsonl", trace: Trace | None = None) -> Path:
    trace = trace or sample()
    for number, boot in enumerate(trace.boots, 1):
        boot.number = number
        boot.versions = trace.versions
    trace_file.write(tmp_path / name, trace)
    return tmp_path / name


def refused(path: Path) -> str:
    """Read a file that is refused, and return the error after the file's name; it has one line."""
    with pytest.raises(TracerError) as raised:
        trace_file.read(path)
    message = str(raised.value)
    assert message.startswith(str(path))
    assert message.isprintable()
    return message.removeprefix(str(path))


def test_the_file_is_lines_of_json(tmp_path: Path) -> None:
    """A header with format, version and boots, then a line for every step in the tree's order."""
    lines = [json.loads(line) for line in write(tmp_path).read_text().splitlines()]
    assert (lines[0]["format"], lines[0]["version"]) == ("bootseq-trace", 1)
    assert [boot["steps"] for boot in lines[0]["boots"]] == [len(list(boot.walk())) for boot in sample().boots]
    assert [(line["boot"], line["address"]) for line in lines[1:4]] == [(1, "1"), (1, "1-1"), (1, "1-1-1")]
    assert len(lines) == 1 + sum(boot["steps"] for boot in lines[0]["boots"])


def test_a_single_boot_is_read(tmp_path: Path) -> None:
    """Selected by the header; steps of other boots are not read, but a truncation is noticed."""
    path = write(tmp_path)
    for number, boot in enumerate(trace_file.read(path).boots):
        read = trace_file.read_boot(path, lambda trace, number=number: trace.boots[number])  # type: ignore[misc]
        assert asdict(read) == asdict(boot)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    with pytest.raises(TracerError, match="cut off after line"):
        trace_file.read_boot(path, lambda trace: trace.boots[0])


def test_equal_traces_are_equal_bytes(tmp_path: Path) -> None:
    """Compressed or not, at any time and in any folder."""
    trace = sample()
    for suffix in ("", ".gz"):
        first, other = write(tmp_path, "one" + suffix, trace), write(tmp_path, "other" + suffix, trace)
        assert first.read_bytes() == other.read_bytes()


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    """It shows the work of services."""
    assert write(tmp_path).stat().st_mode & 0o777 == 0o600


def test_a_compressed_file_is_recognised_by_its_content(tmp_path: Path) -> None:
    """A renamed file is still read."""
    packed = write(tmp_path, "t.gz").rename(tmp_path / "plain")
    assert len(trace_file.read(packed).boots) == 2


@pytest.mark.parametrize("name", ["t.jsonl", "t.jsonl.gz"])
def test_a_truncated_file_is_refused(tmp_path: Path, name: str) -> None:
    """Truncated at any byte, also between two lines."""
    path = write(tmp_path, name)
    whole = path.read_bytes()
    lines = [index + 1 for index, byte in enumerate(whole) if byte == 10] if name == "t.jsonl" else []
    for cut in [*range(0, len(whole), 397), *lines[:-1], *range(len(whole) - 12, len(whole) - 1)]:
        path.write_bytes(whole[:cut])
        assert refused(path)


def test_a_truncated_file_is_reported_with_its_last_line(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:3]))
    assert refused(path) == ": cut off after line 3; ingest the capture again"


def _unpacked(packed: bytes) -> bytes | None:
    try:
        return gzip.decompress(packed)
    except (OSError, EOFError, zlib.error):
        return None


def test_a_damaged_compressed_file_is_refused(tmp_path: Path) -> None:
    """The checksum detects damage that decompression does not."""
    path = write(tmp_path, "t.gz")
    whole = path.read_bytes()
    for position in range(10, len(whole), 31):
        changed = bytearray(whole)
        changed[position] ^= 0x10
        path.write_bytes(changed)
        # Padding bits of a block's last byte have no meaning.
        assert _unpacked(bytes(changed)) == gzip.decompress(whole) or refused(path)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\n", b"{}", b"[]", b"5", b"x", b"\xff\xfe\x00", b"\x00" * 99, b"\x7fELF", b'{"format": "other"}',
        b"[" * 99_999, b'{"format":"bootseq-trace","version":1', b"BOOTSEQ1",
    ],
)  # fmt: skip
def test_a_foreign_file_is_refused_with_a_hint(tmp_path: Path, content: bytes) -> None:
    """Other JSON, binaries, an empty file."""
    path = tmp_path / "f"
    path.write_bytes(content)
    assert refused(path) == ": not a bootseq trace file; make one with: bootseq ingest -o FILE CAPTURE"


@pytest.mark.parametrize(("version", "shown"), [(2, "2"), (99, "99"), (None, "unknown"), ("1\x1b[31m", "unknown")])
def test_another_version_is_refused(tmp_path: Path, version: Any, shown: str) -> None:
    """A newer bootseq may have written it."""
    path = tmp_path / "f"
    path.write_text(json.dumps({"format": "bootseq-trace", "version": version}))
    assert refused(path) == f": trace format {shown}, this bootseq reads 1; use the bootseq that wrote it"


def test_a_folder_or_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path) == f": a folder, not a trace file; make one with: bootseq ingest -o FILE {tmp_path}"
    assert refused(tmp_path / "none") == ": cannot be read: No such file or directory"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_missing_permission_is_reported(tmp_path: Path) -> None:
    """With the system's reason."""
    path = write(tmp_path)
    path.chmod(0)
    assert refused(path) == ": cannot be read: Permission denied"


STRANGE: tuple[Any, ...] = (None, True, -5, 1 << 70, 2.5, "x", "1-2\x1b[31m", [], [5], {}, {"a": 5})


def test_a_crafted_field_is_refused_or_harmless(tmp_path: Path) -> None:
    """Any field of any line with another type, or missing: refused with the line, or read as a sound trace."""
    path = write(tmp_path, trace=Trace([small_boot()], [], {"nova": "34"}, ["w"]))
    lines = [json.loads(line) for line in path.read_text().splitlines()][:4]
    boot = lines[0]["boots"][0]
    boot["steps"] = 3
    for index, where in [(0, lines[0]), (0, boot), (0, boot["left_out"][0]), (2, lines[2])]:
        for name in list(where):
            original = where.pop(name)
            for value in (..., *STRANGE):
                if value is not ...:
                    where[name] = value
                path.write_text("".join(json.dumps(line) + "\n" for line in lines))
                assert_refused_or_sound(path, index + 1)
            where[name] = original


def assert_refused_or_sound(path: Path, line: int) -> None:
    try:
        trace = trace_file.read(path)
    except TracerError as error:
        message = str(error)
        assert message.isprintable()
        assert message.startswith((f"{path}:{line}: ", f"{path}:{line + 1}: ", f"{path}:4: ", f"{path}: "))
        return
    for boot in trace.boots:
        assert math.isfinite(boot.started + boot.duration)
        assert len({step.address for step in boot.walk()}) == len(list(boot.walk())) == sum(boot.counts().values())


@pytest.mark.parametrize("spoilt", ["order", "twice", "more", "NaN", "Infinity", "deep", "binary"])
def test_a_crafted_line_is_refused(tmp_path: Path, spoilt: str) -> None:
    """Children before parents, duplicate or additional lines, Python's extensions of JSON, deep nesting, bytes."""
    path = write(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    if spoilt == "order":
        lines[1], lines[2] = lines[2], lines[1]
    elif spoilt == "twice":
        lines[2] = lines[1]
    elif spoilt == "more":
        lines.append(lines[1])
    elif spoilt == "deep":
        lines[2] = lines[2].replace(b'"attributes":{', b'"attributes":{"x":' + b"[" * 100_000)
    elif spoilt == "binary":
        lines[2] = b"\xff\xfe" + lines[2]
    else:
        lines[2] = lines[2].replace(b'"attributes":{', b'"attributes":{"x":' + spoilt.encode() + b",")
    path.write_bytes(b"".join(lines))
    line = {"order": 2, "more": len(lines) - 1}.get(spoilt, 3)
    assert refused(path).startswith(f":{line}: invalid line of a trace file: ")
