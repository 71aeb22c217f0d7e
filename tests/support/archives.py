"""Archives of logs in every form, packed in memory."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import tarfile
import zipfile
from collections.abc import Callable, Mapping

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Pack = Callable[[bytes], bytes]

PACKERS: dict[str, Pack] = {
    "gz": lambda data: gzip.compress(data, mtime=0), "xz": lzma.compress, "zst": zstd.compress,
    "bz2": lambda data: bz2.compress(data, 1),
}  # fmt: skip


def tar(members: Mapping[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    """Return a tar archive of files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), 1_700_000_000
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def zipped(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip archive of files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


Archiver = Callable[[Mapping[str, bytes]], bytes]


def _packed_tar(pack: Pack) -> Archiver:
    return lambda members: pack(tar(members))


#: An archive of members by the suffix of its name.
ARCHIVES: dict[str, Archiver] = {
    "tar": tar, "zip": zipped, "tgz": _packed_tar(PACKERS["gz"]),
    **{f"tar.{suffix}": _packed_tar(pack) for suffix, pack in PACKERS.items()},
}  # fmt: skip
