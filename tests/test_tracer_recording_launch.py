"""Starting commands under the hooks: their environment, their children, and their own sitecustomize."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tracer.errors import TracerError
from tracer.events import Events
from tracer.recording import capture, launch
from tracer.sources.hooks import segments


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Create a folder with a capture and a module ``traced`` whose ``f`` is a call point."""
    (tmp_path / "traced.py").write_text("def f(): return 5\n")
    capture.make(tmp_path / "cap", points=[("traced", ["f"], [])], ask=[], echo=False)
    return tmp_path


def python(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a Python process with hooks."""
    base = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | environ
    environment = launch.environment(base, folder / "cap")
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def calls(folder: Path) -> list[str]:
    return [event.name for event in contents(folder).events if event.kind == "call"]


def contents(folder: Path) -> Events:
    return segments.read(folder / "cap")


def entries(inherited: str | None) -> list[str]:
    base = {} if inherited is None else {"PYTHONPATH": inherited}
    path = launch.environment(base, Path("cap"))["PYTHONPATH"]
    return ["BOOTSTRAP" if entry == str(launch.BOOTSTRAP) else entry for entry in path.split(os.pathsep)]


def test_the_bootstrap_is_first_on_the_path() -> None:
    """Once; the user's entries stay, also an empty one, which means the working directory."""
    assert entries(None) == entries("") == entries(str(launch.BOOTSTRAP)) == ["BOOTSTRAP"]
    assert entries("/a:/b") == entries(f"/a:{launch.BOOTSTRAP}:/b") == ["BOOTSTRAP", "/a", "/b"]
    assert entries(":/a") == ["BOOTSTRAP", "", "/a"]
    environment = launch.environment({"X": "1"}, Path("cap"))
    assert environment["X"] == "1"
    assert environment["BOOTSEQ_CAPTURE"] == str(Path.cwd() / "cap")
    assert (Path(environment["BOOTSEQ_PATCHES"]) / "__init__.py").is_file()


def test_a_command_is_recorded(folder: Path) -> None:
    """And works the same as without hooks."""
    done = python(folder, "-c", "import traced; print(traced.f())")
    assert (done.returncode, done.stdout, done.stderr) == (0, "5\n", "")
    assert calls(folder) == ["traced:f"]


def test_children_and_their_children_are_recorded(folder: Path) -> None:
    """By exec, through a shell, or by fork: any way that passes the environment on."""
    (folder / "child.py").write_text(
        "import os, sys, traced\n"
        "depth = int(sys.argv[1])\n"
        "traced.f()\n"
        "if depth == 2: os.system(f'{sys.executable} child.py 1')\n"
        "elif depth == 1: os.execv(sys.executable, [sys.executable, 'child.py', '0'])\n"
        "else:\n"
        "    pid = os.fork()\n"
        "    traced.f()\n"
        "    if pid: os.waitpid(pid, 0)\n"
        "    os._exit(0)\n"
    )
    done = python(folder, "child.py", "2")
    assert (done.returncode, done.stderr) == (0, "")
    # Before the exec, after it, and twice after the fork.
    assert calls(folder) == ["traced:f"] * 5
    assert contents(folder).warnings == []


def test_the_users_own_sitecustomize_runs(folder: Path) -> None:
    """With its own name and file, after the hooks were installed."""
    own = folder / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text(
        "import sys\nhere = __file__\nprint('own', __name__, '_bootseq' in sys.modules)\n"
    )
    done = python(folder, "-c", "import sitecustomize; print(sitecustomize.here)", PYTHONPATH=str(own))
    assert done.stdout == f"own sitecustomize True\n{own / 'sitecustomize.py'}\n"
    assert done.stderr == ""


#: Ways to run the next sitecustomize: after removing oneself from the path (ddtrace), or searching behind it (ours).
CHAINS = {
    "off the path": "import sys\nsys.path.remove({here!r})\ndel sys.modules['sitecustomize']\nimport sitecustomize\n",
    "behind it": (
        "import importlib.machinery, sys\n"
        "rest = [entry for entry in sys.path if entry != {here!r}]\n"
        "spec = importlib.machinery.PathFinder.find_spec('sitecustomize', rest)\n"
        "if spec: exec(compile(open(spec.origin).read(), spec.origin, 'exec'), {{'__file__': spec.origin}})\n"
    ),
}


@pytest.mark.parametrize("first", ["bootseq", "theirs"])
@pytest.mark.parametrize("chain", CHAINS)
def test_a_chain_of_other_sitecustomizes_runs(folder: Path, chain: str, first: str) -> None:
    """All run once, in order, whichever is first; the hooks are installed once."""
    for name in ("one", "two"):
        own = folder / name
        own.mkdir()
        code = f"print({name!r})\n" + (CHAINS[chain].format(here=str(own)) if name == "one" else "")
        (own / "sitecustomize.py").write_text(code)
    path = [str(folder / "one"), str(launch.BOOTSTRAP), str(folder / "two")]
    if first == "bootseq":
        path = [path[1], path[0], path[2]]
    environment = launch.environment(dict(os.environ), folder / "cap") | {"PYTHONPATH": os.pathsep.join(path)}
    done = subprocess.run(
        [sys.executable, "-c", "import traced; traced.f()"], cwd=folder, env=environment, capture_output=True,
        text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("one\ntwo\n", "")
    assert calls(folder) == ["traced:f"]


@pytest.mark.slow
@pytest.mark.parametrize("way", ["os.execl(*call)", "os.execvp(*call[:1], call[1:])", "os.execle(*call, os.environ)",
                                 "os.execve(call[0], call[1:], env=dict(os.environ))"])  # fmt: skip
def test_the_hooks_survive_a_launcher_that_puts_itself_first(folder: Path, way: str) -> None:
    """Its sitecustomize runs no other; ours is put first again, also for later children."""
    own = folder / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text(
        "import os\nprint('own')\n"
        f"rest = [entry for entry in os.environ['PYTHONPATH'].split(':') if entry != {str(own)!r}]\n"
        f"os.environ['PYTHONPATH'] = ':'.join([{str(own)!r}, *rest])\n"
    )
    (folder / "app.py").write_text(
        "import subprocess, sys, traced\ntraced.f()\n"
        "if sys.argv[1:]: subprocess.run([sys.executable, 'app.py'], check=True)\n"
    )
    launcher = (
        f"import os, sys; os.environ['PYTHONPATH'] = {str(own)!r} + ':' + os.environ['PYTHONPATH']; "
        f"call = [sys.executable, sys.executable, 'app.py', 'again']; {way}"
    )
    done = python(folder, "-c", launcher)
    assert (done.returncode, done.stdout, done.stderr) == (0, "own\nown\n", "")
    assert calls(folder) == ["traced:f"] * 2


def test_a_failed_exec_leaves_the_environment_unchanged(folder: Path) -> None:
    code = (
        "import os\nbefore = os.environ['PYTHONPATH'] = '/x:' + os.environ['PYTHONPATH']\n"
        "try: os.execv('/nowhere', ['x'])\n"
        "except OSError as error: print(error.errno, os.environ['PYTHONPATH'] == before)\n"
        "try: os.execve('/nowhere', ['x'], None)\n"
        "except TypeError as error: print(error)\n"
    )
    output = python(folder, "-c", code).stdout
    assert output == "2 True\nexecve: environment must be a mapping object\n"


@pytest.mark.slow
@pytest.mark.parametrize("order", ["run -- instrument", "instrument run --"])
def test_opentelemetry_instrument_works_around_and_inside(folder: Path, order: str) -> None:
    """The real one: in children too, with OpenTelemetry's own sitecustomize."""
    instrument = [str(Path(sys.executable).with_name("opentelemetry-instrument"))]
    instrument += ["--traces_exporter", "none", "--metrics_exporter", "none", "--logs_exporter", "none"]
    run = [sys.executable, "-m", "tracer", "run", "-o", "cap", "--points", "points.yaml", "--"]
    (folder / "points.yaml").write_text("traced: [f]\n")
    (folder / "app.py").write_text(
        "import sitecustomize, subprocess, sys, traced\ntraced.f()\n"
        "print('/auto_instrumentation/' in sitecustomize.__file__)\n"
        "if sys.argv[1:]: subprocess.run([sys.executable, 'app.py'], check=True)\n"
    )
    command = [*run, *instrument] if order.startswith("run") else [*instrument, *run]
    environment = os.environ | {"PYTHONPATH": str(Path(launch.__file__).parents[1])}
    done = subprocess.run(
        [*command, sys.executable, "app.py", "again"], cwd=folder, env=environment, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip
    assert (done.returncode, sorted(done.stdout.split())) == (0, ["True", "True"]), done.stderr
    assert calls(folder) == ["traced:f"] * 2


def test_a_failing_sitecustomize_is_reported_by_python(folder: Path) -> None:
    """Python goes on, and so do the hooks."""
    own = folder / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text("1 / 0\n")
    done = python(folder, "-c", "import traced; traced.f()", PYTHONPATH=str(own))
    assert done.returncode == 0
    assert "ZeroDivisionError" in done.stderr
    assert calls(folder) == ["traced:f"]


def test_the_users_pythonpath_works(folder: Path) -> None:
    own = folder / "own"
    own.mkdir()
    (own / "mine.py").write_text("x = 7\n")
    assert python(folder, "-c", "import mine; print(mine.x)", PYTHONPATH=str(own)).stdout == "7\n"


def test_no_package_of_bootseq_is_loaded_in_the_command(folder: Path) -> None:
    """Except for the private ``_bootseq``."""
    code = "import sys; print([n for n in sys.modules if n.split('.')[0] in ('patches', 'tracer', 'diagrams')])"
    done = python(folder, "-c", code)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("spoilt", ["gone", "broken", "unwritable"])
def test_a_command_runs_even_if_the_hooks_cannot_be_installed(folder: Path, spoilt: str) -> None:
    """A line on stderr reports that it is not recorded, and the reason."""
    options = folder / "cap" / "capture.json"
    if spoilt == "gone":
        options.unlink()
    elif spoilt == "broken":
        options.write_text("{")
    else:
        (folder / "cap" / "segments").write_text("a file in its place")
    done = python(folder, "-c", "import traced; print(traced.f())")
    assert (done.returncode, done.stdout) == (0, "5\n")
    (line,) = done.stderr.splitlines()
    assert line.startswith("bootseq: process ")
    assert " without hooks: " in line or " is not recorded: " in line


def test_a_missing_command_is_refused(tmp_path: Path) -> None:
    """Also a file that is no program."""
    (tmp_path / "f").write_text("x")
    for command, reason in [
        ("no-such-command-here", "no such command"),
        (str(tmp_path / "f"), "not an executable file"),
    ]:
        with pytest.raises(TracerError) as raised:
            launch.check([command])
        assert str(raised.value) == f"{command}: {reason}"


def test_a_command_that_the_system_cannot_start_is_reported(tmp_path: Path) -> None:
    """An executable file that is no program."""
    program = tmp_path / "program"
    program.write_bytes(b"\x00\x01")
    program.chmod(0o700)
    launch.check([str(program)])
    with pytest.raises(TracerError, match="program: cannot be started: Exec format error"):
        launch.become([str(program)], tmp_path)
