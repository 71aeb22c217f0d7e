"""Archives of logs: tar and zip, packed, nested, cut and hostile, from outside and in memory."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.support.archives import ARCHIVES, PACKERS, tar, zipped
from tracer.cli import main
from tracer.events import Events
from tracer.sources import archives, contents, packing
from tracer.sources.logs.detect import Hints

R = "req-c29ec537-4c93-4257-b1e1-a97407e9c85d"


def line(text: str = "text", second: int = 0) -> bytes:
    return f"2026-11-22 12:00:{second:02}.000 77 INFO eventlet.wsgi [None {R} u p - - - -] {text}\n".encode()


LOGS = {"top/var/log/glance/api.log": line("of glance"), "top/var/log/nova/nova-compute.log.1": line("of compute", 1)}


def read(path: Path) -> Events:
    return contents.read(path, Hints())


def written(folder: Path, name: str, data: bytes) -> Path:
    (folder / name).write_bytes(data)
    return folder / name


def messages(events: Events) -> list[object]:
    return [event.attributes["message"] for event in events.events]


def ingest(path: Path) -> Result:
    return CliRunner().invoke(main, ["ingest", "-o", str(path.parent / "o.trace.jsonl"), str(path)])


@pytest.mark.parametrize("suffix", ARCHIVES)
def test_an_archive_is_read_like_a_folder(tmp_path: Path, suffix: str) -> None:
    """Members give names and folders, and thus services."""
    path = written(tmp_path, f"sos.{suffix}", ARCHIVES[suffix](LOGS))
    events = read(path)
    assert (messages(events), events.warnings, events.damaged) == (["of glance", "of compute"], [], False)
    assert [process.argv for process in events.processes] == ["glance-api (api)", "nova-compute"]
    assert sorted(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_packed_log_is_read(tmp_path: Path, suffix: str) -> None:
    assert messages(read(written(tmp_path, f"a.log.{suffix}", PACKERS[suffix](line("one")) * 2))) == ["one", "one"]


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_packed_log_is_read_up_to_its_cut(tmp_path: Path, suffix: str) -> None:
    data = b"".join(line(f"{number * 7919 % 65537:x}", number % 60) for number in range(8_000))
    events = read(written(tmp_path, f"a.log.{suffix}", PACKERS[suffix](data)[:-2000]))
    assert len(events.events) > 100
    assert not events.damaged
    assert events.warnings == [f"{tmp_path}/a.log.{suffix}: {packing.CUT_OFF}"]


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_damaged_packed_log_is_reported(tmp_path: Path, suffix: str) -> None:
    data = bytearray(PACKERS[suffix](b"".join(line(f"{number * 7919 % 65537:x}") for number in range(8_000))))
    # Deflate takes any bytes for text; a sum at its end is what shows the damage.
    offset = len(data) - 8 if suffix == "gz" else len(data) // 2
    data[offset:] = b"\xff" * (len(data) - offset)
    events = read(written(tmp_path, f"a.log.{suffix}", bytes(data)))
    assert events.damaged
    # The bytes before the damage may be no line of a log any more, which is a warning of its own.
    assert f"{tmp_path}/a.log.{suffix}: {packing.DAMAGED}" in events.warnings


def test_a_cut_archive_is_read_up_to_the_cut(tmp_path: Path) -> None:
    data = tar(LOGS | {"top/z.log": line("cut here") * 100})
    path = written(tmp_path, "sos.tar", data[: data.index(b"cut here") + 5000])
    events = read(path)
    assert messages(events)[:3] == ["of glance", "of compute", "cut here"]
    assert (events.warnings, events.damaged) == ([f"{path}: {packing.CUT_OFF}"], False)


def test_a_folder_with_archives_is_read(tmp_path: Path) -> None:
    (tmp_path / "sos").mkdir()
    written(tmp_path / "sos", "one.tar.xz", ARCHIVES["tar.xz"](LOGS))
    written(tmp_path / "sos", "nova-api.log", line("plain"))
    result = ingest(tmp_path / "sos")
    assert (result.exit_code, "3 events of 3 processes" in result.output) == (0, True)


def test_packed_members_and_archives_in_an_archive_are_read_one_level_deep(tmp_path: Path) -> None:
    deep = ARCHIVES["tar.gz"]({"deep.log": line("too deep")})
    inner = zipped({"a/nova-api.log": line("inner"), "b.tar.gz": deep})
    members = {"n-cpu.txt.gz": PACKERS["gz"](line("packed")), "logs.zip": inner}
    path = written(tmp_path, "outer.tar.zst", ARCHIVES["tar.zst"](members))
    events = read(path)
    assert messages(events) == ["packed", "inner"]
    assert [process.argv for process in events.processes] == ["nova-compute (n-cpu)", "nova-api"]
    assert events.warnings == [
        f"{path}: 1 member skipped: an archive in an archive in an archive; extract it (logs.zip/b.tar.gz)"
    ]


def test_members_that_are_no_logs_are_counted_in_one_warning(tmp_path: Path) -> None:
    members = LOGS | {"a.txt": b"prose\n", "b/c.json": b"{}", "e.log": b"", "picture.png": b"\x89PNG"}
    path = written(tmp_path, "sos.tar", tar(members))
    events = read(path)
    assert (len(events.events), events.damaged) == (2, False)
    assert events.warnings == [
        f"{path}: 2 members skipped: no line in a known log format (first: a.txt)",
        f"{path}: 1 member skipped: empty (e.log)",
    ]


def test_long_and_foreign_names_are_read(tmp_path: Path) -> None:
    name = "d" * 90 + "/" + "ü" * 60 + "/nova-api.log"
    for number, form in enumerate((tarfile.PAX_FORMAT, tarfile.GNU_FORMAT)):
        path = written(tmp_path, f"{number}.tar", tar({name: line()}, form))
        assert [process.key for process in read(path).processes] == [f"log {path}/{name} nova-api 77"]


@pytest.mark.parametrize(
    "name", ["/etc/../var/log/nova-api.log", "../../nova-api.log", "..\\nova-api.log", "//nova-api.log"]
)
def test_names_that_lead_out_of_the_archive_do_not(tmp_path: Path, name: str) -> None:
    for path in (written(tmp_path, "a.tar", tar({name: line()})), written(tmp_path, "a.zip", zipped({name: line()}))):
        (process,) = read(path).processes
        assert process.clock.startswith(f"{path}/")
        assert ".." not in process.clock
    assert len(list(tmp_path.iterdir())) == 2


def test_links_and_devices_are_not_followed(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for number, kind in enumerate((tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE)):
            info = tarfile.TarInfo(f"{number}.log")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    path = written(tmp_path, "a.tar", buffer.getvalue())
    assert read(path).warnings == [f"{path}: 4 members skipped: links and devices (first: 0.log)"]


def test_encrypted_and_oddly_packed_zips_are_reported_and_the_rest_is_read(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.log": line("secret"), "b.log": line("open")}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    path = written(tmp_path, "a.zip", bytes(data))
    events = read(path)
    assert (messages(events), events.damaged) == (["open"], True)
    assert events.warnings == [f"{path}: 1 member skipped: encrypted (a.log)"]
    events = read(written(tmp_path, "b.zip", zipped({"a.log": line()}, zipfile.ZIP_BZIP2)))
    assert events.warnings == [f"{tmp_path}/b.zip: 1 member skipped: packed by another method than deflate (a.log)"]


@pytest.mark.parametrize("suffix", ["tar.xz", "tar.zst", "tar.gz", "zip"])
def test_a_bomb_ends_at_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    """Keep the members that were read before."""
    monkeypatch.setattr(packing, "MAX_UNPACKED", 1 << 20)
    path = written(tmp_path, f"a.{suffix}", ARCHIVES[suffix](LOGS | {"z.log": bytes(16 << 20), "zz.log": line()}))
    events = read(path)
    assert (messages(events), events.damaged) == (["of glance", "of compute"], True)
    assert events.warnings == [f"{path}: holds over 0 GB unpacked; extract the part you need"]


@pytest.mark.parametrize("suffix", ["tar", "zip"])
def test_too_many_members_end_at_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    monkeypatch.setattr(archives, "MAX_ENTRIES", 2)
    path = written(tmp_path, f"a.{suffix}", ARCHIVES[suffix](LOGS | {"z.log": line()}))
    events = read(path)
    assert (len(events.events), events.damaged) == (2, True)
    assert events.warnings == [f"{path}: more than 2 members; extract the logs in it"]


def test_a_size_that_lies_ends_at_the_end(tmp_path: Path) -> None:
    info = tarfile.TarInfo("nova-api.log")
    info.size = 1 << 60
    path = written(tmp_path, "a.tar", info.tobuf(tarfile.GNU_FORMAT) + line("short"))
    events = read(path)
    assert (messages(events), events.warnings) == (["short"], [f"{path}: {packing.CUT_OFF}"])


def test_a_long_header_is_not_read_into_memory(tmp_path: Path) -> None:
    """Python's own tarfile reads all of it."""
    info = tarfile.TarInfo("././@PaxHeader")
    info.type, info.size = tarfile.XHDTYPE, 4 << 20
    path = written(tmp_path, "a.tar.gz", PACKERS["gz"](info.tobuf() + bytes(4 << 20) + tar(LOGS)))
    assert len(read(path).events) == 2


