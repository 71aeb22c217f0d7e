"""Hooks that go into foreign processes: standard library only, relative imports only, undone to the very same objects.

``install(capture, options)`` and ``uninstall()`` are all of the public interface; tracer loads this folder into a
service as the package ``_bootseq``.
"""

import os

from . import calls, handoffs, hook, http, importing, notifications, process, replacing, rpc, sql, steps, wsgi

__all__ = ["install", "installed", "uninstall"]

#: In the order of installing. A capture's options may name a part of them.
_HOOKS = {
    "sql": sql.install,
    "rpc": rpc.install,
    "notifications": notifications.install,
    "http": http.install,
    "wsgi": wsgi.install,
    "handoffs": handoffs.install,
}


def install(capture, options):
    """Start recording into the folder ``capture`` and put the hooks in; idempotent.

    ``options`` is what the tool wrote into the capture's ``capture.json``: ``segment_size`` and ``cap`` in bytes,
    ``hooks`` (names, or None for all), ``points`` ([module glob, name globs, globs left out], …).
    """
    if installed():
        return
    steps.start(
        os.path.join(capture, "segments"), options["segment_size"], options["cap"], process.about()
    )
    _register_fork()
    wanted = options.get("hooks")
    for name, install_hook in _HOOKS.items():
        if wanted is None or name in wanted:
            install_hook()
    if options.get("points"):
        calls.install(options["points"])


def installed():
    """Whether anything is recorded or patched now."""
    return steps.recorder is not None or bool(replacing.replaced)


def uninstall():
    """Take every hook out again and stop recording; names of what others have wrapped since, which stays and passes through."""
    importing.stop()
    kept = replacing.restore_all()
    steps.stop()
    for each in hook.hooks.values():
        each.enabled, each.failures = True, 0
    return kept


_fork_registered = False


def _register_fork():
    """Once a process: Python has no way to take a fork handler back, so it looks whether anything records."""
    global _fork_registered
    if not _fork_registered:
        os.register_at_fork(after_in_child=steps.after_fork)
        _fork_registered = True
