"""Attacks by prepared files of another user: they are neither trusted, nor written to, nor removed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.support.attackers import ALICE, MALLORY, act, bootseq, everything, ground, needs_root, shell
from tests.support.builders import small_boot
from tests.test_layers import ROOT
from tracer import trace_file
from tracer.files import folder as folders
from tracer.files.walk import Way
from tracer.model import Trace
from tracer.recording import capture

pytestmark = needs_root
USERS = pytest.mark.parametrize("user", [0, ALICE], ids=["root", "alice"])

#: Prepares a capture whose ask points would run code in services that trusted it.
PREPARED = """
mkdir {0}; chmod {1} {0}
echo '{{}}' > {0}/capture.json
boot=$(cat /proc/sys/kernel/random/boot_id)
cat > {0}/asks.json <<END
{{"machine": "$boot", "points": [{{"key": "1", "where": "json:dumps", "when": "entry", "unsafe": true,
 "expressions": [["x", "__import__('os').system('touch {0}/proof')", []]], "pids": [], "services": []}}]}}
END
"""


@pytest.fixture
def shared() -> Iterator[Path]:
    with ground() as base:
        yield base


def own(user: int, path: Path) -> Path:
    """Create a private folder of this user."""
    path.mkdir(mode=0o700)
    os.chown(path, user, user)
    return path


def trace(path: Path, user: int) -> Path:
    trace_file.write(path, Trace([small_boot()], [], {}, []))
    os.chown(path, user, user)
    return path


@USERS
@pytest.mark.parametrize("mode", ["777", "700"])
def test_a_capture_that_another_user_prepared_is_refused(shared: Path, user: int, mode: str) -> None:
    """Data/trust 12: nothing is started, and the capture stays unchanged."""
    shell(MALLORY, PREPARED.format(shared / "cap", mode))
    before = everything(shared)
    code, out, error = bootseq(user, "run", "-o", shared / "cap", "--", "echo", "started")
    assert (code, out) == (2, "")
    assert error.startswith(f"bootseq: {shared / 'cap'}: cannot create a capture: ")
    assert "nobody" in error
    assert error.count("\n") == 1
    assert everything(shared) == before
    code, _, error = bootseq(user, "attach", "--pid", str(os.getpid()), "-o", shared / "cap")
    assert code == 2
    assert "cannot create a capture" in error
    assert everything(shared) == before


@USERS
@pytest.mark.parametrize(
    ("prepare", "name"),
    [
        ("ln -s {own}/cap {shared}/cap", "cap"),
        ("ln -s {own} {shared}/way", "way/cap"),
        ("ln -s {own}/new {shared}/cap", "cap"),
        ("mkdir -m 777 {shared}/way", "way/cap"),
        ("mkdir -m 1777 {shared}/way", "way/cap"),
        ("mkdir -m 755 {shared}/way; mkdir -m 777 {shared}/way/cap", "way/cap"),
        ("mkdir {shared}/way; ln -s {own} {shared}/way/x", "way/x/cap"),
        ("mkdir {shared}/way", "way/../cap"),
        ("mkfifo {shared}/cap", "cap"),
    ],
)
def test_a_path_through_another_users_folder_or_link_is_refused(
    shared: Path, user: int, prepare: str, name: str
) -> None:
    """Even if another user's link leads to the caller's own folder."""
    mine = own(user, shared.parent / "own")
    assert bootseq(user, "run", "-o", mine / "cap", "--", "true")[0] == 0
    shell(MALLORY, prepare.format(own=mine, shared=shared))
    before = everything(shared.parent)
    code, out, error = bootseq(user, "run", "-o", shared / name, "--", "echo", "started")
    assert (code, out, error.count("\n")) == (2, "", 1)
    assert everything(shared.parent) == before


@USERS
def test_a_shared_folder_needs_the_sticky_bit(user: int) -> None:
    """Without it any user could replace the capture."""
    with ground(0o777) as loose:
        code, _, error = bootseq(user, "run", "-o", loose / "cap", "--", "echo", "started")
        assert (code, list(loose.iterdir())) == (2, [])
        assert "no sticky bit" in error
    with ground(0o1777) as sticky:
        assert bootseq(user, "run", "-o", sticky / "cap", "--", "true") == (0, "", "")
        assert (sticky / "cap").stat().st_mode & 0o7777 == 0o700


@USERS
@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
def test_a_capture_is_private_under_any_umask(shared: Path, user: int, umask: int) -> None:
    """And so are the files in it."""
    assert bootseq(user, "run", "-o", shared / "cap", "--", "true", umask=umask)[0] == 0
    assert (shared / "cap").stat().st_mode & 0o7777 == 0o700
    assert (shared / "cap" / "capture.json").stat().st_mode & 0o7777 == 0o600


@USERS
@pytest.mark.parametrize("swap", ["asks.json", "capture.json"])
@pytest.mark.parametrize("kind", ["fifo", "link", "foreign"])
def test_a_foreign_file_in_ones_own_capture_is_refused(shared: Path, user: int, swap: str, kind: str) -> None:
    """An unpacked archive can put files of another user there."""
    cap = shared / "cap"
    assert bootseq(user, "run", "-o", cap, "--", "true")[0] == 0
    if swap == "capture.json":
        (cap / swap).unlink()
    (shared / "theirs").write_text('{"machine": "", "points": []}')
    os.chown(shared / "theirs", MALLORY, MALLORY)
    {
        "fifo": lambda: os.mkfifo(cap / swap),
        "link": lambda: (cap / swap).symlink_to(shared / "theirs"),
        "foreign": lambda: os.rename(shared / "theirs", cap / swap),
    }[kind]()
    if swap == "capture.json":
        code, out, error = bootseq(user, "run", "-o", cap, "--", "echo", "started")
        assert (code, out, error.count("\n")) == (2, "", 1)
    else:
        code, _, error = act(user, lambda: capture.asks(cap))
        assert (code, error.startswith("TracerError: ")) == (1, True)


@pytest.mark.slow
def test_detach_refuses_a_forged_capture(shared: Path) -> None:
    """Data/trust 13: root removes only what it created itself."""
    victim = own(0, shared.parent / "victim")
    (victim / "important").write_text("x")
    entry = {"pid": 999999, "started": 1, "uid": 0, "gid": 0, "service": "s", "python": "3.11", "path": str(victim)}
    cap = shared / "cap"
    shell(MALLORY, f"mkdir -m 777 {cap}; mkdir {cap}/attached; echo {{}} > {cap}/capture.json")
    shell(MALLORY, f"echo '{json.dumps(entry | {'inner': 'x', 'label': 'x'})}' > {cap}/attached/999999.json")
    before = everything(shared.parent)
    code, out, error = bootseq(0, "detach", shared / "cap")
    assert (code, out) == (2, "")
    reason = "cap belongs to nobody, in a folder that others may write to"
    assert error == f"bootseq: {shared}/cap: not a capture of yours: {reason}\n"
    assert everything(shared.parent) == before


OUTPUTS = {
    "link": "ln -s {own}/precious {out}",
    "dangling": "ln -s {own}/fresh {out}",
    "fifo": "mkfifo {out}",
    "foreign": "echo theirs > {out}; chmod 666 {out}",
    "socket": "python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"{out}\")'",
    "hard-link-of-a-link": "mkdir {shared}/d; ln -s {own}/precious {shared}/d/l; ln -s d/l {out}",
}


@USERS
@pytest.mark.parametrize("kind", OUTPUTS)
def test_an_output_that_another_user_prepared_is_refused(shared: Path, user: int, kind: str) -> None:
    """Data/trust 15: it is neither followed, nor opened, nor replaced, and the command does not block."""
    mine = own(user, shared.parent / "own")
    trace(mine / "t.trace.jsonl", user)
    (mine / "precious").write_text("precious")
    out = shared / "boot.svg"
    shell(MALLORY, OUTPUTS[kind].format(own=mine, out=out, shared=shared))
    before = everything(shared.parent)
    code, output, error = bootseq(user, "draw", mine / "t.trace.jsonl", "-o", out)
    assert (code, output, error.count("\n")) == (2, "", 1)
    assert error.startswith(f"bootseq: {out}: cannot be written: ")
    assert everything(shared.parent) == before


@USERS
def test_another_users_device_is_no_output(shared: Path, user: int) -> None:
    os.mknod(shared / "boot.svg", 0o20666, os.makedev(1, 3))
    os.chown(shared / "boot.svg", MALLORY, MALLORY)
    source = trace(own(user, shared.parent / "own") / "t.trace.jsonl", user)
    code, _, error = bootseq(user, "draw", source, "-o", shared / "boot.svg")
    assert (code, "device" in error) == (2, True)


@pytest.mark.slow
@USERS
@pytest.mark.parametrize("command", ["draw", "ingest", "baseline", "diff", "record"])
def test_no_command_writes_through_another_users_link(shared: Path, user: int, command: str) -> None:
    mine = own(user, shared.parent / "own")
    source = trace(mine / "t.trace.jsonl", user)
    log = mine / "nova-api.log"
    log.write_text("2024-01-01 00:00:00.000 1 INFO nova.api [req-1 u p - - -] hello\n")
    os.chown(log, user, user)
    shell(MALLORY, f"ln -s {mine}/precious {shared}/out.md")
    arguments: dict[str, list[str | Path]] = {
        "draw": [source, "-o", shared / "out.md"], "ingest": [log, "-o", shared / "out.md"],
        "baseline": [source, "-o", shared / "out.md"], "diff": [source, source, "-o", shared / "out.md"],
        "record": ["-o", shared / "out.md", "--", "true"],
    }  # fmt: skip
    code, _, error = bootseq(user, command, *arguments[command])
    assert code == 2
    assert "symbolic link owned by nobody" in error
    assert not (mine / "precious").exists()


@USERS
def test_an_output_below_another_users_folder_is_refused(shared: Path, user: int) -> None:
    """Its owner could read the output, and replace it."""
    source = trace(own(user, shared.parent / "own") / "t.trace.jsonl", user)
    shell(MALLORY, f"mkdir -m 777 {shared}/reports")
    code, _, error = bootseq(user, "draw", source, "-o", shared / "reports" / "boot.svg")
    assert (code, list((shared / "reports").iterdir())) == (2, [])
    assert "reports belongs to nobody" in error


def test_root_writes_into_the_folder_of_the_user_that_called_sudo(shared: Path) -> None:
    """A trace or a drawing is allowed; a capture, which controls services, is not."""
    home = own(ALICE, shared.parent / "alice")
    source = trace(shared.parent / "t.trace.jsonl", 0)
    assert bootseq(0, "draw", source, "-o", home / "boot.svg")[0] == 0
    assert (home / "boot.svg").stat().st_uid == 0
    assert bootseq(0, "draw", source, "-o", home / "boot.svg")[0] == 0
    code, _, error = bootseq(0, "run", "-o", home / "cap", "--", "true")
    assert code == 2
    assert f"{home} belongs to" in error
    assert sorted(path.name for path in home.iterdir()) == ["boot.svg"]


@USERS
def test_an_input_that_another_user_prepared_is_refused(shared: Path, user: int) -> None:
    """A link could lead to a file that its owner may not read; a pipe would block the command."""
    mine = own(user, shared.parent / "own")
    source = trace(mine / "t.trace.jsonl", user)
    shell(MALLORY, f"ln -s {source} {shared}/t1; mkfifo {shared}/t2")
    for name, reason in (("t1", "is a symbolic link owned by nobody"), ("t2", "a pipe, not a file")):
        code, out, error = bootseq(user, "list", shared / name)
        assert (code, out, error.count("\n")) == (2, "", 1)
        assert reason in error


@USERS
def test_ones_own_links_are_followed(shared: Path, user: int) -> None:
    """Root's links, such as /var/run, are followed too."""
    mine = own(user, shared.parent / "own")
    source = trace(mine / "t.trace.jsonl", user)
    shell(
        user,
        f"mkdir {mine}/deep; cd {mine}; ln -s ../t.trace.jsonl deep/l; ln -s {mine}/deep d; ln -s out.svg o.svg",
    )
    code, out, _ = bootseq(user, "list", mine / "d" / "l")
    assert code == 0
    assert out
    assert bootseq(user, "draw", source, "-o", mine / "o.svg")[0] == 0
    assert (mine / "out.svg").is_file()
    assert bootseq(user, "run", "-o", mine / "d" / "cap", "--", "true")[0] == 0
    assert (mine / "deep" / "cap" / "capture.json").is_file()


