"""Archives: the logs in tar and zip files, each as a text of its own; nothing is written under a member's name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO

from tracer.errors import UnreadableError
from tracer.files import read as files_read
from tracer.sources import packing, tar, zip
from tracer.sources.listing import MAX_ENTRIES
from tracer.sources.logs import buffers
from tracer.sources.logs.blocks import Text
from tracer.sources.logs.log_names import is_log_name
from tracer.sources.packing import Budget

#: Archives in an archive are read, those in them are not.
_MAX_DEPTH = 2
#: Suffixes of members that are read beside those of logs.
_OTHERS = frozenset({".xz", ".zst", ".bz2", ".zip", ".tar", ".tgz", ".txz", ".jsonl", ".ndjson", ".json", ".csv"})
_CAPTURED = ".seg"
_PIECE = 1 << 20

#: Receives a member's path, text and time of change.
OnText = Callable[[Path, Text, datetime], None]


def is_archive(file: IO[bytes]) -> bool:
    """Return whether a file is a tar archive, packed or not, or a zip archive."""
    file.seek(0)
    head = file.read(tar.BLOCK)
    file.seek(0)
    if head.startswith(zip.MAGICS):
        return True
    if packing.is_packed(head):
        unpacked = packing.Unpacked(file.read, Budget())
        head = b""
        while len(head) < tar.BLOCK and (more := unpacked.read(tar.BLOCK - len(head))):
            head += more
        file.seek(0)
    return len(head) == tar.BLOCK and tar.header(head) is not None


class Archive:
    """An archive that is being read: what could not be read of it, in one line per reason."""

    def __init__(self, path: Path, on_text: OnText, on_progress: Callable[[float], None]) -> None:
        self._path, self._on_text, self._on_progress = path, on_text, on_progress
        self._budget = Budget()
        self._count = 0
        #: by reason: the count and the first of the members that were skipped
        self._skipped: Counter[str] = Counter()
        self._first: dict[str, str] = {}
        self.warnings: list[str] = []
        self.damaged = False

    def read(self, file: IO[bytes]) -> None:
        """Pass each member that is named like a log to ``on_text``."""
        file.seek(0, 2)
        size = file.tell() or 1
        self._read(self._path, file, 1, lambda: self._on_progress(min(1.0, file.tell() / size)))
        self.warnings += [
            f"{self._path}: {count} {'member' if count == 1 else 'members'} skipped: {reason} "
            f"({'first: ' if count > 1 else ''}{self._first[reason]})"
            for reason, count in self._skipped.items()
        ]

    def skip(self, reason: str, member: Path, *, damaged: bool = False) -> None:
        """Count a member that is not read."""
        self._skipped[reason] += 1
        self._first.setdefault(reason, str(member.relative_to(self._path)))
        self.damaged = self.damaged or damaged

    def _read(self, path: Path, file: IO[bytes], depth: int, report: Callable[[], None]) -> None:
        try:
            file.seek(0)
            head = file.read(packing.HEAD)
            file.seek(0)
            if head.startswith(zip.MAGICS):
                self._members(path, zip.Zip(file), depth, report)
                return
            unpacked = packing.Unpacked(file.read, self._budget) if packing.is_packed(head) else None
            archive = tar.Tar(unpacked.read if unpacked else file.read)
            self._members(path, archive, depth, report)
            fault = (unpacked.fault if unpacked else "") or archive.fault
            if fault:
                self.warnings.append(f"{path}: {fault}")
                self.damaged = self.damaged or fault != packing.CUT_OFF
        except UnreadableError as error:
            self.warnings.append(f"{path}: {error}")
            self.damaged = True

    def _members(self, path: Path, archive: tar.Tar | zip.Zip, depth: int, report: Callable[[], None]) -> None:
        for header in archive.members():
            self._count += 1
            if self._count > MAX_ENTRIES:
                raise UnreadableError(f"more than {MAX_ENTRIES:,} members; extract the logs in it")
            member = path / _inside(header.name)
            if header.is_folder or not _is_wanted(member):
                if member.suffix == _CAPTURED:
                    self.skip("what hooks recorded; extract the capture and name it", member)
            elif not header.is_file:
                self.skip("links and devices", member)
            else:
                self._member(member, archive, header, depth, report)

    def _member(
        self, path: Path, archive: tar.Tar | zip.Zip, header: tar.Header, depth: int, report: Callable[[], None]
    ) -> None:
        data = archive.read(_PIECE)
        if not data and not archive.fault:
            self.skip("empty", path)
            return
        with ExitStack() as stack:
            copy = stack.enter_context(files_read.scratch())
            while data:
                # What tar skips is unpacked too, and counted there; a zip's members are not, so that they count here.
                if isinstance(archive, zip.Zip):
                    self._budget.spend(len(data))
                copy.write(data)
                data = archive.read(_PIECE)
            fault = archive.fault if isinstance(archive, zip.Zip) else ""  # a tar's is reported at its end
            if fault and not copy.tell():
                self.skip(fault, path, damaged=True)
                return
            if is_archive(copy):
                if depth < _MAX_DEPTH:
                    self._read(path, copy, depth + 1, lambda: None)
                else:
                    self.skip("an archive in an archive in an archive; extract it", path)
                return
            try:
                text = stack.enter_context(buffers.text_of(path, copy, self._budget))
            except UnreadableError as error:
                raise UnreadableError(str(error).removeprefix(f"{path}: ")) from None
            except OSError as error:
                self.skip(f"cannot be read: {error.strerror or error}", path, damaged=True)
                return
            text.fault = text.fault or fault
            self._on_text(path, text, datetime.fromtimestamp(_seconds(header.time), UTC))
        report()


def _is_wanted(path: Path) -> bool:
    return is_log_name(path) or not _OTHERS.isdisjoint(path.suffixes)


def _inside(name: str) -> PurePosixPath:
    """Return a member's name as a path below the archive: names may be absolute, or lead out of it."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    return PurePosixPath(*parts) if parts else PurePosixPath("-")


def _seconds(time: int) -> int:
    return time if 0 <= time < 1 << 33 else 0
