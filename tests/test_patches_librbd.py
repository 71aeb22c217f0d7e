"""Operations of librbd in eventlet's native threads: named as librbd does, with their image and snapshot."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from diagrams.words import steps
from patches import host_fields
from tests.support.subprocess_python import elsewhere
from tracer.events import Event
from tracer.model import Step
from tracer.notation import parse
from tracer.sources.hooks import segments

pytest.importorskip("eventlet")

DIST_PACKAGES = Path("/usr/lib/python3/dist-packages")

#: Stand-ins with the shape of librbd's classes, whose decorators do not know functools.wraps, and of Cinder's proxy.
_MODULES = """
import types
rados, rbd = types.ModuleType("rados"), types.ModuleType("rbd")
exec('''
class Rados:
    def conf_set(self, option, value): pass
    def connect(self, timeout=0): pass
    def open_ioctx(self, name): return name
''', vars(rados))
exec('''
def requires_not_closed(f):
    def wrapper(self, *args, **kwargs):
        return f(self, *args, **kwargs)
    return wrapper
class RBD:
    def create(self, ioctx, name, size, order=None): pass
    def clone(self, p_ioctx, p_name, p_snapname, c_ioctx, c_name, features=None): pass
    def remove(self, ioctx, name): raise OSError("busy")
class Image:
    __slots__ = ("name",)
    def __init__(self, ioctx, name, snapshot=None): self.name = name
    @requires_not_closed
    def create_snap(self, name): pass
    @requires_not_closed
    def flatten(self): pass
    def close(self): pass
''', vars(rbd))
driver = types.ModuleType("cinder.volume.drivers.rbd")
exec('''
class RBDVolumeProxy:
    def __init__(self, driver, name, pool=None, snapshot=None, read_only=False):
        self.volume = tpool.Proxy(driver.Image(None, name, snapshot=snapshot))
    def __enter__(self): return self
    def __exit__(self, *exc): self.volume.close()
    def __getattr__(self, name): return getattr(self.volume, name)
''', vars(driver))
sys.modules["cinder.volume.drivers.rbd"] = driver
"""

_PROGRAM = """
import eventlet
if {patched}:
    eventlet.monkey_patch()
from eventlet import tpool
{modules}
driver.tpool = tpool
import gc, patches
from patches import librbd, recorder
patches.install(sys.argv[1], {{"segment_size": 1 << 20, "cap": 1 << 26, "hooks": ["handoffs"], "ask": []}})
step = recorder.begin("call", "around")
recorder.current.set(step)
cluster = tpool.Proxy(rados.Rados())
for option in ("client_mount_timeout", "rados_osd_op_timeout", "rados_mon_op_timeout"):
    cluster.conf_set(option, "1")
cluster.connect(timeout=5)
pool = cluster.open_ioctx("volumes")
api = tpool.Proxy(rbd.RBD())
api.create(pool, "volume-1", 1 << 30)
api.clone(pool, "volume-1", "snapshot-2", pool, b"volume-3", features=1)
try:
    api.remove(pool, "volume-1")
except OSError as error:
    failed = str(error)
with driver.RBDVolumeProxy(rbd, "volume-3") as image:
    image.create_snap("snapshot-4")
    image.flatten()
with driver.RBDVolumeProxy(rbd, "volume-5", snapshot="snapshot-6") as image:
    image.flatten()
