"""Supported Pythons: the hooks run on every installed one, and use only the syntax of the oldest."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.support.subprocess_python import ROOT, elsewhere
from tracer.sources.hooks import segments

VERSIONS = ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14"]
#: Those that are tried by the fast tests too: the oldest, the newest, and our own.
QUICK = ("3.8", "3.11", "3.14")

_SERVICE = """
import concurrent.futures, json, logging, os, pathlib, tempfile, threading, urllib.request, wsgiref
import patches
from patches import hooks, patching, recorder

capture = tempfile.mkdtemp()
points = [["json.decoder", ["*"], []], ["late_module", ["*"], []]]
before = dict(vars(json.decoder.JSONDecoder))
patches.install(capture, {"segment_size": 1 << 16, "cap": 1 << 26, "points": points})
(pathlib.Path(capture) / "late_module.py").write_text("def f(value): return value\\n")
sys.path.insert(0, capture)
import late_module

step = recorder.begin("call", "around", ("text", "ä€\\udcff", "number", 1 << 62, "none", None, "float", 0.5))
recorder.current.set(step)
for number in range(3000):
    assert late_module.f(number) == number
assert json.loads('{"a": [1]}') == {"a": [1]}
try:
    json.loads("{")
except ValueError:
    pass
with concurrent.futures.ThreadPoolExecutor(1) as pool:
    assert list(pool.map(abs, [-1])) == [1]
worker = threading.Thread(target=late_module.f, args=(1,))
worker.start()
worker.join()
logging.getLogger("nova").warning("logged %s", "password=hunter2")
child = os.fork()
if not child:
    late_module.f(2)
    os._exit(0)
os.waitpid(child, 0)
recorder.current.set(0)
recorder.finish(step)
failures = {name: hook.last_error for name, hook in hooks.hooks.items() if hook.failures}
dropped = recorder.recorder.dropped
remaining = patches.uninstall()
answer = {
    "capture": capture, "failures": failures, "dropped": dropped, "remaining": remaining,
    "installed": list(patches.installed()),
    "same": all(vars(json.decoder.JSONDecoder)[name] is value for name, value in before.items()),
    "version": "%d.%d" % sys.version_info[:2],
}
"""


@cache
def interpreter(version: str) -> str | None:
    """Return a Python of that version: on PATH, managed by uv, or pyenv's."""
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        return sys.executable
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    candidates = [shutil.which(f"python{version}"), *map(str, sorted(pyenv.glob(f"{version}.*/bin/python")))]
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if uv is not None:
        find = [uv, "python", "find", "--no-project", "--no-python-downloads", version]
        done = subprocess.run(find, capture_output=True, text=True, check=False)
        candidates.append(done.stdout.strip() if done.returncode == 0 else None)
    return next((path for path in candidates if path and _runs(path, version)), None)


def _runs(path: str, version: str) -> bool:
    """Run it: pyenv's shims exist even if they do not run."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([path, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip() == version


@pytest.mark.parametrize(
    "version",
    [*QUICK, *(pytest.param(version, marks=pytest.mark.slow) for version in VERSIONS if version not in QUICK)],
)
def test_a_service_is_recorded_on_python(version: str) -> None:
    """Install, use, fork, uninstall; the tool reads the recording."""
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} here")
    answer = elsewhere(_SERVICE, python=python)
    capture = Path(answer.pop("capture"))
    try:
        contents = segments.read(capture)
    finally:
        shutil.rmtree(capture)
    assert answer == {
        "failures": {}, "dropped": 0, "remaining": [], "installed": [], "same": True, "version": version,
    }  # fmt: skip
    assert contents.warnings == []
    names = [event.name for event in contents.events if event.kind == "call"]
    assert names.count("late_module:f") == 3_002
    assert len({event.process.pid for event in contents.events}) == 2
    (around,) = [event for event in contents.events if event.name == "around"]
    assert around.attributes.items() >= {("text", "ä€\udcff"), ("number", 1 << 62), ("float", 0.5)}
    assert not any("hunter2" in str(event.attributes) for event in contents.events)


@pytest.mark.parametrize("path", sorted((ROOT / "patches").glob("*.py")), ids=lambda path: path.name)
def test_the_syntax_is_python_3_8(path: Path) -> None:
    """Annotations are not evaluated, as they use newer syntax."""
    tree = ast.parse(path.read_text(), str(path), feature_version=(3, 8))
    annotated = any(isinstance(node, ast.arg) and node.annotation is not None for node in ast.walk(tree))
    future = any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body)
    assert future or not annotated
