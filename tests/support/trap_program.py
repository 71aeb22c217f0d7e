"""A program whose variables are traps: any code of theirs that runs leaves a mark, blocks, or raises."""

# mypy: disable-error-code="no-any-return,misc,var-annotated"
from __future__ import annotations

import binascii
import datetime
import gc
import os
import re
import sys
import threading
import time
import weakref
import zlib
from typing import Any

touched: list[str] = []
armed: list[bool] = []
SIZE = 1_000_000
#: Modules that every service has loaded.
LOADED = (binascii, datetime, gc, re, weakref, zlib)


def _touch(name: str) -> Any:
    if not armed:
        return False
    touched.append(name)
    raise RuntimeError(name)


class Trap:
    """Every way to look at an instance runs code that leaves a mark."""

    @property
    def request_id(self) -> str:
        return _touch("property")

    def __getattr__(self, name: str) -> Any:
        return _touch("__getattr__")

    def __repr__(self) -> str:
        return _touch("__repr__")

    def __eq__(self, other: object) -> bool:
        return _touch("__eq__")

    def __hash__(self) -> int:
        return _touch("__hash__")

    def __len__(self) -> int:
        return _touch("__len__")

    def __iter__(self) -> Any:
        return _touch("__iter__")

    def __bool__(self) -> bool:
        return _touch("__bool__")

    @property
    def __class__(self) -> Any:
        return _touch("__class__")


class Getattribute:
    def __getattribute__(self, name: str) -> Any:
        return _touch("__getattribute__")


class Dict(dict):  # type: ignore[type-arg]
    def __getitem__(self, key: Any) -> Any:
        return _touch("__getitem__")

    def items(self) -> Any:
        return _touch("items")


class Meta(type):
    def __eq__(cls, other: object) -> bool:
        return _touch("metaclass __eq__")

    def __hash__(cls) -> int:
        return _touch("metaclass __hash__")


class WithMeta(metaclass=Meta):
    pass


class Key(str):
    __slots__ = ()

    def __hash__(self) -> int:
        return hash("request_id")

    def __eq__(self, other: object) -> bool:
        return _touch("key")


class RequestContext:
    """A service's own context by its name, with a lazy attribute and an evil key."""

    def __init__(self) -> None:
        self.__dict__[Key("x")] = "evil"
        self.request_id = "req-00000000-0000-4000-8000-000000000001"
        self.global_request_id = None
        self.auth_token = "s3cret-t0ken"

    @property
    def user(self) -> str:
        return _touch("lazy load")


RequestContext.__module__ = "oslo_context.context"


class Deleted:
    def __del__(self) -> None:
        touched.append("__del__")


def work(context: Any, stop: threading.Event) -> None:
    trap, meta, mapping, lie = Trap(), WithMeta(), Dict(instance="x"), Getattribute()
    instance_uuid, environ, req = Trap(), Dict(REQUEST_METHOD="x"), Getattribute()
    million, cycle = list(range(SIZE)), []
    cycle.append(cycle)
    names = {str(number): number for number in range(SIZE // 10)}
    password = "s3cret-w0rd"
    recurse(context, stop, 300)
    _ = trap, meta, mapping, lie, instance_uuid, environ, req, million, names, password


def recurse(context: Any, stop: threading.Event, depth: int) -> None:
    if depth:
        recurse(context, stop, depth - 1)
    else:
        stop.wait()


def with_locals(stop: threading.Event) -> None:
    before = locals()
    later = "new"
    stop.wait()
    results.append("later" in before and later)


results: list[Any] = []


def main(threads: int) -> None:
    stop = threading.Event()
    started = [threading.Thread(target=work, args=(RequestContext(), stop), name="worker", daemon=True)]
    started += [threading.Thread(target=with_locals, args=(stop,), name="locals", daemon=True)]
    for thread in started:
        thread.start()
    threading.stack_size(64 * 1024)
    idle = [threading.Thread(target=stop.wait, name="idle", daemon=True) for _ in range(threads)]
    for thread in idle:
        thread.start()
    while not os.path.exists(sys.argv[2]):
        time.sleep(0.01)
    armed.append(True)
    modules, descriptors = set(sys.modules), len(os.listdir("/proc/self/fd"))
    print("ready", flush=True)  # noqa: T201 - the test reads it
    sys.stdin.readline()
    armed.clear()
    stop.set()
    started[1].join()
    differences = [sorted(set(sys.modules) - modules), len(os.listdir("/proc/self/fd")) - descriptors]
    print([touched, results, differences], flush=True)  # noqa: T201


if __name__ == "__main__":
    __name__ = "nova.traps"  # what a visit takes for a service's own module
    main(int(sys.argv[1]))
