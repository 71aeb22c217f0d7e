"""The broker's address from configuration files of services, current and old, read as oslo.config does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracer.errors import TracerError
from tracer.tap.broker_url import BrokerAddress, BrokerNode, Tls, read_config


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "nova.conf"


def address_from(config: Path, text: str) -> BrokerAddress:
    config.write_text(text)
    return read_config(config)


def test_the_address_is_read_from_transport_url(config: Path) -> None:
    """The last of several, with a comment, a variable for the host, and a literal percent sign elsewhere."""
    address = address_from(
        config,
        "[DEFAULT]\n# transport_url = rabbit://no\nmy_ip = 10.0.0.1\ntransport_url = rabbit://old/\n"
        "transport_url = rabbit://openstack:p%40ss@$my_ip:5673/\n[database]\nconnection = mysql://u:100%@h/d\n",
    )
    assert address == BrokerAddress((BrokerNode("10.0.0.1", 5673, "openstack", "p@ss"),), "/")


def test_a_doubled_dollar_is_a_dollar(config: Path) -> None:
    assert address_from(config, "[DEFAULT]\ntransport_url=rabbit://u:a$$b@h/\n").nodes[0].password == "a$b"


def test_tls_options_are_read(config: Path) -> None:
    address = address_from(
        config,
        "[DEFAULT]\ntransport_url = rabbit://u:p@h:5671/\n[oslo_messaging_rabbit]\nssl = True\nssl_ca_file = /ca\n"
        "ssl_cert_file = /c\nssl_key_file = /k\n",
    )
    assert address.tls == Tls("/ca", "/c", "/k")


@pytest.mark.parametrize("options", ["rabbit_use_ssl = true\nkombu_ssl_ca_certs = /ca", "ssl=1\nssl_ca_file=/ca"])
def test_old_tls_options_are_read(config: Path, options: str) -> None:
    address = address_from(config, f"[DEFAULT]\ntransport_url = rabbit://h\n[oslo_messaging_rabbit]\n{options}\n")
    assert address.tls == Tls("/ca")


def test_tls_options_in_the_url_take_precedence(config: Path) -> None:
    assert address_from(config, "[DEFAULT]\ntransport_url = rabbit://h/v?ssl=true&ssl_ca_file=/ca\n").tls == Tls("/ca")
    off = "[DEFAULT]\ntransport_url = rabbit://h/v?ssl=false\n[oslo_messaging_rabbit]\nssl = true\n"
    assert address_from(config, off).tls is None


@pytest.mark.parametrize("section", ["DEFAULT", "oslo_messaging_rabbit"])
def test_options_older_than_transport_url_are_read(config: Path, section: str) -> None:
    address = address_from(config, f"[{section}]\nrabbit_hosts = a:1, b\nrabbit_userid = u\nrabbit_password = p@/:x\n")
    assert address == BrokerAddress((BrokerNode("a", 1, "u", "p@/:x"), BrokerNode("b", 5672, "u", "p@/:x")), "/")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[DEFAULT]\ndebug = true\n", "no transport_url"),
        ("", "no transport_url"),
        ("transport_url = rabbit://u:SECRET@h/\n", "nova.conf:1: not a service's config file"),
        ("[DEFAULT]\n=SECRET\n[x\n", "nova.conf:2: not a service's config file"),
        ("[DEFAULT]\ntransport_url = SECRET\n", "transport_url: not a RabbitMQ broker's URL"),
        ("[DEFAULT]\ntransport_url = fake:///\n", "transport_url: not a RabbitMQ broker's URL"),
    ],
)
def test_an_invalid_file_is_reported_without_its_values(config: Path, text: str, message: str) -> None:
    with pytest.raises(TracerError) as caught:
        address_from(config, text)
    assert message in str(caught.value)
    assert "SECRET" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_and_binary_files_are_refused(config: Path, tmp_path: Path) -> None:
    for path in (config, tmp_path):
        with pytest.raises(TracerError, match="cannot be read"):
            read_config(path)
    config.write_bytes(b"\xff\xfe[\0")
    with pytest.raises(TracerError, match="not a text file"):
        read_config(config)
