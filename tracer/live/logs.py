"""The last lines with an id in the log files that services have open: the past of a request that nobody recorded."""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress

from patches import masking
from tracer.attach import proc
from tracer.live.answer import LogLine
from tracer.live.stacks import ProcessStacks

#: The end of a log that is read, and the part of a line that is quoted.
_TAIL, _QUOTED = 1 << 20, 240
_REQUEST = re.compile(r"req-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MAX_FILES = 8


def last_lines(processes: Iterable[ProcessStacks], ids: Iterable[str]) -> list[LogLine]:
    """Return the last line of each log that has one of the ids, the latest first."""
    wanted = [text for text in dict.fromkeys(ids) if text]
    lines = [line for process in processes for line in _of_process(process, wanted)]
    unique = {line.file: line for line in sorted(lines, key=lambda line: line.text)}
    return sorted(unique.values(), key=lambda line: line.text, reverse=True)


def requests_of(processes: Iterable[ProcessStacks], what: str) -> list[str]:
    """Return the request ids of the lines that mention ``what``, the latest last."""
    texts = [text for process in processes for _, text, _ in _tails(process)]
    lines = [line for text in texts for line in text.splitlines() if what in line]
    return list(dict.fromkeys(request for line in sorted(lines) for request in _REQUEST.findall(line)))


def _of_process(process: ProcessStacks, wanted: list[str]) -> Iterator[LogLine]:
    for file, text, changed in _tails(process):
        end = max((text.rfind(word) for word in wanted), default=-1)
        if end >= 0:
            start = text.rfind("\n", 0, end) + 1
            line = text[start:].partition("\n")[0]
            quoted = masking.mask(line)[:_QUOTED]
            yield LogLine(process.service, process.pid, file, quoted, max(0.0, time.time() - changed))


def _tails(process: ProcessStacks) -> Iterator[tuple[str, str, float]]:
    """Yield path, last part and time of the last change of each log file that a process has open."""
    with suppress(OSError):
        names = os.listdir(f"/proc/{process.pid}/fd")
        links = [(name, _link(process.pid, name)) for name in names]
        logs = {path: name for name, path in links if path.endswith(".log")}
        for path, name in list(logs.items())[:_MAX_FILES]:
            with suppress(OSError):
                yield path, *_tail(process.pid, int(name))


def _link(pid: int, name: str) -> str:
    try:
        return os.readlink(f"/proc/{pid}/fd/{name}")
    except OSError:
        return ""


def _tail(pid: int, number: int) -> tuple[str, float]:
    descriptor = proc.open_file(pid, number)
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            return "", 0.0
        data = os.pread(descriptor, _TAIL, max(0, about.st_size - _TAIL))
        return data.decode(errors="replace"), about.st_mtime
    finally:
        os.close(descriptor)
