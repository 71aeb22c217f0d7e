"""A log's lines as log stores export them, each form with the newest line first."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

_HEAD = re.compile(
    r"(?P<time>\S+ \S+) (?P<pid>\d+) (?P<level>\w+) (?P<logger>\S+) \[None req-(?P<id>\S+) [^]]*\] (?P<message>.*)",
    re.DOTALL,
)
HOST, CONTAINER = "kite", "nova-compute"
_POD = {"container_name": CONTAINER, "pod_name": "nova-compute-0", "host": HOST, "namespace_name": "openstack"}


def _nanoseconds(record: str) -> int:
    time = datetime.strptime(record[:23], "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)
    return round(time.timestamp() * 1000) * 1_000_000


def _iso(record: str) -> str:
    return record[:23].replace(" ", "T") + "Z"


def _documents(records: Sequence[str]) -> list[dict[str, object]]:
    """Return fluentd's documents, newest first."""
    return [{"@timestamp": _iso(record), "log": record, "kubernetes": _POD} for record in reversed(records)]


def _kolla(records: Sequence[str]) -> list[dict[str, object]]:
    documents: list[dict[str, object]] = []
    for record in reversed(records):
        fields = _HEAD.match(record)
        assert fields is not None
        documents.append({
            "@timestamp": _iso(record), "Payload": fields["message"], "python_module": fields["logger"],
            "log_level": fields["level"], "Pid": fields["pid"], "request_id": fields["id"], "Hostname": HOST,
            "programname": CONTAINER, "Logger": "openstack.nova",
        })  # fmt: skip
    return documents


def _filebeat(records: Sequence[str]) -> list[dict[str, object]]:
    return [
        {
            "@timestamp": _iso(record), "message": record, "host": {"name": HOST},
            "log": {"file": {"path": f"/var/log/nova/{CONTAINER}.log"}, "offset": 1},
        }
        for record in reversed(records)
    ]  # fmt: skip


def _hits(documents: Sequence[dict[str, object]]) -> list[dict[str, object]]:
    return [{"_index": "logs", "_id": str(number), "_source": doc} for number, doc in enumerate(documents)]


def _json_lines(documents: Sequence[dict[str, object]]) -> str:
    return "".join(json.dumps(document) + "\n" for document in documents)


def _loki(records: Sequence[str]) -> dict[str, object]:
    values = [[str(_nanoseconds(record)), record] for record in reversed(records)]
    stream = {"container": CONTAINER, "hostname": HOST}
    return {"status": "success", "data": {"resultType": "streams", "result": [{"stream": stream, "values": values}]}}


def _table(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    return text.getvalue()


def _kibana_csv(records: Sequence[str]) -> str:
    header = ["@timestamp", "host.name", "kubernetes.container_name", "message"]
    rows = []
    for record in reversed(records):
        time = datetime.strptime(record[:19], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        rows.append([f"{time:%b} {time.day}, {time:%Y @ %H:%M:%S}{record[19:23]}", HOST, CONTAINER, record])
    return "\ufeff" + _table([header, *rows])


def _grafana(records: Sequence[str]) -> list[dict[str, object]]:
    return [
        {
            "line": record, "timestamp": str(_nanoseconds(record)), "date": _iso(record),
            "fields": {"container": CONTAINER, "hostname": HOST},
        }
        for record in reversed(records)
    ]  # fmt: skip


def _grafana_csv(records: Sequence[str]) -> str:
    labels = json.dumps({"container": CONTAINER, "hostname": HOST})
    rows = [[labels, record[:23], record, str(_nanoseconds(record))] for record in reversed(records)]
    return _table([["labels", "Time", "Line", "tsNs"], *rows])


#: An export by the suffix of its file.
FORMS: dict[str, Callable[[Sequence[str]], str]] = {
    "opensearch.json": lambda records: json.dumps({"took": 3, "hits": {"hits": _hits(_documents(records))}}),
    "kibana.json": lambda records: json.dumps(_hits(_filebeat(records)), indent=2),
    "elasticdump.json": lambda records: _json_lines(_hits(_documents(records))),
    "fluentd.jsonl": lambda records: _json_lines(_documents(records)),
    "kolla.json": lambda records: json.dumps(_hits(_kolla(records))),
    "filebeat.ndjson": lambda records: _json_lines(_filebeat(records)),
    "loki.json": lambda records: json.dumps(_loki(records)),
    "loki-pretty.json": lambda records: json.dumps(_loki(records), indent=1),
    "logcli.jsonl": lambda records: _json_lines([
        {"labels": {"container": CONTAINER, "hostname": HOST}, "line": record, "timestamp": _iso(record)}
        for record in reversed(records)
    ]),
    "grafana.json": lambda records: json.dumps(_grafana(records)),
    "grafana.csv": _grafana_csv,
    "kibana.csv": _kibana_csv,
}  # fmt: skip
#: Forms of lines: what continues a record is a line of its own, as stores keep it.
LINE_FORMS: dict[str, Callable[[Sequence[str]], str]] = {
    "grafana.txt": lambda lines: "Common labels: {}\nLine limit: 1000\n\n\n" + "".join(
        f"{_nanoseconds(line) // 1_000_000}\t{_iso(line)}\t{line}\n" for line in reversed(lines)
    ),
    "logcli.txt": lambda lines: "".join(
        f'{_iso(line)} {{container="{CONTAINER}", hostname="{HOST}"}} {line}\n' for line in reversed(lines)
    ),
}  # fmt: skip