def test_a_long_directory_of_a_zip_is_refused(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.log": line()}))
    end = data.rindex(b"PK\x05\x06")
    struct.pack_into("<L", data, end + 12, 0x7FFFFFFF)
    path = written(tmp_path, "a.zip", bytes(data))
    events = read(path)
    assert (events.events, events.damaged, len(events.warnings)) == ([], True, 1)
    assert events.warnings[0].startswith(f"{path}: ")


@pytest.mark.parametrize("suffix", ARCHIVES)
def test_any_cut_of_an_archive_is_one_line(tmp_path: Path, suffix: str) -> None:
    data = ARCHIVES[suffix](LOGS)
    for end in range(1, len(data), max(1, len(data) // 20)):
        events = read(written(tmp_path, f"a.{suffix}", data[:end]))
        assert len(events.warnings) <= 2, events.warnings


def test_an_archive_on_standard_input_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "a.tar.xz", ARCHIVES["tar.xz"](LOGS))
    with path.open("rb") as file:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(file))
        assert messages(read(Path("-"))) == ["of glance", "of compute"]


def test_a_damaged_archive_gives_a_trace_and_exit_code_2(tmp_path: Path) -> None:
    data = bytearray(tar(LOGS | {"z.log": line()}))
    offset = data.index(b"z.log")
    data[offset : offset + 100] = b"\xff" * 100
    result = ingest(written(tmp_path, "a.tar", bytes(data)))
    assert result.exit_code == 2
    assert f"warning: {tmp_path}/a.tar: {packing.DAMAGED}" in result.output
    assert "from 2 events of 2 processes" in result.output
