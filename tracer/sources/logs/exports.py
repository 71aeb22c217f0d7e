"""Reader of log stores' exports: Loki's, Grafana's, Kibana's and OpenSearch's, as JSON, JSON lines, CSV and text.

Stores answer with the newest line first: entries are put in the order of time.
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

from tracer.sources.logs import blocks, export_fields
from tracer.sources.logs.blocks import Buffer
from tracer.sources.logs.entries import Entry
from tracer.sources.logs.times import Clock

#: The longest export that is one JSON value: about ten times that are needed in memory.
_MAX_JSON = 128 << 20
_BOM = b"\xef\xbb\xbf"
#: Lists of documents in answers: Elasticsearch's and Kibana's, Loki's.
_HITS = (
    ("hits", "hits"),
    ("rawResponse", "hits", "hits"),
    ("data", "result"),
    ("result",),
    ("streams",),
    ("responses",),
)
#: Fluentd's own lines, of which a tag and an object follow the time, are json_lines'.
_LOKI = re.compile(
    rb"(?:(?P<ms>\d{13})\t)?(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d))"
    rb"(?:\t(?![^\t\n]*\t\{)| (?P<labels>\{[^}\n]{0,2000}\}) )(?P<line>[^\n]*)"
)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
#: Columns of which a table of log lines has one each.
_TIMES = frozenset(
    {"@timestamp", "_source.@timestamp", "timestamp", "Timestamp", "Time", "time", "tsNs", "Date", "date"}
)
_LINES = frozenset({"message", "_source.message", "Payload", "log", "Line", "line", "_source.log", "msg"})
_TORN = "documents at the end of an export that is cut off"
_BAD_ROW = "rows of a table that are not CSV"

Json = Any


def matches(sample: bytes) -> bool:
    """Return whether a text begins like an export."""
    sample = sample.removeprefix(_BOM).lstrip()
    if sample[:1] in b"[{":
        return bool(sample) and _begins_json(sample)
    return _columns(sample) is not None or _is_text(sample)


def read(data: Buffer, clock: Clock, lost: Counter[str]) -> Iterator[Entry]:
    """Yield the entries in the order of time; torn documents are counted in ``lost``."""
    sample = blocks.beginning(data, 1 << 16).removeprefix(_BOM)
    start = sample.lstrip()
    if start[:1] in (b"[", b"{"):
        documents = _json(data, lost)
    elif _columns(start) is not None:
        documents = _table(data, start, lost)
    else:
        documents = _lines(data)
    entries = [entry for document in documents if (entry := export_fields.entry(document, clock)) is not None]
    pairs = pairwise(entries)
    if sum((before.time > after.time) - (before.time < after.time) for before, after in pairs) > 0:
        entries.reverse()
    entries.sort(key=lambda entry: entry.time)
    yield from entries


def _begins_json(sample: bytes) -> bool:
    """Return whether a JSON text is documents, or an answer that holds some, as far as its beginning shows."""
    first, _, rest = sample.partition(b"\n")
    parsed = _parsed(first)
    if isinstance(parsed, dict) and "resultType" not in str(parsed)[:200]:
        return any(export_fields.entry(document, Clock()) is not None for document in _marked([parsed]))
    names = rb'"(?:hits|result|streams|rawResponse|_source|@timestamp|python_module|labels|line|kubernetes)"\s*:'
    return (not rest.lstrip().startswith(b"{") or parsed is None) and re.search(names, sample) is not None


def _marked(values: Iterable[Json]) -> Iterator[dict[str, Json]]:
    """Yield the documents in JSON values: objects with a field of a log store's, in lists and in answers."""
    for value in values:
        if isinstance(value, list):
            yield from _marked(value)
        elif isinstance(value, dict):
            inner = next((inner for path in _HITS if isinstance(inner := _value_of(value, path), list)), None)
            if inner is not None:
                yield from _marked(inner)
            elif isinstance(value.get("values"), list):
                yield from _loki(value)
            elif export_fields.is_document(value):
                yield value


