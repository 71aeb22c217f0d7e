"""Attacks by other users and services on root's commands: only their own processes may be affected."""

from __future__ import annotations

import json
import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.alone import alone, start, tool
from tests.support.attackers import ALICE, MALLORY, everything, ground, needs_root
from tests.support.waiting import wait_until

pytestmark = needs_root


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder like /tmp, with a folder of root's in it that no attack may change."""
    with ground() as base:
        precious = base / "precious"
        (precious / "deep").mkdir(parents=True)
        (precious / "profile.sh").write_text("exit\n")
        (precious / "deep" / "h-1-2-0000.seg").write_text("secret\n")
        (precious / "profile.sh").chmod(0o600)
        yield base


#: Poses as a recording process: maps a fake segment table beside a fake capture, then runs a line of DECOYS.
DECOY = """
import json, mmap, os, sys, time
folder, precious = sys.argv[1:3]
boot = open('/proc/sys/kernel/random/boot_id').read().strip()
text = json.dumps({'machine': boot, 'points': [{'key': '$(id)', 'where': 'a:b', 'when': 'entry', 'expressions': [],
                                                'unsafe': True, 'pids': [], 'services': []}]})
os.makedirs(folder + '/segments', exist_ok=True)
open(folder + '/capture.json', 'w').write('{}')
file = open(folder + '/segments/h-1-2.open', 'w+b')
file.write(bytes(65536)); file.flush()
table = mmap.mmap(file.fileno(), 65536)
%s
print('ready', flush=True)
while True:
    %s
"""
DECOYS = {
    "links for folders": "os.symlink(precious, folder + '/visits'); open(folder + '/asks.json', 'w').write(text)",
    "a link for the lease": "os.symlink(precious + '/profile.sh', folder + '/lease')",
    "a link for the ask points": "os.symlink(precious + '/profile.sh', folder + '/asks.json')",
    "a pipe for the ask points": "os.mkfifo(folder + '/asks.json')",
    "a pipe for the lease": "os.mkfifo(folder + '/lease')",
    "a pipe for the capture": "os.unlink(folder + '/capture.json'); os.mkfifo(folder + '/capture.json')",
    "a pipe for a segment": "os.mkfifo(folder + '/segments/h-%d-1-0000.seg' % os.getpid())",
    "a link for a segment": "os.symlink('/dev/zero', folder + '/segments/h-%d-1-0000.seg' % os.getpid())",
    "a huge segment": "f = open(folder + '/segments/h-%d-1-0000.seg' % os.getpid(), 'w'); f.truncate(1 << 41)",
    "a link for the segments": "os.rename(folder + '/segments', folder + '/s'); "
    "os.symlink(precious + '/deep', folder + '/segments')",
    "a link for the spool": "os.rename(folder, folder + '.x'); os.symlink(precious, folder)",
    "nothing": "import shutil; shutil.rmtree(folder)",
    "a name with control characters": "os.rename(folder, folder + ';id;\\x1b[2J#')",
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", DECOYS)
@pytest.mark.parametrize("loop", ["sum(range(2000))", "time.sleep(0.01)"], ids=["at work", "asleep"])
def test_a_process_that_poses_as_recording_makes_root_change_nothing(shared: Path, kind: str, loop: str) -> None:
    """Data/trust 10, 11, 16: a forged memory map makes root neither read nor write another file."""

    def scene() -> None:
        before = everything(shared / "precious")
        start(MALLORY, DECOY % (DECOYS[kind], loop), shared / "m" / "x", shared / "precious")
        for command in (("status",), ("ask", "list"), ("ask", "add", "os.path:join", "a"), ("detach", "--all")):
            tool(*command)
        assert everything(shared / "precious") == before

    (shared / "m").mkdir()
    os.chown(shared / "m", MALLORY, MALLORY)
    alone(scene)


SERVICE = """
import sys, time
print('ready', flush=True)
while True:
    time.sleep(0.01)
"""


def test_a_forged_capture_removes_nothing(shared: Path) -> None:
    """Data/trust 13: its records name processes of another user, or none that run."""
    forger = """
import json, os, sys, time
capture, precious = sys.argv[1:3]
os.makedirs(capture + '/attached'); os.chmod(capture, 0o777); open(capture + '/capture.json', 'w').write('{}')
started = int(open('/proc/self/stat').read().rpartition(')')[2].split()[19])
for pid, inner in ((os.getpid(), precious), (999999, 'other')):
    entry = dict(pid=pid, started=started, uid=os.getuid(), gid=os.getgid(), service='nova-compute', python='3.11',
                 path=precious, inner=inner, label='x', hooks=[], attributes=[], stops=[])
    open('%s/attached/%d.json' % (capture, pid), 'w').write(json.dumps(entry))
print('ready', flush=True)
while True: sum(range(2000))
"""

    def scene() -> None:
        before = everything(shared / "precious")
        start(MALLORY, forger, shared / "cap", shared / "precious")
        assert tool("detach", shared / "cap")[0] == 2
        tool("detach", "--all")
        assert everything(shared / "precious") == before

    alone(scene)


#: Scripts by which a service's user replaces parts of its spool once the hooks are in.
SWAPS = {
    "the spool": "mv {spool} {spool}.x; ln -s {precious} {spool}",
    "the segments": "mv {spool}/segments {spool}/s; ln -s {precious}/deep {spool}/segments",
    "the lease": "rm {spool}/lease; ln -s {precious}/profile.sh {spool}/lease",
    "the lease, a pipe": "rm {spool}/lease; mkfifo {spool}/lease",
    "a folder above": "mkdir {spool}/d; mv {spool}/segments {spool}/d; ln -s d/segments {spool}/segments",
    "segments that are links": "ln -s {precious}/profile.sh {spool}/segments/h-1-2-0000.seg",
    "segments that are pipes": "mkfifo {spool}/segments/h-1-2-0000.seg {spool}/x.log",
    "segments that are huge": "truncate -s 2G {spool}/segments/h-1-2-0000.seg",
    "segments that are many": "for n in $(seq 3000); do truncate -s 200M {spool}/segments/h-1-2-000$n.seg; done",
    "control characters": "printf x > {spool}/segments/$(printf 'h\\033-1-2-0000.seg'); printf x > {spool}/..log",
    "nothing": "rm -r {spool}",
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", SWAPS)
def test_a_spool_that_the_services_user_has_tampered_with_is_collected_safely(shared: Path, kind: str) -> None:
    """Data/trust 14: root follows no link and leaks no file; it collects regular files only, within the cap."""

    def scene() -> None:
        before = everything(shared / "precious")
        service = start(ALICE, SERVICE)
        capture = shared / "root" / "cap"
        assert tool("attach", "--pid", service.pid, "-o", capture, "--cap", 300)[0] == 0
        (spool,) = Path("/var/tmp").glob("bootseq-*")
        script = SWAPS[kind].format(spool=spool, precious=shared / "precious")
        subprocess.run(["sh", "-ec", script], check=True, user=ALICE, group=ALICE, extra_groups=[])
        tool("status")
        tool("attach", "--pid", service.pid, "-o", capture, "--cap", 300)
        tool("detach", capture)
        assert everything(shared / "precious") == before
        collected = [path for path in capture.rglob("*") if not path.is_dir()]
        assert all(path.is_file() and not path.is_symlink() for path in collected)
        assert sum(path.stat().st_size for path in collected) <= 310 << 20
        assert not any(b"secret" in path.read_bytes()[:100] or b"exit" in path.read_bytes()[:100] for path in collected)
        assert service.poll() is None

    (shared / "root").mkdir(mode=0o700)
    alone(scene)


@pytest.mark.slow
def test_a_spool_that_another_user_created_in_advance_is_not_used(shared: Path) -> None:
    """Its name is unpredictable before the first attach; afterwards a folder of that name is refused if not ours."""

    def scene() -> None:
        capture = shared / "root" / "cap"
        first = start(ALICE, SERVICE)
        assert tool("attach", "--pid", first.pid, "-o", capture)[0] == 0
        (spool,) = Path("/var/tmp").glob("bootseq-*")
        assert tool("detach", capture)[0] == 0
        assert not spool.exists()
        subprocess.run(["mkdir", "-m", "777", spool], check=True, user=MALLORY, group=MALLORY)
        code, output = tool("attach", "--pid", first.pid, "-o", capture)
        assert spool.stat().st_uid == MALLORY
        assert list(spool.iterdir()) == []
        if code:
            assert "belongs to another user" in output
        else:
            assert "/tmp/bootseq-" in "".join(map(str, Path("/tmp").glob("bootseq-*")))
        tool("detach", capture)

    (shared / "root").mkdir(mode=0o700)
    alone(scene)


#: A service that is root in its own user namespace: it mounts readable folders over its spool.
MOUNTS = """
import glob, os, subprocess, sys, threading, time
def mount():
    while not glob.glob('/var/tmp/bootseq-*/segments/*'): time.sleep(0.005)
    (spool,) = glob.glob('/var/tmp/bootseq-*')
    subprocess.run(['mount', '--bind', sys.argv[1] + '/deep', spool + '/segments'], check=True)
    os.mkdir(spool + '/more'); subprocess.run(['mount', '--bind', sys.argv[1], spool + '/more'], check=True)
    open('/var/tmp/mounted', 'w').close()
threading.Thread(target=mount, daemon=True).start()
print('ready', flush=True)
while True: time.sleep(0.01)
"""


@pytest.mark.slow
def test_mounts_in_a_services_own_namespace_leave_the_mounted_folders_unchanged(shared: Path) -> None:
    """Root neither removes, nor chowns, nor writes to what the service mounts over its spool."""

    def scene() -> None:
        before = everything(shared / "precious")
        own = ("unshare", "-Urm", "sh", "-c", 'mount -t tmpfs none /var/tmp; exec "$@"', "-")
        service = start(ALICE, MOUNTS, shared / "precious", before=own)
        capture = shared / "root" / "cap"
        assert tool("attach", "--pid", service.pid, "-o", capture)[0] == 0
        wait_until(Path(f"/proc/{service.pid}/root/var/tmp/mounted").exists)
        tool("status")
        tool("attach", "--pid", service.pid, "-o", capture)
        tool("detach", capture)
        tool("detach", "--all")
        assert everything(shared / "precious") == before
        assert service.poll() is None

    (shared / "root").mkdir(mode=0o700)
    alone(scene)


#: Answers that hooks never give, for a process that has replaced them.
LIARS = {
    "the wrong types": "{'state': ('detached',), 'attributes': 5}",
    "the wrong shape": "{'state': 'detached', 'attributes': ((1, 2),), 'kept': 'x', 'left': None, 'changes': {}}",
    "too much": "{'state': 'detached', 'attributes': (), 'kept': (), 'left': (), 'changes': ('x' * 100,) * 200000}",
    "terminal escapes": "{'state': 'refused', 'reason': chr(27) + '[2J' + chr(10) + 'root# '}",
    "a failure": "1 / 0",
    "nothing": "None",
    "an exit": "os._exit(0)",
    "another program": "os.execv('/bin/sleep', ['sleep', '100'])",
}
LIAR = """
class Control:
    def __getattr__(self, name): return lambda request: %s
sys.modules['_bootseq'] = sys
sys.control = Control(); sys.VERSION = ''; sys.installed = lambda: ['x']
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", LIARS)
def test_a_process_that_answers_nonsense_fails_only_its_own_detach(shared: Path, kind: str) -> None:
    """The other process is detached all the same."""

    def scene() -> None:
        capture = shared / "root" / "cap"
        good, bad = start(ALICE, SERVICE), start(ALICE, SWITCHED % (LIAR % LIARS[kind]))
        assert tool("attach", "--pid", good.pid, "--pid", bad.pid, "-o", capture)[0] == 0
        os.kill(bad.pid, 10)
        wait_until(lambda: b"lies" in Path(f"/proc/{bad.pid}/comm").read_bytes())
        tool("ask", "add", "os.path:join", "a", "--unsafe")
        tool("ask", "list")
        states = {row["pid"]: row["state"] for row in json.loads(tool("detach", capture, "--json")[1])}
        assert states[good.pid] == "detached"
        assert states.get(bad.pid) in (None, "attached", "left", "detached")
        assert good.poll() is None

    (shared / "root").mkdir(mode=0o700)
    alone(scene)


#: Replaces its hooks by LIAR at SIGUSR1.
SWITCHED = """
import os, signal, sys, time
def lie(*_):
    exec(%r, globals())
    open('/proc/self/comm', 'w').write('lies')
signal.signal(10, lie)
print('ready', flush=True)
while True: time.sleep(0.01)
"""
SWITCHED = SWITCHED.replace("%r", "'''%s'''")


#: Maps a file as a C library would be mapped, with symbol tables that never end.
ENDLESS = """
import mmap, os, struct, sys
path = sys.argv[1] + '/libc-0.so'
header = struct.pack('<16sHHIQQQIHHHHHH', b'\\x7fELF\\x02', 3, 62, 1, 0, 64, 0, 0, 64, SIZE, COUNT, 0, 0, 0)
load = struct.pack('<IIQQQQQQ', 1, 5, 0, 0, 0, 1 << 30, 1 << 30, 4096)
dynamic = struct.pack('<IIQQQQQQ', 2, 5, 512, 512, 0, 4096, 1 << 40, 8)
tables = struct.pack('<8q', 5, 1 << 20, 6, 1 << 20, TAG, 4096, 0, 0)
hashes = struct.pack('<4I', BUCKETS, 1, 1, 1) + struct.pack('<Q', 0) + struct.pack('<I', 1) * 4
with open(path, 'wb') as file:
    file.write(header + load + dynamic); file.seek(512); file.write(tables); file.seek(4096); file.write(hashes)
    file.truncate(1 << 33)
descriptor = os.open(path, os.O_RDONLY)
maps = [mmap.mmap(descriptor, 1 << 33, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC)]
print('ready', flush=True)
while True: os.read(0, 1)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "count", "tag", "buckets"),
    [(56, 2, 0x6FFFFEF5, 4), (56, 2, 0x6FFFFEF5, 0), (56, 2, 4, 0xFFFFFFFF), (65535, 65535, 4, 1), (0, 65535, 4, 1)],
    ids=["an endless chain", "no buckets", "endless symbols", "endless segments", "empty segments"],
)
def test_endless_symbol_tables_cost_bounded_time_and_memory(
    shared: Path, size: int, count: int, tag: int, buckets: int
) -> None:
    def scene() -> None:
        program = ENDLESS.replace("SIZE", str(size)).replace("COUNT", str(count)).replace("TAG", str(tag))
        process = start(MALLORY, program.replace("BUCKETS", str(buckets)), shared)
        tool("attach", "--pid", process.pid, "-o", shared / "root" / "cap")
        tool("detach", "--all")
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert used.ru_utime + used.ru_stime < 30
        assert used.ru_maxrss < 400 << 10

    (shared / "root").mkdir(mode=0o700)
    alone(scene)


