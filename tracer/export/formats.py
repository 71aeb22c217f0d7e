"""The formats of export: their suffixes, their encoders, and what each cannot hold."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tracer.errors import TracerError
from tracer.export.spans import SpanTree

_ROOM = "tracer.export"


@dataclass(frozen=True)
class Format:
    """A format; ``suffix`` is its name too, ``extra`` the extra of bootseq with the library that encodes it."""

    suffix: str
    module: str
    extra: str = ""
    library: str = ""
    logs: bool = False
    #: its spans have the ids of a trace
    ids: bool = False

    def traces(self, trees: Sequence[SpanTree]) -> Iterator[bytes]:
        """Return the parts of the encoded traces."""
        parts: Iterator[bytes] = self.encoder().traces(trees)
        return parts

    def log_parts(self, trees: Sequence[SpanTree]) -> Iterator[bytes]:
        """Return the parts of the encoded logs; only formats with ``logs`` have them."""
        parts: Iterator[bytes] = self.encoder().logs(trees)
        return parts

    def omitted(self) -> str:
        """Return what the format cannot hold, "" where it holds everything."""
        return str(self.encoder().OMITS)

    def encoder(self) -> Any:
        """Return the module that encodes the format; a TracerError where its library is missing."""
        try:
            return importlib.import_module(f"{_ROOM}.{self.module}")
        except ModuleNotFoundError as error:
            if not self.extra or error.name is None or error.name.startswith("tracer"):
                raise
            raise TracerError(
                f".{self.suffix} needs {self.library}; install it with: pip install 'bootseq[{self.extra}]'"
            ) from None


FORMATS = (
    Format("otlp.jsonl", "otlp_json", logs=True, ids=True),
    Format("otlp.pb", "otlp_protobuf", "otlp", "opentelemetry-proto", logs=True, ids=True),
    Format("pftrace", "perfetto", "perfetto", "perfetto"),
    Format("speedscope.json", "speedscope"),
    Format("folded", "folded"),
    Format("appmap.json", "appmap"),
    Format("jaeger.json", "jaeger", ids=True),
    Format("zipkin.json", "zipkin", ids=True),
)
BY_SUFFIX = {format_.suffix: format_ for format_ in FORMATS}


def of_name(name: str) -> Format:
    """Return the format of a file's name, which may end in .gz; a TracerError if it has none of the suffixes."""
    plain = name.lower().removesuffix(".gz")
    matching = [format_ for format_ in FORMATS if plain.endswith(f".{format_.suffix}")]
    if not matching:
        suffixes = ", ".join(f".{suffix}" for suffix in BY_SUFFIX)
        raise TracerError(f"{name}: unknown suffix, which is the format; use one of {suffixes}, or pass --format")
    return matching[0]
