"""The broker's address out of services' config files, of today and of old, as oslo.config would read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracer.errors import TracerError
from tracer.tap.broker_url import BrokerAddress, BrokerNode, Tls, read_config


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "nova.conf"


def given(config: Path, text: str) -> BrokerAddress:
    config.write_text(text)
    return read_config(config)


def test_transport_url(config: Path) -> None:
    """The last of several, with a comment, a name for the host, and a percent sign that stands for itself."""
    address = given(
        config,
        "[DEFAULT]\n# transport_url = rabbit://no\nmy_ip = 10.0.0.1\ntransport_url = rabbit://old/\n"
        "transport_url = rabbit://openstack:p%40ss@$my_ip:5673/\n[database]\nconnection = mysql://u:100%@h/d\n",
    )
    assert address == BrokerAddress((BrokerNode("10.0.0.1", 5673, "openstack", "p@ss"),), "/")


def test_doubled_dollar_is_one(config: Path) -> None:
    assert given(config, "[DEFAULT]\ntransport_url=rabbit://u:a$$b@h/\n").nodes[0].password == "a$b"


def test_tls(config: Path) -> None:
    address = given(
        config,
        "[DEFAULT]\ntransport_url = rabbit://u:p@h:5671/\n[oslo_messaging_rabbit]\nssl = True\nssl_ca_file = /ca\n"
        "ssl_cert_file = /c\nssl_key_file = /k\n",
    )
    assert address.tls == Tls("/ca", "/c", "/k")


@pytest.mark.parametrize("said", ["rabbit_use_ssl = true\nkombu_ssl_ca_certs = /ca", "ssl=1\nssl_ca_file=/ca"])
def test_tls_of_old(config: Path, said: str) -> None:
    address = given(config, f"[DEFAULT]\ntransport_url = rabbit://h\n[oslo_messaging_rabbit]\n{said}\n")
    assert address.tls == Tls("/ca")


def test_tls_in_the_url(config: Path) -> None:
    assert given(config, "[DEFAULT]\ntransport_url = rabbit://h/v?ssl=true&ssl_ca_file=/ca\n").tls == Tls("/ca")
    off = "[DEFAULT]\ntransport_url = rabbit://h/v?ssl=false\n[oslo_messaging_rabbit]\nssl = true\n"
    assert given(config, off).tls is None


@pytest.mark.parametrize("section", ["DEFAULT", "oslo_messaging_rabbit"])
def test_before_transport_url(config: Path, section: str) -> None:
    address = given(config, f"[{section}]\nrabbit_hosts = a:1, b\nrabbit_userid = u\nrabbit_password = p@/:x\n")
    assert address == BrokerAddress((BrokerNode("a", 1, "u", "p@/:x"), BrokerNode("b", 5672, "u", "p@/:x")), "/")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[DEFAULT]\ndebug = true\n", "no transport_url"),
        ("", "no transport_url"),
        ("transport_url = rabbit://u:SECRET@h/\n", "nova.conf:1: not a service's config file"),
        ("[DEFAULT]\n=SECRET\n[x\n", "nova.conf:2: not a service's config file"),
        ("[DEFAULT]\ntransport_url = SECRET\n", "transport_url: not a RabbitMQ broker's URL"),
        ("[DEFAULT]\ntransport_url = fake:///\n", "transport_url: not a RabbitMQ broker's URL"),
    ],
)
def test_what_is_wrong_is_told_without_its_values(config: Path, text: str, said: str) -> None:
    with pytest.raises(TracerError) as caught:
        given(config, text)
    assert said in str(caught.value)
    assert "SECRET" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_not_there_and_not_text(config: Path, tmp_path: Path) -> None:
    for path in (config, tmp_path):
        with pytest.raises(TracerError, match="cannot be read"):
            read_config(path)
    config.write_bytes(b"\xff\xfe[\0")
    with pytest.raises(TracerError, match="not a text file"):
        read_config(config)
