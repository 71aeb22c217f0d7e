"""Call back when a module has been imported, now or later, without importing anything ourselves."""

import re
import sys
from fnmatch import translate


class _Finder:
    """First on ``sys.meta_path``: finds nothing itself, but lends the wanted modules' loaders an ear."""

    def __init__(self):
        self.exact = {}
        self.patterns = []

    def wanted(self, name):
        """The callbacks for a module of this name."""
        found = list(self.exact.get(name, ()))
        found.extend(callback for matches, callback in self.patterns if matches(name))
        return found

    def find_spec(self, name, path=None, target=None):
        """The other finders' spec, with a loader that calls back; None where nobody asked for the module."""
        if not self.wanted(name):
            return None
        for finder in list(sys.meta_path):
            find = getattr(finder, "find_spec", None)
            if finder is self or find is None:
                continue
            spec = find(name, path, target)
            if spec is not None:
                if spec.loader is not None and hasattr(spec.loader, "exec_module"):
                    spec.loader = _Loader(spec.loader, self)
                return spec
        return None


class _Loader:
    """A module's own loader, which puts itself back as the module's loader before the module's code runs."""

    def __init__(self, loader, finder):
        self._loader = loader
        self._finder = finder

    def __getattr__(self, name):
        return getattr(self._loader, name)

    def create_module(self, spec):
        """What the module's own loader makes."""
        return self._loader.create_module(spec)

    def exec_module(self, module):
        """Run the module, then the callbacks."""
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        _call_back(self._finder.wanted(module.__name__), module)


_finder = None


def _call_back(callbacks, module):
    for callback in callbacks:
        callback(module)


def when_imported(pattern, callback):
    """Call ``callback(module)`` for each module whose dotted name matches ``pattern`` (a glob), now or when it comes.

    ``callback`` must not raise; hook modules pass one that is guarded.
    """
    global _finder
    if _finder is None:
        _finder = _Finder()
        sys.meta_path.insert(0, _finder)
    if any(sign in pattern for sign in "*?["):
        matches = re.compile(translate(pattern)).match
        _finder.patterns.append((matches, callback))
        present = [module for name, module in list(sys.modules.items()) if matches(name)]
    else:
        _finder.exact.setdefault(pattern, []).append(callback)
        present = [sys.modules[pattern]] if pattern in sys.modules else []
    for module in present:
        # A module that is still running its own code calls back when it is done.
        if module is not None and not getattr(getattr(module, "__spec__", None), "_initializing", False):
            callback(module)


def stop():
    """Take the finder out of ``sys.meta_path``."""
    global _finder
    if _finder is not None:
        if _finder in sys.meta_path:
            sys.meta_path.remove(_finder)
        _finder = None
