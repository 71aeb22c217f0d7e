"""Call back when a module has been imported, now or later, without importing anything ourselves."""

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
    """First on ``sys.meta_path``: finds nothing itself, but lends the wanted modules' loaders an ear."""

    def __init__(self) -> None:
        self.exact: dict[str, list[Callback]] = {}
        self.patterns: list[tuple[Callable[[str], object], Callback]] = []
        #: Modules (their ids) that our loaders are running, and those that callbacks were told of.
        self.running: set[int] = set()
        self.told: set[int] = set()
        #: Modules that were in the middle of their import when they were asked for: no loader tells their end.
        self.late: list[tuple[ModuleType, Callback]] = []

    def wanted(self, name: str) -> list[Callback]:
        """The callbacks for a module of this name."""
        found = list(self.exact.get(name, ()))
        found.extend([callback for matches, callback in self.patterns if matches(name)])
        return found

    @wrapper_frames.hide
    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """The other finders' spec, with a loader that calls back; None where nobody asked for the module."""
        if self.late:
            self.tell_late()
        if not importing.guarded(self.wanted, name):
            return None
        for finder in list(sys.meta_path):
            find = getattr(finder, "find_spec", None)
            if finder is self or find is None:
                continue
            spec = find(name, path, target)
            if spec is not None:
                importing.guarded(self.listen, spec)
                return spec
        return None

    def listen(self, spec: Any) -> None:
        """Have the spec's loader tell when the module is there."""
        if spec.loader is not None and hasattr(spec.loader, "exec_module"):
            spec.loader = _Loader(spec.loader, self)

    def tell(self, module: ModuleType) -> None:
        """The module is there."""
        self.told.add(id(module))
        for callback in self.wanted(module.__name__):
            importing.guarded(callback, module)

    def tell_late(self) -> None:
        """Tell of the modules whose import has ended meanwhile."""
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
        """Call nobody back any more, not even for an import that is under way."""
        self.exact.clear()
        self.patterns.clear()
        self.late.clear()


class _Loader:
    """A module's own loader, which puts itself back as the module's loader before the module's code runs."""

    def __init__(self, loader: Any, finder: _Finder) -> None:
        self._loader = loader
        self._finder = finder

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    @wrapper_frames.hide
    def create_module(self, spec: Any) -> Any:
        """What the module's own loader makes; it sees the spec as it would without us."""
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
        self._put_back(module)
        self._finder.running.add(id(module))
        try:
            self._loader.exec_module(module)
        finally:
            self._finder.running.discard(id(module))
        importing.guarded(self._finder.tell, module)

    def _put_back(self, module: Any) -> None:
        try:
            if module.__spec__.loader is self:
                module.__spec__.loader = self._loader
            if module.__loader__ is self:
                module.__loader__ = self._loader
        except Exception as error:  # a module that is no module
            importing.swallow(error, blamed=True)


# Frames of the import system to Python, like those of the finders and loaders that we stand before: a module's warning
# at its import is that of the statement that imports it, and the traceback of a failed import leaves them out.
for _function in (_Finder.find_spec, _Loader.create_module, _Loader.exec_module):
    _function.__code__ = _function.__code__.replace(co_filename="<frozen importlib._bootstrap>")
del _function


_finder: _Finder | None = None


def when_imported(pattern: str, callback: Callback) -> None:
    """Call ``callback(module)`` for each module whose name matches ``pattern`` (a glob), now or when it comes."""
    global _finder
    if _finder is None:
        _finder = _Finder()
        sys.meta_path.insert(0, _finder)
    before = set(_finder.told)
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
        if id(module) in _finder.told and id(module) not in before:
            continue  # a thread that imported it meanwhile has told already
        if _being_imported(module):
            # Through a loader that calls back when it is done, or since before there was a finder.
            if id(module) not in _finder.running:
                _finder.late.append((module, callback))
        else:
            importing.guarded(callback, module)


def _being_imported(module: ModuleType) -> bool:
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))


def stop() -> None:
    """Take the finder out of ``sys.meta_path``."""
    global _finder
    if _finder is not None:
        sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not _finder]
        _finder.forget()
        _finder = None
