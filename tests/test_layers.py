"""Who may import whom, read from the source of every module there is: the arrows of the design."""

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

#: What may touch files, processes, sockets and clocks; every other module of tracer, and all of diagrams, is pure.
IMPURE = (
    "tracer.__main__",
    "tracer.attach",
    "tracer.bootstrap",
    "tracer.recording.capture",
    "tracer.cli",
    "tracer.commands",
    "tracer.files",
    "tracer.recording.follow",
    "tracer.recording.launch",
    "tracer.limits",
    "tracer.recording.call_points",
    "tracer.oslo_config",
    "tracer.sources",
    "tracer.trace_file",
    "tracer.tap",
)
#: Modules through which a pure one would reach the outside, and the command line's own.
OUTSIDE = frozenset(
    """
    asyncio click ctypes fcntl getpass glob http.client io kombu mmap multiprocessing os pathlib platform pty random
    resource secrets select selectors shutil signal socket ssl subprocess tempfile threading time urllib.request
    """.split()  # noqa: SIM905 - a list of words
)
#: Calls that do the same without an import: builtins, and the clock's.
OUTSIDE_CALLS = frozenset({"open", "input", "print", "breakpoint"})
CLOCKS = frozenset({"now", "utcnow", "today"})

#: What readers share with the recorder: the fields of an event and the layout of a segment, nothing that runs.
SHARED = frozenset({"patches.record_format"})
#: The words in which a process with hooks answers the tool.
ANSWERS = frozenset({"patches.ask_outcomes"})
#: What masks secrets is one set of rules, for what hooks see, what passes the broker and what logs tell.
MASKING = frozenset({"patches.masking", "patches.sql_parameters"})
#: The command line, and who may import it.
COMMAND_LINE = ("tracer.cli", "tracer.commands")
MAY_IMPORT_COMMAND_LINE = ("tracer.__main__", "tracer.cli", "tracer.commands")
#: In a foreign process: nothing but the standard library of any Python from 3.8 on.
FOREIGN = ("patches", "tracer.bootstrap")


@dataclass(frozen=True)
class Module:
    """A source file under the name that it is imported by."""

    name: str
    path: Path
    package: str

    @cached_property
    def tree(self) -> ast.Module:
        """Its source, parsed."""
        return ast.parse(self.path.read_text(), str(self.path))


@dataclass(frozen=True)
class Import:
    """One imported name: ``module`` is a module of this project or, of others, what was written."""

    module: str
    relative: bool
    line: int


def under(name: str, *roots: str) -> bool:
    """Whether the module is one of the roots or below one."""
    return any(name == root or name.startswith(f"{root}.") for root in roots)


@cache
def modules() -> dict[str, Module]:
    """Every module of the three packages by its name."""
    found = {}
    for path in sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        found[name] = Module(name, path, name if is_package else ".".join(parts[:-1]))
    return found


@cache
def imports(module: Module) -> tuple[Import, ...]:
    """What it imports, at its top or inside a function, for types only or not."""
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
    kept = parts[: len(parts) - node.level + 1]
    return ".".join([*kept, *([node.module] if node.module else [])])


def pure() -> list[Module]:
    """The modules that take values and give values."""
    return [m for m in modules().values() if under(m.name, "tracer", "diagrams") and not under(m.name, *IMPURE)]


def complain(wrong: list[tuple[Module, int, str]]) -> None:
    """Fail with one line a finding, as compilers write them."""
    if wrong:
        pytest.fail(
            "\n" + "\n".join(f"{m.path.relative_to(ROOT)}:{line}: {text}" for m, line, text in wrong), pytrace=False
        )


def forbidden(names: list[Module], allowed: object, why: str) -> None:
    """Complain of each import for which ``allowed(module, import)`` is false."""
    assert callable(allowed)
    complain([(m, i.line, f"imports {i.module}: {why}") for m in names for i in imports(m) if not allowed(m, i)])


def test_there_is_something_to_look_at() -> None:
    assert "tracer.model" in modules()


def test_foreign_code_imports_the_standard_library_alone() -> None:
    def allowed(module: Module, found: Import) -> bool:
        if found.relative:
            return under(found.module, "patches")
        return found.module.partition(".")[0] in sys.stdlib_module_names

    foreign = [m for m in modules().values() if under(m.name, *FOREIGN)]
    forbidden(foreign, allowed, "it runs in processes that are not ours: standard library and relative imports only")


def test_foreign_code_is_python_3_8() -> None:
    for module in modules().values():
        if under(module.name, *FOREIGN):
            ast.parse(module.path.read_text(), str(module.path), feature_version=(3, 8))


def test_patches_are_shared_with_readers_by_their_record_alone() -> None:
    def allowed(module: Module, found: Import) -> bool:
        if not under(found.module, "patches"):
            return True
        if under(module.name, "tracer.attach"):
            return found.module in ANSWERS
        shared = MASKING if under(module.name, "tracer.tap") else SHARED | MASKING
        return found.module in shared and under(module.name, "tracer.sources", "tracer.tap")

    ours = [m for m in modules().values() if under(m.name, "tracer", "diagrams") and not under(m.name, *COMMAND_LINE)]
    forbidden(ours, allowed, f"only tracer.sources {sorted(SHARED | MASKING)} and tracer.tap {sorted(MASKING)}")


