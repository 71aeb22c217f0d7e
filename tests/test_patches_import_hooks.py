"""Modules that are imported later: reported once loaded, imported only by the host, otherwise untouched."""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.resources
import importlib.util
import inspect
import pkgutil
import runpy
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from patches import import_hooks, recorder
from tests.support.recording import recording


@pytest.fixture(autouse=True)
def _recorded(tmp_path: Path) -> Iterator[None]:
    with recording(tmp_path / "cap"):
        yield


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder on sys.path; modules imported from it are removed afterwards."""
    path = tmp_path / "path"
    path.mkdir()
    before = set(sys.modules)
    sys.path.insert(0, str(path))
    importlib.invalidate_caches()
    yield path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write_package(folder: Path) -> None:
    """Write a package with a submodule and data, and a namespace package."""
    (folder / "lately").mkdir()
    (folder / "lately" / "__init__.py").write_text("value = 1\n")
    (folder / "lately" / "sub.py").write_text("from lately import value\nname = __name__\nloader = __loader__\n")
    (folder / "lately" / "data.txt").write_text("data")
    (folder / "spread" / "part").mkdir(parents=True)
    (folder / "spread" / "part" / "mod.py").write_text("x = 1\n")
    (folder / "broken.py").write_text("raise LookupError('own')\n")


class Collector:
    """A callback that collects modules."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.modules: list[ModuleType] = []

    def __call__(self, module: ModuleType) -> None:
        self.names.append(module.__name__)
        self.modules.append(module)


def test_a_loaded_module_is_reported_at_once() -> None:
    """No module is imported for that."""
    imported = Collector()
    import_hooks.when_imported("json", imported)
    import_hooks.when_imported("no.such.module", imported)
    assert imported.names == ["json"]


def test_packages_and_submodules_are_reported_once_loaded(folder: Path) -> None:
    """By name or by glob."""
    write_package(folder)
    exact, glob = Collector(), Collector()
    import_hooks.when_imported("lately.sub", exact)
    import_hooks.when_imported("lately*", glob)
    module = importlib.import_module("lately.sub")
    assert exact.names == ["lately.sub"]
    assert glob.names == ["lately", "lately.sub"]
    assert exact.modules[0] is module
    assert module.value == 1


def test_a_reported_module_keeps_its_own_loader_and_spec(folder: Path) -> None:
    """Already while its code runs."""
    write_package(folder)
    import_hooks.when_imported("lately*", Collector())
    module = importlib.import_module("lately.sub")
    own = importlib.machinery.SourceFileLoader
    assert module.__spec__ is not None
    assert type(module.__loader__) is type(module.__spec__.loader) is type(module.loader) is own
    assert importlib.util.find_spec("lately.sub") is module.__spec__
    assert inspect.getsource(module).startswith("from lately")


def test_modules_in_a_namespace_package_are_reported(folder: Path) -> None:
    write_package(folder)
    imported = Collector()
    import_hooks.when_imported("spread*", imported)
    assert importlib.import_module("spread.part.mod").x == 1
    assert "spread.part.mod" in imported.names


def test_a_reloaded_module_is_reported_again(folder: Path) -> None:
    """A reload creates new functions."""
    write_package(folder)
    imported = Collector()
    import_hooks.when_imported("lately", imported)
    module = importlib.import_module("lately")
    importlib.reload(module)
    assert imported.names == ["lately", "lately"]


def test_a_failing_import_raises_its_own_error_and_can_be_retried(folder: Path) -> None:
    write_package(folder)
    imported = Collector()
    import_hooks.when_imported("broken", imported)
    for _ in range(2):
        with pytest.raises(LookupError, match="own") as raised:
            importlib.import_module("broken")
        assert raised.value.__context__ is None
        assert "broken" not in sys.modules
    assert imported.names == []
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'lately\.missing'"):
        importlib.import_module("lately.missing")


def test_a_warning_at_import_names_the_importer(folder: Path) -> None:
    (folder / "warning.py").write_text("import warnings\nwarnings.warn('old', DeprecationWarning, stacklevel=2)\n")
    import_hooks.when_imported("warning", print)
    with pytest.warns(DeprecationWarning, match="old") as warnings:
        exec("import warning", {"__name__": "importer"})
    assert [warning.filename for warning in warnings] == ["<string>"]


def test_the_traceback_of_a_failing_import_has_no_frame_of_the_hook(folder: Path) -> None:
    (folder / "failing.py").write_text("import no_such_module\n")
    import_hooks.when_imported("failing", print)
    with pytest.raises(ModuleNotFoundError) as failure:
        exec("import failing")
    names = [Path(entry.path).name for entry in failure.traceback]
    assert names == [Path(__file__).name, "<string>", "failing.py"]