def _value_of(value: Json, path: tuple[str, ...]) -> Json:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _loki(stream: dict[str, Json]) -> Iterator[dict[str, Json]]:
    labels = stream.get("stream") or stream.get("labels") or {}
    for pair in stream["values"]:
        if isinstance(pair, list) and len(pair) >= 2:
            yield {"labels": labels, "timestamp": pair[0], "line": pair[1]}


def _json(data: Buffer, lost: Counter[str]) -> Iterator[dict[str, Json]]:
    """Yield the documents of JSON lines, or of one JSON text, up to its cut."""
    first = next((line for line in blocks.lines(data) if line.strip()), b"").removeprefix(_BOM)
    if isinstance(_parsed(first), dict):
        for line in blocks.lines(data):
            parsed = _parsed(line.removeprefix(_BOM))
            lost[_TORN] += parsed is None and bool(line.strip())
            yield from _marked([parsed])
        return
    text = blocks.part(data, 0, _MAX_JSON).decode("utf-8-sig", "replace")
    whole = _parsed(text)
    if whole is not None:
        yield from _marked([whole])
    else:
        yield from _marked(_elements(text, lost))


def _elements(text: str, lost: Counter[str]) -> Iterator[Json]:
    """Yield the values of a list that is cut off, or of objects in a row."""
    decoder = json.JSONDecoder(strict=False)
    begin = re.match(r'\s*\[|.{0,2000}?"hits"\s*:\s*\[|\s*', text, re.DOTALL)
    offset = begin.end() if begin else 0
    while offset < len(text):
        gap = re.compile(r"[\s,\]]*").match(text, offset)
        offset = gap.end() if gap else offset
        try:
            value, offset = decoder.raw_decode(text, offset)
        except (ValueError, RecursionError):
            lost[_TORN] += offset < len(text)
            return
        yield value


def _parsed(line: bytes | str) -> Json:
    try:
        return json.loads(line, strict=False)
    except (ValueError, RecursionError):
        return None


def _columns(sample: bytes) -> str | None:
    """Return the separator of a table that has columns of time and line, None if it has not."""
    header = sample.partition(b"\n")[0].decode("utf-8", "replace").strip()
    for separator in ",;\t":
        names = {name.strip().strip('"') for name in header.split(separator)}
        if len(names) > 1 and not names.isdisjoint(_TIMES) and not names.isdisjoint(_LINES):
            return separator
    return None


def _table(data: Buffer, start: bytes, lost: Counter[str]) -> Iterator[dict[str, Json]]:
    csv.field_size_limit(blocks.MAX_LINE)
    texts = (line.decode("utf-8-sig", "replace").replace("\0", "") + "\n" for line in blocks.lines(data))
    rows = _rows(csv.reader(texts, delimiter=_columns(start) or ","), lost)
    names = [name.strip() for name in next(rows, [])]
    for row in rows:
        yield dict(zip(names, row, strict=False))


def _rows(rows: Iterator[list[str]], lost: Counter[str]) -> Iterator[list[str]]:
    """Yield the rows of a table; the reader continues after a line that is not CSV, such as one with a lone \\r."""
    while True:
        try:
            yield next(rows)
        except StopIteration:
            return
        except csv.Error:
            lost[_BAD_ROW] += 1


def _is_text(sample: bytes) -> bool:
    """Return whether a text's lines are those of Grafana's download or of logcli."""
    lines = [line for line in sample.split(b"\n")[:12] if line.strip()]
    return sum(_LOKI.match(line) is not None for line in lines) > len(lines) // 2


def _lines(data: Buffer) -> Iterator[dict[str, Json]]:
    for line in blocks.lines(data):
        match = _LOKI.match(line)
        if match is not None:
            labels = dict(_LABEL.findall((match["labels"] or b"").decode("utf-8", "replace")))
            yield {
                "labels": labels, "timestamp": match["time"].decode(), "line": match["line"].decode("utf-8", "replace"),
            }  # fmt: skip
