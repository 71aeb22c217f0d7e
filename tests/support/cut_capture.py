"""Cutter of the captures in tests/data: python -m tests.support.cut_capture CAPTURE OUT.tar.gz

It keeps the part of a real boot's capture that was recorded during the boot, without traces of the machine: paths, host
and process ids are replaced. It writes segments as the recorder does, without the free space at their ends.
"""

from __future__ import annotations

import io
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

from examples.scrubbing import HOST, without_paths
from patches import record_format
from tests.support.captures import framed, head, packed
from tracer.correlation.pipeline import correlate
from tracer.sources.hooks import segments
from tracer.sources.hooks.marshal_reader import Plain, loads

#: Margin around the boot: a client's last line may follow the server's last step.
MARGIN = 20_000_000
_TIMES = {
    record_format.BEGIN: 5,
    record_format.STEP: 5,
    record_format.CALL: 4,
    record_format.SQL: 4,
    record_format.LOG: 5,
}
_NAMES = {record_format.CALL: 6, record_format.SQL: 6, record_format.LOG: 6}


def scrubbed(value: Plain) -> Plain:
    """Return a value without details of the machine."""
    if isinstance(value, tuple):
        return tuple(scrubbed(item) for item in value)
    if not isinstance(value, str):
        return value
    return without_paths(value)


class _Cut:
    """One process's records that began within an interval, with the names they use."""

    def __init__(self, files: list[Path], earliest: int, latest: int) -> None:
        self.payloads = [payload for file in files for _, payload in segments._frames(file.read_bytes()) if payload]
        self.earliest, self.latest = earliest, latest

    def records(self) -> Iterator[bytes]:
        """Yield the records, framed, names first."""
        selected = [payload for payload in self.payloads if self._in_time(payload)]
        steps = {self._fields(payload)[1] for payload in selected}
        used = {self._fields(payload)[_NAMES[kind]] for payload in selected if (kind := self._kind(payload)) in _NAMES}
        for payload in self.payloads:
            if self._kind(payload) == record_format.NAME and self._fields(payload)[1] in used:
                yield packed(scrubbed(loads(payload)))
        for payload in self.payloads:
            kind = self._kind(payload)
            if self._in_time(payload) or (
                kind in (record_format.END, record_format.NOTE) and self._fields(payload)[1] in steps
            ):
                yield framed(payload) if payload[:1] == b"C" else packed(scrubbed(loads(payload)))

    def _in_time(self, payload: bytes) -> bool:
        field = _TIMES.get(self._kind(payload))
        return field is not None and self.earliest <= self._fields(payload)[field] <= self.latest

    @staticmethod
    def _kind(payload: bytes) -> int:
        return record_format.CALL if payload[:1] == b"C" else payload[6]  # a tuple's head, then its first integer

    @staticmethod
    def _fields(payload: bytes) -> tuple[int, ...]:
        return record_format.PACKED_CALL.unpack(payload) if payload[:1] == b"C" else loads(payload)  # type: ignore[return-value]


def cut(capture: Path, target: Path) -> None:
    """Pack the records from the time of the capture's only boot."""
    (boot,) = correlate(segments.read(capture)).boots
    with tarfile.open(target, "w:gz") as archive:
        stems = sorted({file.name.rpartition("-")[0] for file in (capture / "segments").glob("*.seg")})
        _add(archive, "capture.json", b'{"format": 1}')
        for number, stem in enumerate(stems):
            files = sorted((capture / "segments").glob(f"{stem}-*.seg"))
            about = {name: scrubbed(value) for name, value in segments._header(files[0].read_bytes()).items()}
            offset = int(str(about["wall"])) - int(str(about["monotonic"]))
            part = _Cut(files, boot.started - MARGIN - offset, boot.started + boot.duration + MARGIN - offset)
            data = b"".join(part.records())
            if data:
                name = f"{HOST}-{1000 + number}-{about['wall']!s}"
                _add(archive, f"segments/{name}-0000.seg", head(about | {"pid": 1000 + number, "host": HOST}) + data)
                _add(archive, f"segments/{name}.open", (capture / "segments" / f"{stem}.open").read_bytes())


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    about = tarfile.TarInfo(name)
    about.size = len(data)
    archive.addfile(about, io.BytesIO(data))


if __name__ == "__main__":
    cut(Path(sys.argv[1]), Path(sys.argv[2]))
