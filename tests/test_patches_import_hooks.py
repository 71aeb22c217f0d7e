"""Modules that come later: told when they are there, imported by the host alone, left as without us."""

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
    """A folder on sys.path; what is imported from it is forgotten afterwards."""
    place = tmp_path / "path"
    place.mkdir()
    before = set(sys.modules)
    sys.path.insert(0, str(place))
    importlib.invalidate_caches()
    yield place
    for name in set(sys.modules) - before:
        del sys.modules[name]


def package(folder: Path) -> None:
    """A package with a submodule, data, and a part in a namespace package."""
    (folder / "lately").mkdir()
    (folder / "lately" / "__init__.py").write_text("value = 1\n")
    (folder / "lately" / "sub.py").write_text("from lately import value\nname = __name__\nloader = __loader__\n")
    (folder / "lately" / "data.txt").write_text("data")
    (folder / "spread" / "part").mkdir(parents=True)
    (folder / "spread" / "part" / "mod.py").write_text("x = 1\n")
    (folder / "broken.py").write_text("raise LookupError('own')\n")


class Told:
    """Collects the names of modules that it is told of."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.modules: list[ModuleType] = []

    def __call__(self, module: ModuleType) -> None:
        self.names.append(module.__name__)
        self.modules.append(module)


def test_a_module_that_is_there_is_told_at_once() -> None:
    """Nothing is imported for it."""
    told = Told()
    import_hooks.when_imported("json", told)
    import_hooks.when_imported("no.such.module", told)
    assert told.names == ["json"]


def test_packages_and_submodules_are_told_when_they_have_run(folder: Path) -> None:
    """By name or by glob; those that nobody asked for are not touched."""
    package(folder)
    exact, glob = Told(), Told()
    import_hooks.when_imported("lately.sub", exact)
    import_hooks.when_imported("lately*", glob)
    module = importlib.import_module("lately.sub")
    assert exact.names == ["lately.sub"]
    assert glob.names == ["lately", "lately.sub"]
    assert exact.modules[0] is module
    assert module.value == 1


def test_a_told_module_is_what_it_would_be_without_us(folder: Path) -> None:
    """Its loader and spec are its own, already while its code runs."""
    package(folder)
    import_hooks.when_imported("lately*", Told())
    module = importlib.import_module("lately.sub")
    own = importlib.machinery.SourceFileLoader
    assert module.__spec__ is not None
    assert type(module.__loader__) is type(module.__spec__.loader) is type(module.loader) is own
    assert importlib.util.find_spec("lately.sub") is module.__spec__
    assert inspect.getsource(module).startswith("from lately")


def test_a_namespace_package_and_what_is_in_it(folder: Path) -> None:
    """It has no code to run; its modules have."""
    package(folder)
    told = Told()
    import_hooks.when_imported("spread*", told)
    assert importlib.import_module("spread.part.mod").x == 1
    assert "spread.part.mod" in told.names


def test_a_module_that_is_run_again_is_told_again(folder: Path) -> None:
    """A reload makes new functions."""
    package(folder)
    told = Told()
    import_hooks.when_imported("lately", told)
    module = importlib.import_module("lately")
    importlib.reload(module)
    assert told.names == ["lately", "lately"]


def test_a_failing_import_fails_as_without_us(folder: Path) -> None:
    """Its own exception, no trace of the module, and it may be tried again."""
    package(folder)
    told = Told()
    import_hooks.when_imported("broken", told)
    for _ in range(2):
        with pytest.raises(LookupError, match="own") as raised:
            importlib.import_module("broken")
        assert raised.value.__context__ is None
        assert "broken" not in sys.modules
    assert told.names == []
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'lately\.missing'"):
        importlib.import_module("lately.missing")


def test_a_warning_at_import_is_the_importers(folder: Path) -> None:
    (folder / "warning.py").write_text("import warnings\nwarnings.warn('old', DeprecationWarning, stacklevel=2)\n")
    import_hooks.when_imported("warning", print)
    with pytest.warns(DeprecationWarning, match="old") as seen:
        exec("import warning", {"__name__": "importer"})
    assert [each.filename for each in seen] == ["<string>"]


def test_a_failing_import_shows_no_frame_of_ours(folder: Path) -> None:
    (folder / "failing.py").write_text("import no_such_module\n")
    import_hooks.when_imported("failing", print)
    with pytest.raises(ModuleNotFoundError) as failure:
        exec("import failing")
    names = [Path(entry.path).name for entry in failure.traceback]
    assert names == [Path(__file__).name, "<string>", "failing.py"]


def test_a_failing_callback_is_ours_alone(folder: Path) -> None:
    """The import goes on, and so do the other callbacks."""
    package(folder)
    told = Told()

    def failing(module: ModuleType) -> None:
        raise RuntimeError("injected")

    import_hooks.when_imported("lately", failing)
    import_hooks.when_imported("lately", told)
    assert importlib.import_module("lately").value == 1
    assert told.names == ["lately"]
    assert import_hooks.importing.failures == 1
    import_hooks.importing.failures = 0


def test_what_looks_modules_up_by_other_ways_still_works(folder: Path) -> None:
    """runpy, pkgutil, importlib.resources, and a spec that is made into a module by hand."""
    package(folder)
    told = Told()
    import_hooks.when_imported("lately*", told)
    assert runpy.run_module("lately.sub", run_name="__main__")["name"] == "__main__"
    assert pkgutil.get_data("lately", "data.txt") == b"data"
    assert importlib.resources.files("lately").joinpath("data.txt").read_text() == "data"
    assert [found.name for found in pkgutil.walk_packages([str(folder / "lately")])] == ["sub"]
    spec = importlib.util.find_spec("lately.sub")
    assert spec is not None
    assert spec.loader is not None
    assert spec.loader.get_source("lately.sub").startswith("from lately")  # type: ignore[attr-defined]
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.value == 1
    assert told.names.count("lately.sub") == 1


def test_modules_in_an_archive(folder: Path) -> None:
    """Its loader is another kind, and is put back too."""
    archive = folder / "archive.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("zipped.py", "value = 3\n")
    sys.path.insert(0, str(archive))
    told = Told()
    import_hooks.when_imported("zipped", told)
    module = importlib.import_module("zipped")
    assert module.value == 3
    assert told.names == ["zipped"]
    assert type(module.__loader__).__name__ == "zipimporter"


def test_a_lazy_module_stays_lazy_until_it_is_used(folder: Path) -> None:
    """Whoever makes it lazy wraps the loader that we have wrapped."""
    package(folder)
    told = Told()
    import_hooks.when_imported("lately", told)
    spec = importlib.util.find_spec("lately")
    assert spec is not None
    assert spec.loader is not None
    loader = importlib.util.LazyLoader(spec.loader)
    spec.loader = loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["lately"] = module
    loader.exec_module(module)
    assert told.names == []
    assert module.value == 1
    assert told.names == ["lately"]


def test_a_loader_that_puts_something_else_in_place(folder: Path) -> None:
    """A module may replace itself in sys.modules: the import gives what it left there."""
    (folder / "changing.py").write_text("import sys\nsys.modules[__name__] = sys.modules['json']\n")
    told = Told()
    import_hooks.when_imported("changing", told)
    assert importlib.import_module("changing") is sys.modules["json"]
    assert told.names == ["changing"]


def test_an_import_under_way_since_before_us_is_told_when_it_is_done(folder: Path) -> None:
    """No loader of ours runs it: it is told at the next import."""
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
    told = Told()
    import_hooks.when_imported("slow", told)
    assert told.names == []
    opened.set()
    thread.join()
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("no_such_module_at_all")
    assert told.names == ["slow"]


def test_nobody_is_told_after_the_end(folder: Path) -> None:
    """The finder is gone, and an import that it had its hands on goes on without it."""
    package(folder)
    told = Told()
    import_hooks.when_imported("lately*", told)
    spec = importlib.util.find_spec("lately")
    assert spec is not None
    assert spec.loader is not None
    import_hooks.stop()
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.value == 1
    assert told.names == []
    assert type(module.__loader__) is importlib.machinery.SourceFileLoader
    assert not any(type(finder).__module__.startswith("patches") for finder in sys.meta_path)


def test_the_finder_comes_and_goes_without_a_trace() -> None:
    """sys.meta_path holds the very same finders, in their order."""
    before = list(sys.meta_path)
    import_hooks.when_imported("no.such.module", Told())
    assert sys.meta_path[1:] == before
    import_hooks.stop()
    assert sys.meta_path == before
    assert recorder.recorder is not None
