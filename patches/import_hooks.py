"""Callbacks at the import of modules, now or later; nothing is imported for them."""

from __future__ import annotations

import re
import sys
from fnmatch import translate
from typing import TYPE_CHECKING, Any, Callable

from . import faults, hooks, wrapper_frames

if TYPE_CHECKING:
    from types import ModuleType

    Callback = Callable[[ModuleType], object]

importing = hooks.Hook("importing")


class _Finder:
    """The first finder on ``sys.meta_path``: finds nothing itself, but wraps the loaders of wanted modules."""

    def __init__(self) -> None:
        self.exact: dict[str, list[Callback]] = {}
        self.patterns: list[tuple[Callable[[str], object], Callback]] = []
        #: Modules (their ids) that our loaders are running, and those whose callbacks were called.
        self.running: set[int] = set()
        self.reported: set[int] = set()
        #: Modules that were being imported before there was a finder: no loader of ours reports their end.
        self.late: list[tuple[ModuleType, Callback]] = []

    def wanted(self, name: str) -> list[Callback]:
        """Return the callbacks for a module of this name."""
        callbacks = list(self.exact.get(name, ()))
        callbacks.extend([callback for matches, callback in self.patterns if matches(name)])
        return callbacks

    @wrapper_frames.hide
    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Return the other finders' spec, with a loader that calls back; None for modules without callbacks."""
        if self.late:
            self.report_late()
        if not importing.guarded(self.wanted, name):
            return None
        for finder in list(sys.meta_path):
            find = getattr(finder, "find_spec", None)
            if finder is self or find is None:
                continue
            spec = find(name, path, target)
            if spec is not None:
                importing.guarded(self.wrap_loader, spec)
                return spec
        return None

    def wrap_loader(self, spec: Any) -> None:
        """Have the spec's loader report when the module is imported."""
        if spec.loader is not None and hasattr(spec.loader, "exec_module"):
            spec.loader = _Loader(spec.loader, self)

    def report(self, module: ModuleType) -> None:
        """Call the callbacks of a module that is imported."""
        self.reported.add(id(module))
        for callback in self.wanted(module.__name__):
            importing.guarded(callback, module)

    def report_late(self) -> None:
        """Call the callbacks of late modules whose import has ended meanwhile."""
        for entry in list(self.late):
            module, callback = entry
            if not _being_imported(module):
                try:
                    self.late.remove(entry)
                except ValueError as error:  # another thread was faster
                    faults.pass_on(error)
                    continue
                importing.guarded(callback, module)

    def forget(self) -> None:
        """Drop all callbacks, those of an import under way too."""
        self.exact.clear()
        self.patterns.clear()
        self.late.clear()


class _Loader:
    """A wrapper of a module's own loader, which it restores before the module's code runs."""

    def __init__(self, loader: Any, finder: _Finder) -> None:
        self._loader = loader
        self._finder = finder

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    @wrapper_frames.hide
    def create_module(self, spec: Any) -> Any:
        """Return the own loader's module; that loader gets the spec as it would be without us."""
        if spec.loader is self:
            spec.loader = self._loader
            try:
                return self._loader.create_module(spec)
            finally:
                spec.loader = self
        return self._loader.create_module(spec)

    @wrapper_frames.hide
    def exec_module(self, module: ModuleType) -> None:
        """Run the module, then the callbacks."""
        self._restore(module)
        self._finder.running.add(id(module))
        try:
            self._loader.exec_module(module)
        finally:
            self._finder.running.discard(id(module))
        importing.guarded(self._finder.report, module)

    def _restore(self, module: Any) -> None:
        try:
            if module.__spec__.loader is self:
                module.__spec__.loader = self._loader
            if module.__loader__ is self:
                module.__loader__ = self._loader
        except Exception as error:  # something else than a module in its place
            importing.swallow(error, blamed=True)


# Frames of the import system to Python, like those of the finders and loaders that we precede: a module's warning at
# its import is attributed to the import statement, and the traceback of a failed import does not show them.
for _function in (_Finder.find_spec, _Loader.create_module, _Loader.exec_module):
    _function.__code__ = _function.__code__.replace(co_filename="<frozen importlib._bootstrap>")
del _function


_finder: _Finder | None = None


def when_imported(pattern: str, callback: Callback) -> None:
    """Call ``callback(module)`` for modules whose name matches ``pattern`` (a glob), now or at their import."""
    global _finder
    if _finder is None:
        _finder = _Finder()
        sys.meta_path.insert(0, _finder)
    before = set(_finder.reported)
    if any(sign in pattern for sign in "*?["):
        matches = re.compile(translate(pattern)).match
        _finder.patterns.append((matches, callback))
        present = [sys.modules.get(name) for name in list(sys.modules) if matches(name)]
    else:
        _finder.exact.setdefault(pattern, []).append(callback)
        present = [sys.modules.get(pattern)]
    for module in present:
        if module is None:
            continue
        if id(module) in _finder.reported and id(module) not in before:
            continue  # a thread that imported it meanwhile has called back already
        if _being_imported(module):
            # By a loader of ours, which calls back at its end, or since before there was a finder.
            if id(module) not in _finder.running:
                _finder.late.append((module, callback))
        else:
            importing.guarded(callback, module)


def _being_imported(module: ModuleType) -> bool:
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))


def stop() -> None:
    """Remove the finder from ``sys.meta_path``."""
    global _finder
    if _finder is not None:
        sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not _finder]
        _finder.forget()
        _finder = None