def test_a_failing_callback_affects_neither_the_import_nor_other_callbacks(folder: Path) -> None:
    write_package(folder)
    imported = Collector()

    def failing(module: ModuleType) -> None:
        raise RuntimeError("injected")

    import_hooks.when_imported("lately", failing)
    import_hooks.when_imported("lately", imported)
    assert importlib.import_module("lately").value == 1
    assert imported.names == ["lately"]
    assert import_hooks.importing.failures == 1
    import_hooks.importing.failures = 0


def test_runpy_pkgutil_and_resources_still_work(folder: Path) -> None:
    """And so does a module created from a spec by hand."""
    write_package(folder)
    imported = Collector()
    import_hooks.when_imported("lately*", imported)
    assert runpy.run_module("lately.sub", run_name="__main__")["name"] == "__main__"
    assert pkgutil.get_data("lately", "data.txt") == b"data"
    assert importlib.resources.files("lately").joinpath("data.txt").read_text() == "data"
    assert [info.name for info in pkgutil.walk_packages([str(folder / "lately")])] == ["sub"]
    spec = importlib.util.find_spec("lately.sub")
    assert spec is not None
    assert spec.loader is not None
    assert spec.loader.get_source("lately.sub").startswith("from lately")  # type: ignore[attr-defined]
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.value == 1
    assert imported.names.count("lately.sub") == 1


def test_a_module_in_an_archive_is_reported(folder: Path) -> None:
    """Its zipimporter is restored too."""
    archive = folder / "archive.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("zipped.py", "value = 3\n")
    sys.path.insert(0, str(archive))
    imported = Collector()
    import_hooks.when_imported("zipped", imported)
    module = importlib.import_module("zipped")
    assert module.value == 3
    assert imported.names == ["zipped"]
    assert type(module.__loader__).__name__ == "zipimporter"


def test_a_lazy_module_stays_lazy_until_it_is_used(folder: Path) -> None:
    """LazyLoader wraps the loader that the hook has wrapped."""
    write_package(folder)
    imported = Collector()
    import_hooks.when_imported("lately", imported)
    spec = importlib.util.find_spec("lately")
    assert spec is not None
    assert spec.loader is not None
    loader = importlib.util.LazyLoader(spec.loader)
    spec.loader = loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["lately"] = module
    loader.exec_module(module)
    assert imported.names == []
    assert module.value == 1
    assert imported.names == ["lately"]


def test_a_module_that_replaces_itself_is_imported_as_its_replacement(folder: Path) -> None:
    """A module may replace itself in sys.modules."""
    (folder / "changing.py").write_text("import sys\nsys.modules[__name__] = sys.modules['json']\n")
    imported = Collector()
    import_hooks.when_imported("changing", imported)
    assert importlib.import_module("changing") is sys.modules["json"]
    assert imported.names == ["changing"]


def test_an_import_that_began_before_the_hook_is_reported_later(folder: Path) -> None:
    """The hook does not wrap its loader: it is reported at the next import."""
    (folder / "slow.py").write_text("import sys\nsys.modules['gate'].wait()\nvalue = 1\n")
    gate: Any = ModuleType("gate")
    reached, opened = threading.Event(), threading.Event()

    def wait() -> None:
        reached.set()
        opened.wait(10)

    gate.wait = wait
    sys.modules["gate"] = gate
    thread = threading.Thread(target=importlib.import_module, args=("slow",))
    thread.start()
    assert reached.wait(10)
    imported = Collector()
    import_hooks.when_imported("slow", imported)
    assert imported.names == []
    opened.set()
    thread.join()
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("no_such_module_at_all")
    assert imported.names == ["slow"]


def test_no_module_is_reported_after_stop(folder: Path) -> None:
    """The finder is removed; a module whose loader was already wrapped still loads."""
    write_package(folder)
    imported = Collector()
    import_hooks.when_imported("lately*", imported)
    spec = importlib.util.find_spec("lately")
    assert spec is not None
    assert spec.loader is not None
    import_hooks.stop()
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.value == 1
    assert imported.names == []
    assert type(module.__loader__) is importlib.machinery.SourceFileLoader
    assert not any(type(finder).__module__.startswith("patches") for finder in sys.meta_path)


def test_stop_restores_the_finders() -> None:
    """sys.meta_path has the same finders in the same order."""
    before = list(sys.meta_path)
    import_hooks.when_imported("no.such.module", Collector())
    assert sys.meta_path[1:] == before
    import_hooks.stop()
    assert sys.meta_path == before
    assert recorder.recorder is not None
