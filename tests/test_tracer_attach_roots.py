"""Services with another root directory: in containers, seen from the host, and in a chroot."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import containers
from tests.support.alone import alone
from tests.support.containers import chroot, container
from tests.support.victims import Victim, open_folder
from tracer.attach import detach, discovery, eligibility, proc, processes, registry, spool_location
from tracer.attach.attach import Attachment
from tracer.attach.deputy import Owner
from tracer.attach.eligibility import ProcessReport
from tracer.attach.processes import Process
from tracer.attach.spool import MEMORY_CAP
from tracer.attach.spool_location import Spool
from tracer.recording import capture as captures
from tracer.sources.hooks import segments

ROOT = Path(__file__).parent.parent

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may do this"),
    pytest.mark.skipif(shutil.which("crun") is None, reason="no crun: make packages installs it"),
]


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """Return an empty capture."""
    return make_capture(tmp_path / "capture")


def make_capture(path: Path) -> Path:
    captures.make(path, points=[("victim_points", ["*"], [])], ask=["ask"], echo=False)
    return path


def process_of(victim: Victim) -> Process:
    process = processes.read(victim.pid)
    assert process is not None
    return process


def attach(capture: Path, *victims: Victim) -> list[ProcessReport]:
    """Attach to victims, which doctor must have judged as attach does."""
    before = [eligibility.of_recordable(process_of(victim)) for victim in victims]
    reports = Attachment(capture, 60).attach([process_of(victim) for victim in victims])
    assert [report.state.replace("attached", "ready") for report in reports] == [report.state for report in before]
    return reports


def check_recording(capture: Path, *victims: Victim, folder: str) -> None:
    """Attach, record a log line of each victim, detach, and leave no spool."""
    assert [(report.state, report.reason) for report in attach(capture, *victims)] == [("attached", "")] * len(victims)
    for victim in victims:
        victim.ask("log('from another root')")
    entries = registry.of(capture).entries
    assert {entry.inner.rpartition("/")[0] for entry in entries} == {folder}
    for victim in victims:
        recording = discovery.recording(process_of(victim))
        assert recording is not None
        assert spool_location.belongs(capture, recording.spool)
        assert recording.spool.inner in {entry.inner for entry in entries}
    reports = detach.detach(capture)
    assert [(report.state, report.more["proved"]) for report in reports] == [("detached", True)] * len(victims)
    assert all(victim.alive() for victim in victims)
    recorded = segments.read(capture)
    assert [event.kind for event in recorded.events] == ["log"] * len(victims)
    assert recorded.warnings == []
    assert leftovers(victims[0], folder) == []


def leftovers(victim: Victim, folder: str) -> list[str]:
    return [path.name for path in Path(f"/proc/{victim.pid}/root{folder}").glob("bootseq-*")]


@pytest.mark.parametrize(
    ("kind", "folder"),
    [
        ("read-only", "/dev/shm"),
        pytest.param("a user namespace", "/var/tmp", marks=pytest.mark.slow),
        pytest.param("plain", "/var/tmp", marks=pytest.mark.slow),
        pytest.param("read-only with a /tmp", "/tmp", marks=pytest.mark.slow),
    ],
)
def test_a_service_in_a_container_is_recorded_from_the_host(kind: str, folder: str, capture: Path) -> None:
    with container(kind) as victim:
        assert victim.inner_pid != victim.pid
        check_recording(capture, victim, folder=folder)


def test_doctor_says_what_attach_says_where_a_container_has_no_writable_folder(capture: Path) -> None:
    with container("no writable folder") as victim:
        (report,) = attach(capture, victim)
        assert victim.alive()
    assert report.state == "cannot"
    assert report.reason == "there is no folder that it could record into (/dev/shm: No such file or directory)"


@pytest.mark.parametrize("with_proc", [True, False], ids=["with /proc", "without /proc"])
def test_a_service_in_a_chroot_is_recorded(*, with_proc: bool) -> None:
    """Its memory map has paths below our root, not below its own."""

    def scene() -> None:
        with open_folder() as folder, chroot(with_proc=with_proc) as victim:
            check_recording(make_capture(folder / "capture"), victim, folder="/var/tmp")

    alone(scene)


@pytest.mark.slow
def test_two_services_in_one_chroot_share_a_spool() -> None:
    """The first that is collected does not take the second one's files away."""

    def scene() -> None:
        with open_folder() as folder, chroot() as victim, victim_in_same_root(victim) as other:
            check_recording(make_capture(folder / "capture"), victim, other, folder="/var/tmp")

    alone(scene)


def victim_in_same_root(victim: Victim) -> Victim:
    root = os.readlink(f"/proc/{victim.pid}/root")
    before = ("chroot", f"--userspec={containers.USER}:{containers.USER}", "--groups=", root)
    return Victim("serve", "/usr/bin/python3", *before, program=Path("/victim_program.py"))


def test_a_failed_attach_leaves_no_spool(capture: Path) -> None:
    with container("plain") as victim:
        victim.ask("setattr(os, 'posix_fallocate', None)")
        (report,) = Attachment(capture, 60).attach([process_of(victim)])
        assert (report.state, leftovers(victim, "/var/tmp")) == ("cannot", [])
        assert victim.alive()


def test_a_spool_in_memory_is_small() -> None:
    spool = Spool(Path("/proc/1/root/dev/shm/bootseq-x"), "/dev/shm/bootseq-x", Owner(1, 1, 1, 1))
    assert (spool.bounded(captures.CAP), spool.bounded(1)) == (MEMORY_CAP, 1)
    assert Spool(Path("/dev/shm/capture"), "/dev/shm/capture").bounded(captures.CAP) == captures.CAP


#: Prints what doctor says about the process of its argument.
DOCTOR = """
import sys; sys.path.insert(0, sys.argv[1])
from tracer.attach import eligibility, processes
report = eligibility.of_process(processes.read(int(sys.argv[2])))
print(report.state, report.reason)
"""


def test_a_proc_of_another_pid_namespace_is_refused() -> None:
    """nsenter without --mount leaves such a /proc: a pid in it is another process for ptrace."""
    with Victim() as victim:
        command = ["unshare", "--pid", "--fork", sys.executable, "-c", DOCTOR, str(ROOT), str(victim.pid)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert victim.alive()
    assert done.stdout == "cannot /proc shows another pid namespace than the one bootseq runs in\n"


#: Forbids itself ptrace by a seccomp filter, as a container's runtime does.
FILTERED = """
import ctypes, struct
libc = ctypes.CDLL(None)
steps = [(0x20, 0, 0, 0), (0x15, 0, 1, 101), (0x06, 0, 0, 0x50001), (0x06, 0, 0, 0x7FFF0000)]
program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
class Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("steps", ctypes.c_void_p)]
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.byref(Filter(len(steps), ctypes.addressof(program)))) == 0
"""


def test_where_ptrace_is_forbidden_nothing_is_ready() -> None:
    with Victim() as victim:
        command = [sys.executable, "-c", FILTERED + DOCTOR, str(ROOT), str(victim.pid)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert victim.alive()
    assert done.stdout == "cannot bootseq may not call ptrace here (seccomp), as in a container\n"


def test_a_root_without_proc_is_known_without_opening_anything_in_it() -> None:
    assert proc.has_proc(os.getpid())

    def scene() -> None:
        with chroot(with_proc=False) as victim:
            assert not proc.has_proc(victim.pid)
        with chroot() as victim:
            assert proc.has_proc(victim.pid)

    alone(scene)
