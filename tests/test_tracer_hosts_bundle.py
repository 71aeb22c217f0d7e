"""The agent's archive: all that it imports and nothing more is in it, and another archive is refused."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.victims import interpreter
from tests.test_layers import imports, modules, under
from tracer.hosts import address, bundle, transport
from tracer.hosts.transport import RefusedError, Settings, Transport


def test_the_archive_holds_what_the_agent_imports() -> None:
    wanted, names = set(), ["tracer.hosts.agent", "tracer.attach.guard"]
    while names:
        name = names.pop()
        if name in modules() and name not in wanted:
            wanted.add(name)
            # Only for type checking: it needs YAML.
            inner = {item.module for item in imports(modules()[name])} - {"tracer.recording.call_points"}
            names += [*inner, name.rpartition(".")[0]]
    archived = {name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in bundle.names()}
    assert {name for name in wanted if name not in archived} == set()
    assert not any(under(name, "tracer.commands", "tracer.correlation", "diagrams") for name in archived)
    assert len(bundle.build().data) < 300_000


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.12", "3.13"])
def test_the_agent_starts_under_each_python(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} here")
    monkeypatch.setattr(sys, "executable", python)
    running = Transport(address.parse("local"), Settings())
    assert str(running.about["python"]).startswith(f"{version}.")
    running.channel.send({"op": "doctor"})
    assert running.channel.receive(120)[0]["end"] is True
    running.close()


def test_an_old_python_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for version in ("3.6", "2.7"):
        python = interpreter(version)
        if python is not None:
            monkeypatch.setattr(sys, "executable", python)
            monkeypatch.setattr(transport, "_FLAGS", "-Ec")
            with pytest.raises(RefusedError, match=rf"its Python is {version}\.\d+; the agent needs 3.9 or later"):
                Transport(address.parse("local"), Settings())


def test_another_archive_than_the_announced_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    real = bundle.build()
    monkeypatch.setattr(bundle, "build", lambda: dataclasses.replace(real, digest="0" * 64))
    with pytest.raises(RefusedError, match="its digest is another"):
        Transport(address.parse("local"), Settings())


def test_nothing_of_the_agent_is_on_disk(tmp_path: Path) -> None:
    """Its modules come from a file in memory, and the Python's options keep it from the environment's modules."""
    (tmp_path / "tracer.py").write_text("raise SystemExit('the wrong module')")
    command = [sys.executable, "-c", "from tests.test_tracer_hosts_bundle import show; show()"]
    root = Path(__file__).parent.parent
    env = {**os.environ, "PYTHONPATH": f"{tmp_path}:{root}"}
    done = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["0"], done.stderr


def show() -> None:
    """Print how many files on disk an agent has open or mapped that are its own."""
    running = Transport(address.parse("local"), Settings())
    maps = Path(f"/proc/{running.about['pid']}/maps").read_text()
    links = [os.readlink(link) for link in Path(f"/proc/{running.about['pid']}/fd").iterdir()]
    print(maps.count("tracer") + sum("tracer" in link for link in links))  # noqa: T201 - the test reads it
    running.close()
