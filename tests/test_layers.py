"""The design's layers: which module may import which, checked in the source of every module."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("patches", "tracer", "diagrams")
MAX_LINES = 400

#: Modules that may use files, processes, sockets and clocks; the rest of tracer, and all of diagrams, is pure.
IMPURE = (
    "tracer.__main__",
    "tracer.attach",
    "tracer.bootstrap",
    "tracer.recording.capture",
    "tracer.cli",
    "tracer.commands",
    "tracer.export.receiver",
    "tracer.files",
    "tracer.fleet.adding",
    "tracer.fleet.batches",
    "tracer.fleet.checking",
    "tracer.fleet.compaction",
    "tracer.fleet.engine",
    "tracer.fleet.store",
    "tracer.history",
    "tracer.hosts",
    "tracer.live.chain",
    "tracer.live.kernel",
    "tracer.live.logs",
    "tracer.live.survey",
    "tracer.live.visit",
    "tracer.packed",
    "tracer.recording.follow",
    "tracer.recording.point_check",
    "tracer.recording.launch",
    "tracer.recording.local_services",
    "tracer.recording.recorded_hosts",
    "tracer.files.read",
    "tracer.recording.call_points",
    "tracer.oslo_config",
    "tracer.sources",
    "tracer.trace_file",
    "tracer.tap",
)
#: Modules that pure ones may not import: those that perform I/O, and the command line's.
OUTSIDE = frozenset(
    """
    asyncio click ctypes fcntl getpass glob http.client io kombu mmap multiprocessing os pathlib platform pty random
    resource secrets select selectors shutil signal socket ssl subprocess tempfile threading time urllib.request
    """.split()  # noqa: SIM905 - a list of words
)
#: Calls that perform I/O without an import: builtins, and the clock's.
OUTSIDE_CALLS = frozenset({"open", "input", "print", "breakpoint"})
CLOCKS = frozenset({"now", "utcnow", "today"})

#: Shared by readers and the recorder: the fields of an event and the layout of a segment, no behaviour.
SHARED = frozenset({"patches.record_format"})
#: The texts of a hooked process's answers to the tool.
ANSWERS = frozenset({"patches.ask_outcomes"})
#: One set of masking rules serves hooks, broker copies and logs.
MASKING = frozenset({"patches.masking", "patches.sql_parameters"})
#: The command line, and the modules that may import it.
COMMAND_LINE = ("tracer.cli", "tracer.commands")
MAY_IMPORT_COMMAND_LINE = ("tracer.__main__", "tracer.cli", "tracer.commands")
#: Code that is sent to hosts, beside tracer.attach and tracer.files (tracer.hosts.bundle).
AGENT = ("tracer.hosts.agent", "tracer.hosts.channel", "tracer.hosts.growth", "tracer.hosts.host_captures")
#: Code that runs in foreign processes: only the standard library of any Python from 3.8 on.
FOREIGN = ("patches", "tracer.bootstrap")


@dataclass(frozen=True)
class Module:
    """A source file under the name that it is imported by."""

    name: str
    path: Path
    package: str

    @cached_property
    def tree(self) -> ast.Module:
        """Return its parsed source."""
        return ast.parse(self.path.read_text(), str(self.path))


@dataclass(frozen=True)
class Import:
    """An imported name: ``module`` is a module of this project, or the name as written for others."""

    module: str
    relative: bool
    line: int


def under(name: str, *roots: str) -> bool:
    """Return whether the module is one of the roots or below one."""
    return any(name == root or name.startswith(f"{root}.") for root in roots)


@cache
def modules() -> dict[str, Module]:
    """Return every module of the three packages by name."""
    result = {}
    for path in sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        result[name] = Module(name, path, name if is_package else ".".join(parts[:-1]))
    return result


@cache
def imports(module: Module) -> tuple[Import, ...]:
    """Return a module's imports, at the top or inside functions, for types or not."""
    return tuple(_imports(module))


def _imports(module: Module) -> Iterator[Import]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, relative=False, line=node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(module, node)
            for alias in node.names:
                target = f"{base}.{alias.name}"
                yield Import(target if target in modules() else base, relative=node.level > 0, line=node.lineno)


