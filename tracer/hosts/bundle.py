"""The agent as an archive, and the program that receives it on a host: into memory, checked by its digest."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tracer.files import read

_ROOT = Path(__file__).parents[2]
#: All modules of these folders, and these modules: tests/test_hosts_bundle.py compares them with what they import.
_FOLDERS = ("patches", "tracer/attach", "tracer/attach/injection", "tracer/files")
_MODULES = (
    "tracer/__init__", "tracer/bootstrap/injected", "tracer/callbacks", "tracer/errors", "tracer/hosts/__init__",
    "tracer/hosts/agent", "tracer/hosts/channel", "tracer/hosts/growth", "tracer/hosts/host_captures",
    "tracer/recording/__init__", "tracer/recording/capture", "tracer/sources/__init__",
    "tracer/sources/hooks/__init__", "tracer/sources/hooks/marshal_reader", "tracer/sources/hooks/tally",
    "tracer/text",
)  # fmt: skip
#: The agent's oldest Python.
OLDEST = (3, 9)
#: What the receiving program prints after its marker: it waits for the archive; the archive was complete, or not.
WAITS, COMPLETE, WRONG = b"waits", b"complete", b"wrong"

#: Run by Python 2 as well, for a clear refusal. Only single quotes: it becomes a word in a shell of the host.
_RECEIVER = """
import os, sys
def say(text):
    os.write(1, ('\\n%(marker)s ' + text + '\\n').encode())
if sys.version_info < %(oldest)r:
    say('python ' + sys.version.split()[0])
    raise SystemExit(9)
say('waits')
import hashlib
left, digest, file = %(size)d, hashlib.sha256(), os.memfd_create('bootseq-agent')
while left:
    data = os.read(0, min(left, 65536))
    if not data:
        raise SystemExit(9)
    digest.update(data)
    left -= os.write(file, data)
if digest.hexdigest() != '%(digest)s':
    say('wrong')
    raise SystemExit(9)
say('complete')
sys.path.insert(0, '/proc/self/fd/%%d' %% file)
from tracer.hosts.agent import main
main(%(silence)r)
"""


@dataclass(frozen=True)
class Bundle:
    """The agent's modules as a zip archive, and their SHA-256."""

    data: bytes
    digest: str

    def receiver(self, marker: str, silence: float) -> str:
        """Return the program that receives the archive from stdin and runs it, as one line of Python."""
        fields = {"marker": marker, "oldest": OLDEST, "size": len(self.data), "digest": self.digest, "silence": silence}
        return f"exec({_RECEIVER % fields!r})"


@cache
def build() -> Bundle:
    """Return the bundle of this release: the same bytes each time."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in names():
            content = b"" if name == "tracer/bootstrap/__init__.py" else read.contents(_ROOT / name)
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return Bundle(packed.getvalue(), hashlib.sha256(packed.getvalue()).hexdigest())


def names() -> list[str]:
    """Return the files of the archive."""
    files = [str(path.relative_to(_ROOT)) for folder in _FOLDERS for path in (_ROOT / folder).glob("*.py")]
    return sorted([*files, *(f"{module}.py" for module in _MODULES), "tracer/bootstrap/__init__.py"])
