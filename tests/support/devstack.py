"""A root with stubs of DevStack's functions, in which the phases of a plugin run, and of the programs it calls."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
CAPTURE = ROOT / "tests/data/nova34-boot.tar.gz"
BOOTSEQ = Path(sys.executable).with_name("bootseq")

#: DevStack's functions that plugins call, as functions-common describes them.
_FUNCTIONS = """
function enable_service { ENABLED_SERVICES+=" $*"; }
function is_service_enabled { [[ " $ENABLED_SERVICES " == *" $1 "* ]]; }
function echo_summary { echo "summary: $*" >>"$LOG"; }
function warn { echo "warning: $2" >>"$LOG"; }
function die { echo "died: $2" >>"$LOG"; exit 1; }
"""
#: stack.sh ends at the first command that fails. It reads settings early, and a plugin again in each phase.
_SCRIPT = """
set -o errexit
source functions
DATA_DIR=$DEST/data
{localrc}
source {plugin}/settings
for phase in {phases}; do
    echo "phase: $phase" >>"$LOG"
    # shellcheck disable=SC2086
    source {plugin}/plugin.sh ${{phase//-then-/ }}
done
"""
#: The command in root's environment: hooks are a capture from a real cloud, and INGEST_CODE=0 reads it in earnest.
_BOOTSEQ = f"""#!/bin/bash
echo "bootseq $*" >>"$LOG"
case $1 in
    attach)
        until [ "$1" = -o ]; do shift; done
        mkdir "$2"
        tar -xf {CAPTURE} -C "$2"
        exit "$ATTACH_CODE" ;;
    status) ;;
    detach) exit "$DETACH_CODE" ;;
    *)
        [ "$INGEST_CODE" != 0 ] || exec {BOOTSEQ} "$@"
        exit "$INGEST_CODE" ;;
esac
"""
#: Makes an environment whose pip puts bootseq into it.
_PYTHON = """#!/bin/bash
[ "$1" = -c ] && exit "$PYTHON_CODE"
echo "python $*" >>"$LOG"
mkdir -p "$3/bin"
touch "$3/pyvenv.cfg"
cp "$STUBS/pip" "$3/bin"
"""
_PIP = """#!/bin/bash
echo "pip $*" >>"$LOG"
if [ "$1" = install ]; then
    cp "$STUBS/bootseq" "$(dirname "$0")"
    ln -sf "$STUBS/real-python" "$(dirname "$0")/python"
fi
while [ $# -gt 0 ]; do
    [ "$1" != --wheel-dir ] || touch "$2/bootseq-1-py3-none-any.whl"
    shift
done
"""
_REAL_PYTHON = f"""#!/bin/bash
exec {sys.executable} "$@"
"""


@dataclass
class DevStack:
    """A machine on which DevStack sources a plugin; its programs exit with ``codes``."""

    root: Path

    def __post_init__(self) -> None:
        stubs = self.root / "stubs"
        stubs.mkdir()
        self.root.joinpath("functions").write_text(_FUNCTIONS)
        texts = {
            "bootseq": _BOOTSEQ, "python3": _PYTHON, "pip": _PIP, "real-python": _REAL_PYTHON,
            "sudo": '#!/bin/bash\nexec "$@"\n',
        }  # fmt: skip
        for name, text in texts.items():
            (stubs / name).write_text(text)
            (stubs / name).chmod(0o755)

    @property
    def data(self) -> Path:
        """Return the plugin's folder."""
        return self.root / "data/bootseq"

    @property
    def log(self) -> list[str]:
        """Return what was called since the last run began."""
        return (self.root / "log").read_text().splitlines()

    def environment(self, **codes: int) -> dict[str, str]:
        """Return the environment of the stubs, with an empty log."""
        (self.root / "log").write_text("")
        return os.environ | {
            "PATH": f"{self.root}/stubs:{os.environ['PATH']}", "DEST": str(self.root), "LOG": f"{self.root}/log",
            "STUBS": f"{self.root}/stubs", "ATTACH_CODE": "0", "DETACH_CODE": "0", "PYTHON_CODE": "0",
            "INGEST_CODE": "2",
        } | {name: str(code) for name, code in codes.items()}  # fmt: skip

    def run(self, *phases: str, localrc: str = "", **codes: int) -> tuple[int, list[str]]:
        """Run phases, ``stack install`` and the like, in one shell; return its exit code and what it called."""
        script = _SCRIPT.format(
            localrc=f"BOOTSEQ_VENV={self.root}/venv\n{localrc}", plugin=ROOT / "devstack",
            phases=" ".join(phase.replace(" ", "-then-") for phase in phases),
        )  # fmt: skip
        done = subprocess.run(
            ["bash", "-c", script], cwd=self.root, env=self.environment(**codes), check=False, capture_output=True,
            text=True,
        )  # fmt: skip
        assert done.returncode == 0 or "died" in "".join(self.log), done.stderr
        return done.returncode, self.log
