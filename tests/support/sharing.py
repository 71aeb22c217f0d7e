"""Originals planted in logs and traces, the anonymised result, and traces compared up to their tokens."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from tracer.anonymize.names import KINDS
from tracer.cli import main

_MASK = re.compile(r"""(['"])[*]{3}\1""")
#: An id that SQLAlchemy cut: a log may have the whole of it in another place, a trace not.
_CUT_ID = re.compile(r"\b[0-9a-f]{8,31}(?= [.]{3} \([0-9]+ characters truncated)")
_TOKENS = re.compile(
    rf"\b(?:{'|'.join(KINDS)})-\d+(?:\.example)?\b"
    r"|[0-9a-f]{8}([-_]?)0000\1?4000\1?8000\1?0000[0-9a-f]{8}|[0-9a-f]{8}0{8,}[0-9a-f]{8}"
    r"|\b192\.0\.2\.\d+|\b198\.51\.100\.\d+|\b203\.0\.113\.\d+|2001:db8::[0-9a-f]+|02:00:00(?::[0-9a-f]{2}){3}"
    r"|instance-[0-9a-f]{8}|\b[0-9a-f]{8}-[0-9a-f]{1,2}\b|(?<=tap)[0-9a-f]{8}-[0-9a-f]{2}"
)


def anonymize(path: Path, output: Path) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, ["anonymize", str(path), "-o", str(output)])


def shared(tmp_path: Path, text: str | bytes, name: str = "a.log") -> str:
    """Return the text, anonymised; an AssertionError if the command fails."""
    path, output = tmp_path / name, tmp_path / f"shared-{name}"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    run = anonymize(path, output)
    assert run.exit_code == 0, run.output
    data = output.read_bytes()
    return (gzip.decompress(data) if name.endswith(".gz") else data).decode(errors="surrogateescape")


def ingest(output: Path, *paths: Path) -> Path:
    """Ingest into a trace file and return it."""
    run = CliRunner().invoke(main, ["ingest", "-o", str(output), *map(str, paths)])
    assert run.exit_code == 0, run.output
    return output


def outline(path: Path) -> list[Any]:
    """Return the lines of a trace file with every token replaced by its number of appearance.

    Left out is what names the input's path or is a digest of it, ids that were cut, and quotes around what was masked.
    """
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        header, *steps = [json.loads(line) for line in file]
    numbers: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        return f"<{numbers.setdefault(re.sub('[-_]', '', match[0]), len(numbers))}>"

    def numbered(value: Any) -> Any:
        if isinstance(value, str):
            return _MASK.sub("***", _TOKENS.sub(number, _CUT_ID.sub("<cut>", value)))
        if isinstance(value, dict):
            return {numbered(key): "***" if key in _MASKED else numbered(inner) for key, inner in value.items()}
        return [numbered(inner) for inner in value] if isinstance(value, list) else value

    for step in steps:
        step.pop("id", None)
        for of in (step, step.get("attributes", {})):
            of.pop("payload", None)
            of.pop("log_file", None)
    requests = [*header["boots"], *header["others"]]
    for request in requests:
        request["request_ids"] = len(request["request_ids"])  # sorted by their text
    return [numbered(step) for step in steps] + [numbered(request) for request in requests]


#: Keys whose empty values are masked in texts and not in values.
_MASKED = frozenset(("user_data", "key_data", "injected_files"))
