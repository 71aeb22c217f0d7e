"""The report of a suite's process: a line of JSON as each test ends, and finally the state of the process."""

import json
import os
import re
import time

import suite_state

#: This side's own folder.
_SIDE = os.path.dirname(os.getcwd())
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}")
_FAILURE = re.compile(r"^([A-Za-z_][\w.]*)(?::|$)", re.MULTILINE)


class Report:
    """Writes to a descriptor that the suite's children do not inherit; unbuffered, so that a crash loses nothing."""

    def __init__(self, path):
        self._file = open(path, "ab", buffering=0)  # noqa: SIM115 - open for as long as the process is
        self._clock = time.monotonic  # tests replace it in its module
        self._last = self._clock()

    def test(self, name, outcome, text=""):
        now = self._clock()
        seconds, self._last = round(now - self._last, 3), now
        name = _ADDRESS.sub("0x", name.replace(_SIDE, ""))
        self._write({"test": name, "outcome": outcome, "text": text, "seconds": seconds})

    def warning(self, category, path, line):
        self._write({"warning": suite_state.warning(category, path, line)})

    def end(self):
        state = suite_state.state(self._file.fileno())
        self._write({"state": state})

    def _write(self, values):
        self._file.write(json.dumps(values).encode() + b"\n")


def failure(kind, text):
    """Return a failure's kind and exception class, which is the last name that begins a line of the traceback."""
    names = [name.rpartition(".")[2] for name in _FAILURE.findall(text) if name[:1].isupper() or "." in name]
    return f"{kind} {names[-1]}" if names else kind
