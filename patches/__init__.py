"""Hooks for foreign processes: standard library only, relative imports, undone to the very same objects.

``install(capture, options)`` and ``uninstall()`` are the whole public interface; tracer loads this folder into a
service as the package ``_bootseq``.
"""

from __future__ import annotations

import functools
import os
from typing import Any, Callable

from . import (  # fmt: skip
    after_fork,
    api_requests,
    ask_logger,
    ask_points,
    calls,
    commands,
    control,
    db_pool,
    execs,
    handoffs,
    hooks,
    http,
    import_hooks,
    instance_states,
    libvirt,
    logs,
    nested_calls,
    netlink,
    notifications,
    ovsdb,
    patching,
    port_work,
    privsep,
    process,
    recorder,
    rpc,
    rpc_endpoints,
    sql,
    sql_echo,
    virt_drivers,
    wsgi,
)

__all__ = ["install", "installed", "uninstall"]

#: In the order of installing. A capture's options may name some of them.
_HOOKS = {
    "sql": sql.install,
    "rpc": rpc.install,
    "notifications": notifications.install,
    "http": http.install,
    "wsgi": wsgi.install,
    "handoffs": handoffs.install,
    "pool": db_pool.install,
    "libvirt": libvirt.install,
    "virt": virt_drivers.install,
    "commands": commands.install,
    "privsep": privsep.install,
    "netlink": netlink.install,
    "ovsdb": ovsdb.install,
    "ports": port_work.install,
    "states": instance_states.install,
    "nova": api_requests.install,
    "endpoints": rpc_endpoints.install,
    "logs": logs.install,
}


def install(capture: str, options: dict[str, Any]) -> None:
    """Start recording into the folder ``capture`` and install the hooks; idempotent.

    ``options`` are those of the capture's ``capture.json``: ``segment_size`` and ``cap`` in bytes, ``hooks`` (names, or
    None for all), ``points`` ([module glob, name globs, excluded globs], …), ``ask`` (names of the loggers that write
    ask.log, by default "ask"), ``echo`` (true where SQLAlchemy is to log its statements), ``asks`` (ask points as
    ask_points.add takes them), ``bootstrap`` (our sitecustomize's folder, where that runs).
    """
    if installed():
        return
    folder = os.path.join(capture, "segments")
    recorder.start(folder, options["segment_size"], options["cap"], process.about())
    after_fork.in_child(recorder.after_fork)
    wanted = options.get("hooks")
    for name, install_hook in _hooks(capture, options).items():
        if wanted is None or name in wanted:
            install_hook()
    if options.get("points"):
        calls.install(options["points"])
        nested_calls.install(options["points"])
    ask_points.install(capture, options.get("asks") or [])
    if options.get("bootstrap"):
        execs.install(options["bootstrap"])


def _hooks(capture: str, options: dict[str, Any]) -> dict[str, Callable[[], None]]:
    """Return the hooks by name: optional ones first, as logs records what ask does not."""
    chosen: dict[str, Callable[[], None]] = {}
    loggers = options.get("ask", ["ask"])
    if loggers:
        chosen["ask"] = functools.partial(ask_logger.install, os.path.join(capture, "ask.log"), loggers)
    if options.get("echo"):
        chosen["echo"] = sql_echo.install
    chosen.update(_HOOKS)
    return chosen


def installed() -> list[str]:
    """Return the names of all patched attributes, and ``recorder`` while anything is recorded."""
    patched = ["%s.%s" % (owner.__name__, name) for owner, name, _, _ in patching.replaced]
    return patched if recorder.recorder is None else ["recorder"] + patched


def uninstall() -> list[str]:
    """Remove every hook and stop recording; return the names that others have wrapped since, which pass calls on."""
    import_hooks.stop()
    stayed = patching.restore_all()
    recorder.stop()
    for hook in hooks.hooks.values():
        hook.reset()
    return stayed


control.install, control.uninstall = install, uninstall
