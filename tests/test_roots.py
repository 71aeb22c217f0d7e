"""A real Python 3.14 in the root directory of another distribution, built by debootstrap: ROOTS=1, `make test-long`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.victims import PROGRAM, Victim
from tracer.attach import detach, eligibility, processes
from tracer.attach.attach import Attachment
from tracer.recording import capture as captures
from tracer.sources.hooks import segments

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.environ.get("ROOTS"), reason="roots of other distributions: make test-long"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may build a root directory"),
    pytest.mark.skipif(shutil.which("debootstrap") is None, reason="no debootstrap"),
]

#: A release of Debian with this Python, newer than this machine's.
SUITE, PYTHON = "forky", "3.14"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield the root directory of a system with that Python, from the mirror that this machine uses."""
    folder = tmp_path_factory.mktemp("root") / SUITE
    sources = "".join(path.read_text() for path in Path("/etc/apt").glob("sources.list*/*.sources"))
    mirror = re.search(r"^URIs: *(\S+/debian)/?$", sources, re.MULTILINE)
    if mirror is None:
        pytest.skip("no mirror of Debian in /etc/apt")
    # mmdebstrap refuses where the clock is ahead of the mirror; debootstrap does not know this release by name.
    script = "/usr/share/debootstrap/scripts/sid"
    options = ["--no-check-gpg", "--variant=minbase", f"--include=python{PYTHON}"]
    subprocess.run(["debootstrap", *options, SUITE, str(folder), mirror[1], script], check=True, capture_output=True)
    shutil.copy(PROGRAM, folder)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("mode", "way"), [("naps", "remote debugging"), ("lock", "blocked")])
def test_a_real_python_3_14_is_entered_by_its_own_door(root: Path, mode: str, way: str, tmp_path: Path) -> None:
    """By PEP 768, in another root directory and mount namespace; a main thread that waits for ever by ptrace."""
    capture = tmp_path / "capture"
    captures.make(capture, points=[], ask=[], echo=False)
    mounted = 'mount -t proc proc "$0/proc" && mount --bind /dev "$0/dev" && exec chroot "$0" "$@"'
    before = ("unshare", "--mount", "--pid", "--fork", "sh", "-ec", mounted, str(root))
    with Victim(mode, f"/usr/bin/python{PYTHON}", *before, program=Path("/victim_program.py")) as victim:
        process = processes.read(victim.pid)
        assert process is not None
        assert eligibility.of_recordable(process).state == "ready"
        (report,) = Attachment(capture, 60).attach([process])
        assert (report.state, report.reason) == ("attached", "")
        assert report.more["way"] == way
        victim.ask("log('in 3.14')")
        (proof,) = detach.detach(capture)
        assert proof.more["proved"]
        assert victim.alive()
    assert [event.kind for event in segments.read(capture).events] == ["log"]