def test_diagrams_know_the_model_and_the_notation_alone() -> None:
    def allowed(module: Module, found: Import) -> bool:
        return not under(found.module, "tracer", "patches", "tests", "examples") or under(
            found.module, "tracer.model", "tracer.notation"
        )

    drawn = [m for m in modules().values() if under(m.name, "diagrams")]
    forbidden(drawn, allowed, "of the project, diagrams import tracer.model and tracer.notation")


def test_nothing_imports_the_command_line() -> None:
    def allowed(module: Module, found: Import) -> bool:
        return not under(found.module, *COMMAND_LINE) or under(module.name, *MAY_IMPORT_COMMAND_LINE)

    forbidden(list(modules().values()), allowed, "the command line imports, and is not imported")


def test_the_command_line_alone_draws() -> None:
    def allowed(module: Module, found: Import) -> bool:
        return not under(found.module, "diagrams") or under(module.name, "diagrams", *COMMAND_LINE)

    forbidden(list(modules().values()), allowed, "what is drawn is the command line's to say")


def test_nothing_imports_tests_or_examples() -> None:
    def allowed(module: Module, found: Import) -> bool:
        return not under(found.module, "tests", "examples")

    forbidden(list(modules().values()), allowed, "neither is installed")


def test_pure_modules_do_not_reach_outside() -> None:
    def allowed(module: Module, found: Import) -> bool:
        return not under(found.module, *OUTSIDE) and not under(found.module, *IMPURE)

    forbidden(
        pure(), allowed, "a pure module takes values and gives values (IMPURE in tests/test_layers.py lists the others)"
    )


def test_pure_modules_read_no_file_and_no_clock() -> None:
    complain([(m, node.lineno, f"calls {ast.unparse(node.func)}") for m in pure() for node in _outside_calls(m)])


def _outside_calls(module: Module) -> Iterator[ast.Call]:
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        if isinstance(function, ast.Name) and function.id in OUTSIDE_CALLS:
            yield node
        if isinstance(function, ast.Attribute) and function.attr in CLOCKS and "date" in ast.unparse(function.value):
            yield node


#: Who writes to the terminal; the second does so in foreign processes.
MAY_PRINT = ("tracer.commands.printing", "tracer.bootstrap")
_PRINTING = frozenset({"print", "click.echo", "click.secho", "sys.stdout.write", "sys.stderr.write"})
#: Who opens, makes, replaces and removes files; and, each for its own reason, who else may.
FILES = ("tracer.files",)
MAY_OPEN = {
    "tracer.bootstrap": "runs in foreign processes, where nothing else of ours is",
    "tracer.attach.proc": "opens the files of other processes in /proc",
    "tracer.attach.injection.payload": "reads bootseq's own modules, by the paths of the import system",
    "tracer.commands.status": "for now: a process's environment by /proc",
    "tracer.tap.tracing_switch": "opens a URL",
}
_OPENING = frozenset(
    """
    open read_text read_bytes write_text write_bytes mkdir makedirs touch unlink rename renames rmdir removedirs
    chmod lchmod chown lchown symlink symlink_to hardlink_to mkfifo mknod rmtree copyfile copytree copyfileobj
    mkstemp mkdtemp NamedTemporaryFile TemporaryFile TemporaryDirectory SpooledTemporaryFile
    """.split()  # noqa: SIM905 - a list of words
)
#: Names that other things have too.
_OPENING_OF = {"os": frozenset({"replace", "remove", "link"}), "shutil": frozenset({"copy", "copy2", "move"})}
#: Calls of these names that are those of other things: of a module of tracer.files, of an opened folder, of a list.
_THROUGH_FILES = frozenset(
    {"folder", "reading", "writing", "opening", "folders", "capture", "spool", "opened", "segments"}
)


def test_files_are_opened_in_one_place() -> None:
    found = []
    for module in modules().values():
        if under(module.name, "tracer", "diagrams") and not under(module.name, *FILES, *MAY_OPEN):
            found += [
                (module, call.lineno, f"calls {ast.unparse(call.func)}: tracer.files does") for call in _opening(module)
            ]
    complain(found)


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


def test_what_may_open_files_is_there() -> None:
    """And does: a reason that has gone, goes."""
    for name in MAY_OPEN:
        assert any(next(_opening(module), None) for module in modules().values() if under(module.name, name)), name


def test_the_terminal_is_written_to_in_one_place() -> None:
    """Where what was read from somewhere is made printable."""
    ours = [m for m in modules().values() if under(m.name, "tracer") and not under(m.name, *MAY_PRINT)]
    calls = [(m, node) for m in ours for node in ast.walk(m.tree) if isinstance(node, ast.Call)]
    complain([(m, call.lineno, "prints") for m, call in calls if ast.unparse(call.func) in _PRINTING])


def test_no_cycles() -> None:
    graph: nx.DiGraph[str] = nx.DiGraph()
    for module in modules().values():
        graph.add_edges_from((module.name, i.module) for i in imports(module) if i.module in modules())
    graph.remove_edges_from(list(nx.selfloop_edges(graph)))
    assert [" → ".join(cycle) for cycle in nx.simple_cycles(graph)] == []


def test_files_stay_small() -> None:
    sources = [path for folder in (*PACKAGES, "tests", "examples") for path in (ROOT / folder).rglob("*.py")]
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in sources}
    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}