def _absolute(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = module.package.split(".")
    base = parts[: len(parts) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


def pure() -> list[Module]:
    """Return the modules without I/O."""
    return [m for m in modules().values() if under(m.name, "tracer", "diagrams") and not under(m.name, *IMPURE)]


def fail_with(wrong: list[tuple[Module, int, str]]) -> None:
    """Fail with one line for every violation, in the format of compilers."""
    if wrong:
        pytest.fail(
            "\n" + "\n".join(f"{m.path.relative_to(ROOT)}:{line}: {text}" for m, line, text in wrong), pytrace=False
        )


def check_imports(names: list[Module], allowed: object, why: str) -> None:
    """Fail for every import for which ``allowed(module, import)`` is false."""
    assert callable(allowed)
    fail_with([(m, i.line, f"imports {i.module}: {why}") for m in names for i in imports(m) if not allowed(m, i)])


def test_the_modules_are_discovered() -> None:
    assert "tracer.model" in modules()


def test_foreign_code_imports_the_standard_library_alone() -> None:
    def allowed(module: Module, imported: Import) -> bool:
        if imported.relative:
            return under(imported.module, "patches")
        return imported.module.partition(".")[0] in sys.stdlib_module_names

    foreign = [m for m in modules().values() if under(m.name, *FOREIGN)]
    check_imports(
        foreign, allowed, "it runs in processes that are not ours: standard library and relative imports only"
    )


def test_code_for_remote_hosts_imports_no_library() -> None:
    def allowed(module: Module, imported: Import) -> bool:
        return imported.module.partition(".")[0] in {*sys.stdlib_module_names, *PACKAGES}

    remote = [m for m in modules().values() if under(m.name, "tracer.attach", "tracer.files", *AGENT)]
    check_imports(remote, allowed, "it is to run on hosts without our libraries: standard library and project only")


def test_foreign_code_is_python_3_8() -> None:
    for module in modules().values():
        if under(module.name, *FOREIGN):
            ast.parse(module.path.read_text(), str(module.path), feature_version=(3, 8))


def test_readers_and_the_tap_import_only_the_record_format_and_masking_of_patches() -> None:
    def allowed(module: Module, imported: Import) -> bool:
        if not under(imported.module, "patches"):
            return True
        if under(module.name, "tracer.attach"):
            return imported.module in ANSWERS
        if under(module.name, "tracer.hosts"):
            return imported.module in SHARED
        shared = SHARED | MASKING if under(module.name, "tracer.sources") else MASKING
        return imported.module in shared and under(module.name, "tracer.sources", "tracer.tap", "tracer.live.logs")

    ours = [m for m in modules().values() if under(m.name, "tracer", "diagrams") and not under(m.name, *COMMAND_LINE)]
    by_others = f"tracer.tap and tracer.live.logs {sorted(MASKING)}"
    check_imports(ours, allowed, f"only tracer.sources {sorted(SHARED | MASKING)}, {by_others}")


#: What becomes of events: rooms and modules behind the sources.
BEHIND_SOURCES = (
    "tracer.correlation",
    "tracer.notation",
    "tracer.diff",
    "tracer.explain",
    "tracer.findings",
    "tracer.timeline",
    "tracer.trace_file",
)


def test_sources_read_and_yield_events() -> None:
    def allowed(module: Module, imported: Import) -> bool:
        return not under(imported.module, *BEHIND_SOURCES)

    sources = [m for m in modules().values() if under(m.name, "tracer.sources")]
    check_imports(sources, allowed, "sources yield events and know nothing of what becomes of them")


def test_correlation_and_diff_read_no_source() -> None:
    def allowed(module: Module, imported: Import) -> bool:
        later = ("tracer.diff",) if under(module.name, "tracer.correlation") else ("tracer.correlation",)
        return not under(imported.module, "tracer.sources", *later)

    stages = [m for m in modules().values() if under(m.name, "tracer.correlation", "tracer.diff")]
    check_imports(stages, allowed, "correlation takes events, diff takes traces")


def test_diagrams_import_only_the_model_and_the_notation() -> None:
    def allowed(module: Module, imported: Import) -> bool:
        return not under(imported.module, "tracer", "patches", "tests", "examples") or under(
            imported.module, "tracer.model", "tracer.notation"
        )

    drawn = [m for m in modules().values() if under(m.name, "diagrams")]
    check_imports(drawn, allowed, "of the project, diagrams import tracer.model and tracer.notation")


def test_nothing_imports_the_command_line() -> None:
    def allowed(module: Module, imported: Import) -> bool:
        return not under(imported.module, *COMMAND_LINE) or under(module.name, *MAY_IMPORT_COMMAND_LINE)

    check_imports(list(modules().values()), allowed, "the command line imports, and is not imported")


def test_only_the_command_line_exports() -> None:
    """Encoders have libraries of their own, which no other command is to import."""

    def allowed(module: Module, imported: Import) -> bool:
        return not under(imported.module, "tracer.export") or under(module.name, "tracer.export", *COMMAND_LINE)

    check_imports(list(modules().values()), allowed, "only the command line exports")


def test_export_imports_only_the_model_and_the_notation() -> None:
    def allowed(module: Module, imported: Import) -> bool:
        return not under(imported.module, *PACKAGES) or under(
            imported.module, "tracer.export", "tracer.model", "tracer.notation", "tracer.errors", "tracer.text"
        )

    exported = [m for m in modules().values() if under(m.name, "tracer.export")]
    check_imports(exported, allowed, "of the project, export imports the model and the notation")


def test_only_the_command_line_imports_diagrams() -> None:
    def allowed(module: Module, imported: Import) -> bool:
        return not under(imported.module, "diagrams") or under(module.name, "diagrams", *COMMAND_LINE)

    check_imports(list(modules().values()), allowed, "only the command line draws")


def test_nothing_imports_tests_or_examples() -> None:
    def allowed(module: Module, imported: Import) -> bool:
        return not under(imported.module, "tests", "examples")

    check_imports(list(modules().values()), allowed, "neither is installed")


def test_pure_modules_import_no_io() -> None:
    def allowed(module: Module, imported: Import) -> bool:
        return not under(imported.module, *OUTSIDE) and not under(imported.module, *IMPURE)

    check_imports(pure(), allowed, "a pure module performs no I/O (IMPURE in tests/test_layers.py lists the others)")


def test_pure_modules_call_no_file_function_and_no_clock() -> None:
    fail_with([(m, node.lineno, f"calls {ast.unparse(node.func)}") for m in pure() for node in _outside_calls(m)])


def _outside_calls(module: Module) -> Iterator[ast.Call]:
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        if isinstance(function, ast.Name) and function.id in OUTSIDE_CALLS:
            yield node
        if isinstance(function, ast.Attribute) and function.attr in CLOCKS and "date" in ast.unparse(function.value):
            yield node


#: Modules that may write to the terminal; the second does so in foreign processes.
MAY_PRINT = ("tracer.commands.printing", "tracer.bootstrap")
_PRINTING = frozenset({"print", "click.echo", "click.secho", "sys.stdout.write", "sys.stderr.write"})
#: The package that opens, creates, replaces and removes files; and the modules that may do so too, with the reason.
FILES = ("tracer.files",)
MAY_OPEN = {
    "tracer.bootstrap": "runs in foreign processes, where tracer.files is not loaded",
    "tracer.attach.proc": "opens the files of other processes in /proc",
    "tracer.tap.tracing_switch": "opens a URL",
}
_OPENING = frozenset(
    """
    open read_text read_bytes write_text write_bytes mkdir makedirs touch unlink rename renames rmdir removedirs
    chmod lchmod chown lchown symlink symlink_to hardlink_to mkfifo mknod rmtree copyfile copytree copyfileobj
    mkstemp mkdtemp NamedTemporaryFile TemporaryFile TemporaryDirectory SpooledTemporaryFile
    """.split()  # noqa: SIM905 - a list of words
)
#: Ambiguous names, which count only on these modules.
_OPENING_OF = {"os": frozenset({"replace", "remove", "link"}), "shutil": frozenset({"copy", "copy2", "move"})}
#: Owners whose methods have such names: modules of tracer.files, opened folders and archives, lists.
_THROUGH_FILES = frozenset(
    {"folder", "reading", "writing", "opening", "folders", "capture", "spool", "opened", "segments", "self._archive"}
)


def test_only_tracer_files_opens_files() -> None:
    violations = []
    for module in modules().values():
        if under(module.name, "tracer", "diagrams") and not under(module.name, *FILES, *MAY_OPEN):
            violations += [
                (module, call.lineno, f"calls {ast.unparse(call.func)}: use tracer.files") for call in _opening(module)
            ]
    fail_with(violations)


def _opening(module: Module) -> Iterator[ast.Call]:
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        if isinstance(function, ast.Name) and function.id == "open":
            yield node
        if isinstance(function, ast.Attribute):
            owner = ast.unparse(function.value)
            named = function.attr in _OPENING and owner not in _THROUGH_FILES
            if named or function.attr in _OPENING_OF.get(owner, ()):
                yield node


def test_every_exception_for_opening_files_is_used() -> None:
    for name in MAY_OPEN:
        assert any(next(_opening(module), None) for module in modules().values() if under(module.name, name)), name


def test_only_printing_writes_to_the_terminal() -> None:
    """It escapes control characters of foreign text."""
    ours = [m for m in modules().values() if under(m.name, "tracer") and not under(m.name, *MAY_PRINT)]
    calls = [(m, node) for m in ours for node in ast.walk(m.tree) if isinstance(node, ast.Call)]
    fail_with([(m, call.lineno, "prints") for m, call in calls if ast.unparse(call.func) in _PRINTING])


def test_imports_have_no_cycles() -> None:
    graph: nx.DiGraph[str] = nx.DiGraph()
    for module in modules().values():
        graph.add_edges_from((module.name, i.module) for i in imports(module) if i.module in modules())
    graph.remove_edges_from(list(nx.selfloop_edges(graph)))
    assert [" → ".join(cycle) for cycle in nx.simple_cycles(graph)] == []


def test_files_stay_small() -> None:
    sources = [path for folder in (*PACKAGES, "tests", "examples") for path in (ROOT / folder).rglob("*.py")]
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in sources}
    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}
