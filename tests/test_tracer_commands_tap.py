"""``bootseq tap`` without a broker: options, refusals, and no secret in any output."""

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

#: A broker that does not run.
CLOSED = "amqp://u:SECRET@127.0.0.1:1/"


def test_a_broker_must_be_named_exactly_once(tmp_path: Path) -> None:
    assert "--url" in refused("tap", "-o", tmp_path / "cap")
    (tmp_path / "nova.conf").write_text(f"[DEFAULT]\ntransport_url = {CLOSED}\n")
    config = tmp_path / "nova.conf"
    assert "cannot be combined" in refused("tap", "-o", tmp_path / "cap", "--url", CLOSED, "--from-config", config)
    assert not (tmp_path / "cap").exists()


def test_a_refused_connection_is_reported(tmp_path: Path) -> None:
    line = refused("tap", "-o", tmp_path / "cap", "--url", CLOSED, "--no-switch")
    assert line == "amqp://***@127.0.0.1:1/%2F: cannot connect: Connection refused"
    assert capture.is_capture(tmp_path / "cap")


@pytest.mark.slow
def test_refused_connections_to_all_nodes_are_reported(tmp_path: Path) -> None:
    line = refused(
        "tap", "-o", tmp_path / "cap", "--url", "amqp://u:SECRET@127.0.0.1:1,u:SECRET@127.0.0.1:2/v", "--no-switch"
    )
    assert line.count("cannot connect") == 2
    assert "SECRET" not in line


@pytest.mark.slow
def test_the_url_is_read_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`ps` does not show it; a named configuration file has precedence."""
    monkeypatch.setenv("BOOTSEQ_TAP_URL", CLOSED)
    assert "127.0.0.1:1/" in refused("tap", "-o", tmp_path / "cap", "--no-switch")
    (tmp_path / "nova.conf").write_text("[DEFAULT]\ntransport_url = rabbit://u:SECRET@127.0.0.1:2/\n")
    assert "127.0.0.1:2/" in refused(
        "tap", "-o", tmp_path / "cap", "--no-switch", "--from-config", tmp_path / "nova.conf"
    )


def test_help_shows_the_names_of_variables_but_not_their_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOTSEQ_TAP_URL", CLOSED)
    monkeypatch.setenv("BOOTSEQ_TAP_MANAGEMENT", "http://u:SECRET@127.0.0.1:1")
    shown = CliRunner().invoke(main, ["tap", "--help"])
    assert shown.exit_code == 0
    assert "BOOTSEQ_TAP_URL" in shown.output
    assert "SECRET" not in shown.output


@pytest.mark.parametrize("url", [CLOSED, "SECRET", "amqp://u:SECRET@:x/"])
def test_no_error_contains_the_password(tmp_path: Path, url: str) -> None:
    assert "SECRET" not in refused("tap", "-o", tmp_path / "cap", "--url", url, "--no-switch")


def test_an_existing_capture_keeps_its_options(tmp_path: Path) -> None:
    """A folder that is no capture is refused."""
    capture.make(tmp_path / "cap", points=[], ask=["mine"], echo=True)
    refused("tap", "-o", tmp_path / "cap", "--url", CLOSED, "--no-switch")
    options = json.loads((tmp_path / "cap" / capture.OPTIONS).read_text())
    assert (options["ask"], options["echo"]) == (["mine"], True)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").touch()
    assert "not a capture" in refused("tap", "-o", tmp_path / "other", "--url", CLOSED, "--no-switch")


def test_a_missing_or_invalid_ca_file_is_refused(tmp_path: Path) -> None:
    line = refused("tap", "-o", tmp_path / "cap", "--url", "amqps://h/", "--cafile", tmp_path / "ca", "--no-switch")
    assert line == f"{tmp_path}/ca: cannot be read: No such file or directory"
    (tmp_path / "ca").write_text("nothing")
    line = refused("tap", "-o", tmp_path / "cap", "--url", "amqps://h/", "--cafile", tmp_path / "ca", "--no-switch")
    assert line == f"{tmp_path}/ca: contains no certificate; pass the authority's PEM file"


def test_the_way_to_switch_follows_the_options() -> None:
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


def test_a_missing_way_to_switch_is_refused_with_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    line = refused("tap", "-o", tmp_path / "cap", "--url", CLOSED)
    assert "rabbitmqctl not found" in line
    assert "--no-switch" in line
    for url in ("h:15672", "amqp://h", "http://"):
        assert "--management: invalid URL" in refused(
            "tap", "-o", tmp_path / "cap", "--url", CLOSED, "--management", url
        )
