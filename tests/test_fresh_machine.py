"""The packages that ``make packages`` installs: all that tests need of the system, tried on an empty machine."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = re.findall(r"^\t@?\.ci/packages (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[0].split()
#: Programs of Debian's essential packages, and those that fetch and build a checkout.
BASE = frozenset(
    """
    bash chroot env git ln make mkdir mkfifo mount nice nohup nsenter python3 rm sh sleep umount unshare
    """.split()  # noqa: SIM905 - a list of words
)
#: Programs whose tests skip by name where they are missing, or that are only compared with.
OPTIONAL = frozenset("debootstrap journalctl systemd-cat uv".split())  # noqa: SIM905
#: Programs of the packages that a cloud with real networks installs by itself, for tests of that cloud.
OF_CLOUDS = frozenset({"ipset", "iptables-save"})
#: Programs that come with a package of another name.
BROUGHT = {"rabbitmqctl": "rabbitmq-server", "epmd": "rabbitmq-server", "google-chrome": "chromium",
           "ssh-keygen": "ssh"}  # fmt: skip
#: The options with which each program starts and ends at once.
STARTS = {
    "dot": "-V", "rsvg-convert": "--version", "chromium": "--version", "java": "-version", "plantuml": "-version",
    "gcc": "--version", "rabbitmq-server": "", "fonts-liberation": "", "mmdebstrap": "--version",
    "crun": "--version", "ip": "-V", "ssh": "-V", "sshd": "", "sudo": "--version",
}  # fmt: skip
_STARTERS = frozenset({"run", "Popen", "check_output", "check_call", "call", "which"})


def started(tree: ast.Module) -> Iterator[str]:
    """Yield the names of the programs that a module looks up or starts by a literal name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _STARTERS:
            first = node.args[0] if node.args else None
            if isinstance(first, ast.List | ast.Tuple) and first.elts:
                first = first.elts[0]
            owner = ast.unparse(node.func.value)
            if owner in ("subprocess", "shutil") and isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield Path(first.value).name


def test_tests_start_only_programs_that_are_installed() -> None:
    programs: dict[str, Path] = {}
    for path in [*(ROOT / "tests").rglob("*.py"), *(ROOT / "examples/gallery").rglob("*.py")]:
        if "bench" not in path.parts:
            programs |= dict.fromkeys(started(ast.parse(path.read_text())), path)
    assert "rsvg-convert" in programs
    installed = BASE | OPTIONAL | OF_CLOUDS | set(PACKAGES)
    assert {name: str(path) for name, path in programs.items() if BROUGHT.get(name, name) not in installed} == {}


def test_every_package_is_tried() -> None:
    assert set(PACKAGES) == set(STARTS)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Path]:
    """Yield the root of an empty machine with the distribution of this one: a system that can install packages."""
    root = tmp_path / "root"
    release = dict(re.findall(r"^(\w+)=\"?([^\"\n]*)\"?$", Path("/etc/os-release").read_text(), re.MULTILINE))
    sources = [*Path("/etc/apt").glob("sources.list*/*.sources"), Path("/etc/apt/sources.list")]
    own = [str(path) for path in sources if path.is_file() and path.stem in (release["ID"], "sources")]
    command = ["mmdebstrap", "--quiet", "--variant=apt", "--mode=root", release["VERSION_CODENAME"], str(root), *own]
    subprocess.run(command, check=True)
    shutil.copy("/etc/resolv.conf", root / "etc")
    shutil.copytree(ROOT / ".ci", root / "src/.ci")
    yield root
    shutil.rmtree(root)


def inside(root: Path, script: str) -> str:
    """Run a script as root of the machine, with /proc and no environment; return its output and errors."""
    mounted = 'mount -t proc proc "$0/proc" && exec chroot "$0" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -ec "$1"'
    command = ["unshare", "--mount", "--fork", "--pid", "sh", "-ec", mounted, str(root), script]
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be root of another machine")
@pytest.mark.skipif(shutil.which("mmdebstrap") is None, reason="no mmdebstrap: make packages installs it")
def test_packages_make_an_empty_machine_ready(machine: Path) -> None:
    install = f"cd /src && .ci/packages {' '.join(PACKAGES)}"
    assert inside(machine, install).startswith("installing: ")
    assert inside(machine, install) == "", "nothing is missing any more"
    for name, option in STARTS.items():
        inside(machine, f"{name} {option}" if option else ":")
    assert inside(machine, "command -v rabbitmq-server")
    assert list((machine / "usr/share/fonts").rglob("LiberationSans-Regular.*"))
    assert not (machine / "usr/sbin/policy-rc.d").exists(), "services may start again"
