"""File descriptors: the hooks leave none open in a host, and never close one of the host's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.subprocess_python import elsewhere
from tests.test_patches_versions import VERSIONS, interpreter

_HOST = """
import gc, json, logging, os, socket, sys, tempfile, threading
import patches
from patches import memory_files, recorder

def numbers():
    return sorted(os.listdir("/proc/self/fd"))

before = numbers()
log = logging.getLogger("svc")
log.addHandler(logging.NullHandler())
log.setLevel(10)
log.propagate = False
if sys.argv[2] == "memory cannot be written":
    memory_files._erase_number = lambda *rest: False
patches.install(sys.argv[1], {"segment_size": 1 << 16, "cap": 1 << 26, "ask": []})
log.info("first")
answer = {"same": numbers() == before}

os.closerange(3, 256)
mine = [os.open(os.path.join(sys.argv[1], "host-%d" % number), os.O_CREAT | os.O_RDWR) for number in range(4)]
mine += [socket.socket().detach() for _ in range(4)]
identities = [os.fstat(number) for number in mine]

def intact(mine=mine, identities=identities, fstat=os.fstat, samestat=os.path.samestat):
    return [samestat(fstat(number), before) for number, before in zip(mine, identities)] == [True] * 8

for number in range(4000):
    log.info("%s %s", "x" * 60, number)
answer["segments"] = len([name for name in os.listdir(sys.argv[1] + "/segments") if name.endswith(".seg")])
gc.collect()
answer["rolled"] = intact()
child = os.fork()
if not child:
    log.info("in the child")
    gc.collect()
    os._exit(0 if intact() else 1)
answer["forked"] = os.waitpid(child, 0)[1] == 0
answer["remaining"] = patches.uninstall()
gc.collect()
answer["uninstalled"] = intact()
with open("/proc/self/maps") as maps:
    answer["mapped"] = sum("/segments/" in line for line in maps)
patches.install(sys.argv[1] + "/again", {"segment_size": 1 << 16, "cap": 1 << 26, "ask": []})
log.info("at the end")

class Last:  # deleted at the very end of the interpreter

    def __del__(self, intact=intact, exit=os._exit):
        if not intact():
            exit(3)

sys.last = Last()
"""


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("memory", ["memory can be written", "memory cannot be written"])
def test_the_hosts_descriptors_stay_intact(tmp_path: Path, version: str, memory: str) -> None:
    """A daemon closes all descriptors and opens its own: new segments, forks, detaching and the exit close none.

    A process that has changed its user may not write its own memory: before 3.13 its mappings stay until it ends.
    """
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} here")
    answer: dict[str, Any] = elsewhere(_HOST, tmp_path, memory, python=python)
    mapped = answer.pop("mapped")
    if memory == "memory can be written":
        assert mapped == 0
    assert answer.pop("segments") > 3
    assert answer == {"same": True, "rolled": True, "forked": True, "remaining": [], "uninstalled": True}


def test_a_descriptor_number_that_was_reused_is_not_closed(tmp_path: Path) -> None:
    """Another thread may close all descriptors and open a file that gets the number of ours."""
    answer = elsewhere(
        """
        import os, sys
        from patches import memory_files
        number = memory_files._open("/proc/self/mem", os.O_RDONLY)
        os.close(number)
        theirs = os.open(sys.argv[1] + "/theirs", os.O_CREAT | os.O_RDWR)
        memory_files._close(number)
        answer = [theirs == number, os.fstat(theirs).st_size]
        """,
        tmp_path,
    )
    assert answer == [True, 0]