@pytest.mark.slow
def test_a_folder_that_is_replaced_while_open_stays_the_one_in_use(shared: Path) -> None:
    """Nothing is written to, or removed from, the replacement."""
    mine = own(0, shared.parent / "own")
    (mine / "a").mkdir()
    with folders.opened(mine / "a") as opened:
        (mine / "a").rename(mine / "b")
        (mine / "a").symlink_to(shared)
        with opened.write("x") as file:
            file.write(b"1")
        opened.make("sub").close()
        opened.remove_tree("sub")
    assert os.listdir(mine / "b") == ["x"]
    assert os.listdir(shared) == []


def test_remove_follows_no_link_and_refuses_foreign_folders(shared: Path) -> None:
    mine = own(0, shared.parent / "own")
    (mine / "precious").write_text("x")
    (mine / "spool" / "deep").mkdir(parents=True)
    (mine / "spool" / "deep" / "l").symlink_to(mine)
    (mine / "spool" / "precious").symlink_to(mine / "precious")
    folders.remove(mine / "spool")
    assert os.listdir(mine) == ["precious"]
    shell(MALLORY, f"mkdir {shared}/theirs")
    with pytest.raises(OSError, match="belongs to nobody"):
        folders.remove(shared / "theirs")


def test_remove_enters_no_mount(shared: Path) -> None:
    """A bind mount has the same device number as the folder around it."""
    mine = own(0, shared.parent / "own")
    (mine / "precious").mkdir()
    (mine / "precious" / "file").write_text("x")
    (mine / "spool" / "mounted").mkdir(parents=True)
    remove = f"from pathlib import Path; from tracer.files import folder; folder.remove(Path({str(mine / 'spool')!r}))"
    mount = f'mount --bind {mine}/precious {mine}/spool/mounted && exec {sys.executable} -c "{remove}"'
    done = subprocess.run(["unshare", "-m", "sh", "-c", mount], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "something is mounted on mounted" in done.stderr
    assert (mine / "precious" / "file").read_text() == "x"


@USERS
def test_state_below_another_users_home_is_refused(shared: Path, user: int) -> None:
    """``sudo`` may keep the caller's HOME; a link to such a folder is refused too."""
    home = own(MALLORY, shared.parent / "home")
    shell(MALLORY, f"mkdir -p -m 755 {home}/.local/state; ln -s {home} {shared}/home")
    os.chmod(home, 0o755)
    for base in (home / ".local" / "state" / "bootseq", home / "new" / "bootseq", shared / "home" / "bootseq"):
        code, _, error = act(user, partial(folders.private, base, parents=True))
        assert (code, error.startswith("UnsafeError: ")) == (1, True)
    mine = own(user, shared.parent / "mine")
    assert act(user, partial(folders.private, mine / "a" / "b" / "c", parents=True), umask=0)[0] == 0
    for path in (mine / "a", mine / "a" / "b", mine / "a" / "b" / "c"):
        assert path.stat().st_mode & 0o7777 == 0o700


def test_a_folder_open_to_all_is_an_input_but_no_output(shared: Path) -> None:
    with ground(0o777) as loose:
        (loose / "d").mkdir()
        folders.opened(loose / "d", Way.INPUT).close()
        with pytest.raises(PermissionError, match="no sticky bit"):
            folders.opened(loose / "d", Way.OUTPUT)


@pytest.mark.slow
def test_a_recording_ignores_a_prepared_capture_beside_its_output(shared: Path) -> None:
    """Data/trust 12, third way: FILE.capture is not used; the recording is in a folder with a random name."""
    shell(MALLORY, PREPARED.format(shared / "boot.trace.jsonl.gz.capture", "777"))
    prepared = everything(shared)
    service = shared.parent / "nova-compute"
    service.write_text("import json, time\nwhile True:\n    json.dumps(1)\n    time.sleep(0.05)\n")
    script = f"""
    {sys.executable} {service} & pid=$!
    while ! grep -q nova-compute /proc/$pid/cmdline; do :; done
    {sys.executable} -m tracer record -o {shared}/boot.trace.jsonl.gz -- true; code=$?
    kill $pid; exit $code
    """
    confined = ["unshare", "-pf", "--mount-proc", "--kill-child", "sh", "-c", script]
    done = subprocess.run(confined, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    after = everything(shared)
    assert {path: after.get(path) for path in prepared} == prepared
    assert after.keys() - prepared.keys() == {str(shared / "boot.trace.jsonl.gz")}
