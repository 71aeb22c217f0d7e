"""``bootseq tap`` as far as it goes without a broker: options, refusals, and that nothing secret is shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.test_tracer_cli import refused
from tracer.cli import main
from tracer.commands.tap import _way
from tracer.recording import capture
from tracer.tap.broker_url import parse

#: Where nobody listens.
NOBODY = "amqp://u:SECRET@127.0.0.1:1/"


def test_which_broker(tmp_path: Path) -> None:
    assert "--url" in refused("tap", "-o", tmp_path / "cap")
    (tmp_path / "nova.conf").write_text(f"[DEFAULT]\ntransport_url = {NOBODY}\n")
    config = tmp_path / "nova.conf"
    assert "cannot be combined" in refused("tap", "-o", tmp_path / "cap", "--url", NOBODY, "--from-config", config)
    assert not (tmp_path / "cap").exists()


def test_nobody_there(tmp_path: Path) -> None:
    said = refused("tap", "-o", tmp_path / "cap", "--url", NOBODY, "--no-switch")
    assert said == "amqp://***@127.0.0.1:1/%2F: cannot connect: Connection refused"
    assert capture.is_capture(tmp_path / "cap")


@pytest.mark.slow
def test_no_node_of_several(tmp_path: Path) -> None:
    said = refused(
        "tap", "-o", tmp_path / "cap", "--url", "amqp://u:SECRET@127.0.0.1:1,u:SECRET@127.0.0.1:2/v", "--no-switch"
    )
    assert said.count("cannot connect") == 2
    assert "SECRET" not in said


@pytest.mark.slow
def test_the_url_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which `ps` does not show; a file that is named goes before it."""
    monkeypatch.setenv("BOOTSEQ_TAP_URL", NOBODY)
    assert "127.0.0.1:1/" in refused("tap", "-o", tmp_path / "cap", "--no-switch")
    (tmp_path / "nova.conf").write_text("[DEFAULT]\ntransport_url = rabbit://u:SECRET@127.0.0.1:2/\n")
    assert "127.0.0.1:2/" in refused(
        "tap", "-o", tmp_path / "cap", "--no-switch", "--from-config", tmp_path / "nova.conf"
    )


def test_help_does_not_show_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOTSEQ_TAP_URL", NOBODY)
    monkeypatch.setenv("BOOTSEQ_TAP_MANAGEMENT", "http://u:SECRET@127.0.0.1:1")
    shown = CliRunner().invoke(main, ["tap", "--help"])
    assert shown.exit_code == 0
    assert "BOOTSEQ_TAP_URL" in shown.output
    assert "SECRET" not in shown.output


@pytest.mark.parametrize("url", [NOBODY, "SECRET", "amqp://u:SECRET@:x/"])
def test_what_is_secret_is_in_no_error(tmp_path: Path, url: str) -> None:
    assert "SECRET" not in refused("tap", "-o", tmp_path / "cap", "--url", url, "--no-switch")


def test_what_is_there_is_kept(tmp_path: Path) -> None:
    """A capture of hooks goes on as it was made; a folder of something else is refused."""
    capture.make(tmp_path / "cap", points=[], ask=["mine"], echo=True)
    refused("tap", "-o", tmp_path / "cap", "--url", NOBODY, "--no-switch")
    options = json.loads((tmp_path / "cap" / capture.OPTIONS).read_text())
    assert (options["ask"], options["echo"]) == (["mine"], True)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").touch()
    assert "not a capture" in refused("tap", "-o", tmp_path / "other", "--url", NOBODY, "--no-switch")


def test_authorities_that_are_not_there(tmp_path: Path) -> None:
    said = refused("tap", "-o", tmp_path / "cap", "--url", "amqps://h/", "--cafile", tmp_path / "ca", "--no-switch")
    assert said == f"{tmp_path}/ca: cannot be read: No such file or directory"
    (tmp_path / "ca").write_text("nothing")
    said = refused("tap", "-o", tmp_path / "cap", "--url", "amqps://h/", "--cafile", tmp_path / "ca", "--no-switch")
    assert said == f"{tmp_path}/ca: contains no certificate; pass the authority's PEM file"


def test_ways_to_switch() -> None:
    address = parse("amqp://u:p@h/v", "--url")
    assert _way(address, "docker exec 'a b' rabbitmqctl", None, None, True) == {
        "way": "rabbitmqctl",
        "how": {"command": ["docker", "exec", "a b", "rabbitmqctl"], "vhost": "v"},
    }
    how = {"url": "http://h:15672/x", "vhost": "v", "cafile": "/ca", "verify": False}
    assert _way(address, None, "http://h:15672/x", "/ca", False) == {
        "way": "management",
        "how": how | {"user": "u", "password": "p"},
    }
    assert _way(address, None, "http://admin:%40@h:15672/x", "/ca", False) == {
        "way": "management",
        "how": how | {"user": "admin", "password": "@"},
    }


def test_no_way_to_switch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    said = refused("tap", "-o", tmp_path / "cap", "--url", NOBODY)
    assert "rabbitmqctl not found" in said
    assert "--no-switch" in said
    for url in ("h:15672", "amqp://h", "http://"):
        assert "--management: invalid URL" in refused(
            "tap", "-o", tmp_path / "cap", "--url", NOBODY, "--management", url
        )