del image
gc.collect()
opened = len(librbd._images)
recorder.finish(step)
remaining = patches.uninstall()
initial = vars(driver.RBDVolumeProxy)["__init__"].__qualname__
answer = [failed, opened, remaining, initial, hasattr(tpool.execute, "__wrapped__")]
"""


def title(event: Event) -> str:
    """Return the line of a hand-off in the tree."""
    return steps.title(Step("p/1", event.kind, "volume", event.name, 1, attributes=event.attributes))


def handed(capture: Path) -> list[str]:
    """Return the hand-offs as lines of the tree, without their carrier."""
    events = sorted(segments.read(capture).events, key=lambda event: event.number)
    return [title(event).replace(" by eventlet.tpool", "") for event in events if event.kind == "handoff"]


@pytest.mark.parametrize("patched", [True, False])
def test_operations_have_their_names_images_and_snapshots(tmp_path: Path, patched: bool) -> None:
    """Setting an option of the client is not a hand-off; an opened image is forgotten with its proxy."""
    answer = elsewhere(_PROGRAM.format(patched=patched, modules=_MODULES), tmp_path)
    assert answer == ["busy", 0, [], "RBDVolumeProxy.__init__", False]
    assert handed(tmp_path) == [
        "hand-off to Rados.connect",
        "hand-off to Rados.open_ioctx: volumes",
        "hand-off to RBD.create: volume-1",
        "hand-off to RBD.clone: volume-3 from volume-1@snapshot-2",
        "hand-off to RBD.remove: volume-1",
        "hand-off to Image.create_snap: volume-3@snapshot-4",
        "hand-off to Image.flatten: volume-3",
        "hand-off to Image.close: volume-3",
        "hand-off to Image.flatten: volume-5@snapshot-6",
        "hand-off to Image.close: volume-5@snapshot-6",
    ]


_REAL = """
import eventlet
eventlet.monkey_patch()
from eventlet import tpool
sys.path.append(sys.argv[2])
import patches, rados, rbd
from patches import recorder
patches.install(sys.argv[1], {"segment_size": 1 << 20, "cap": 1 << 26, "hooks": ["handoffs"], "ask": []})
step = recorder.begin("call", "around")
recorder.current.set(step)
cluster = tpool.Proxy(rados.Rados(rados_id="x"))
cluster.conf_set("client_mount_timeout", "1")
answer = [cluster.conf_get("client_mount_timeout"), len(tpool.Proxy(rbd.RBD()).version())]
try:
    cluster.open_ioctx("volumes")
except rados.Error as error:
    answer.append(type(error).__name__)
patches.uninstall()
"""


@pytest.mark.skipif(not list(DIST_PACKAGES.glob("rbd.cpython-311*")), reason="librbd for Python 3.11 is not installed")
def test_ceph_s_own_library_has_its_own_names(tmp_path: Path) -> None:
    """Its classes are C's; without a cluster only what needs none can be called."""
    answer = elsewhere(_REAL, tmp_path, DIST_PACKAGES)
    assert answer == ["1", 3, "RadosStateError"]
    assert handed(tmp_path) == ["hand-off to RBD.version", "hand-off to Rados.open_ioctx: volumes"]
    modules = [event.attributes["module"] for event in segments.read(tmp_path).events if event.kind == "handoff"]
    assert sorted(map(str, modules)) == ["rados", "rbd"]


def test_a_line_with_an_image_reads_as_the_same_hand_off() -> None:
    """Images differ from boot to boot: a written line is compared without them."""
    line = "hand-off to RBD.clone by eventlet.tpool: volume-3 from volume-1@snapshot-2"
    match = parse.HANDOFF.match(line)
    assert match is not None
    assert match.groups() == ("RBD.clone", "eventlet.tpool")


def unnamed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate without functools.wraps."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def work() -> None:
    """Do nothing."""


class Manager:
    """A service's manager with a decorated method."""

    @unnamed
    def create(self) -> None:
        """Do nothing."""

    @classmethod
    @unnamed
    def register(cls) -> None:
        """Do nothing."""


def ambiguous(first: Callable[..., Any], second: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper() -> None:
        first()
        second()

    return wrapper


def test_a_decorators_function_has_the_name_of_what_it_wraps() -> None:
    """A method that of its class; one that may wrap several functions has its own."""
    names = host_fields.function_names
    assert names(unnamed(work)) == (__name__, "work")
    assert names(functools.partial(unnamed(unnamed(functools.partial(work))), 1)) == (__name__, "work")
    assert names(functools.wraps(work)(unnamed(print))) == (__name__, "work")
    assert names(Manager().create) == (__name__, "Manager.create")
    assert names(Manager.register) == (__name__, "Manager.register")
    assert names(ambiguous(work, print)) == (__name__, "ambiguous.<locals>.wrapper")
    assert names([].append) == ("builtins", "list.append")
    assert names(len) == ("builtins", "len")