#: A uWSGI server whose command line names configuration files.
ARGUMENTS = (
    "import os, sys; print('ready', flush=True); os.execv('/usr/bin/python3', ['uwsgi', '-S', '-c', {!r}, *{!r}])"
)
WAITS = "import time\nwhile True: time.sleep(0.01)"


@pytest.mark.parametrize("kind", ["a pipe", "a device", "a link", "many", "a long name"])
def test_files_named_by_a_foreign_command_line_are_not_opened(shared: Path, kind: str) -> None:
    names = {"many": ["/x.ini"] * 9_000, "a long name": ["nova-" + "x-" * 60_000 + "api"]}
    words = names.get(kind, [f"{shared}/m.ini"])

    def scene() -> None:
        if kind == "a pipe":
            subprocess.run(["mkfifo", shared / "m.ini"], check=True, user=MALLORY)
        elif kind == "a device":
            subprocess.run(["ln", "-s", "/dev/zero", shared / "m.ini"], check=True, user=MALLORY)
        elif kind == "a link":
            subprocess.run(["ln", "-s", shared / "precious" / "profile.sh", shared / "m.ini"], check=True, user=MALLORY)
        start(MALLORY, ARGUMENTS.format(WAITS, words))
        for command in ("doctor", "status"):
            assert len(tool(command)[1]) < 4_000

    alone(scene)


def test_commands_to_copy_are_quoted(shared: Path) -> None:
    """Data/trust 16: the path comes from a process."""

    def scene() -> None:
        decoy = start(MALLORY, DECOY % ("", "time.sleep(0.01)"), f"{shared}/m/y;id;#", shared)
        (row,) = json.loads(tool("attach", "--pid", decoy.pid, "-o", shared / "root" / "cap", "--json")[1])
        assert row["state"] == "cannot"
        assert ";id;" not in row["fix"] or f"'{shared}/m/y;id;#'" in row["fix"]

    (shared / "root").mkdir(mode=0o700)
    (shared / "m").mkdir()
    os.chown(shared / "m", MALLORY, MALLORY)
    alone(scene)
