"""URLs of brokers: the forms that people and oslo.messaging write, and no password in any output."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.errors import TracerError
from tracer.tap.broker_url import BrokerAddress, BrokerNode, Tls, parse

SECRET = "s3cr3t/@:%#?,"


@pytest.mark.parametrize(
    ("url", "nodes", "vhost", "tls"),
    [
        ("amqp://u:p@h:1234/v", (BrokerNode("h", 1234, "u", "p"),), "v", None),
        ("amqp://h", (BrokerNode("h", 5672, "guest", "guest"),), "/", None),
        ("amqp://u:p@h/", (BrokerNode("h", 5672, "u", "p"),), "/", None),
        ("amqp://u:p@h/%2F", (BrokerNode("h", 5672, "u", "p"),), "/", None),
        ("amqp://u:p@h//", (BrokerNode("h", 5672, "u", "p"),), "/", None),
        ("amqps://u:p@h/a%2Fb", (BrokerNode("h", 5671, "u", "p"),), "a/b", Tls()),
        ("rabbit://u:p%40%3A@[::1]:5/", (BrokerNode("::1", 5, "u", "p@:"),), "/", None),
        ("rabbit://u:p@a:1,x:y@b:2/v", (BrokerNode("a", 1, "u", "p"), BrokerNode("b", 2, "x", "y")), "v", None),
        ("kombu+amqp://only@h/v", (BrokerNode("h", 5672, "only", ""),), "v", None),
    ],
)
def test_a_url_is_parsed(url: str, nodes: tuple[BrokerNode, ...], vhost: str, tls: Tls | None) -> None:
    assert parse(url, "--url") == BrokerAddress(nodes, vhost, tls)


def test_the_query_of_a_url_is_its_options() -> None:
    assert parse("rabbit://h/v?ssl=true&ssl_ca_file=/ca", "--url").options == {"ssl": "true", "ssl_ca_file": "/ca"}


@pytest.mark.parametrize(
    "url",
    ["", "h", "http://u:SECRET@h/", "amqp://", "amqp://u:SECRET@h:port/", "amqp://u:SECRET@h:99999/", "amqp://u:SECRET@h:0/",
     "amqp://u:SECRET@[::1/", "amqp://u:SECRET@h1 h2/", "memory://"],
)  # fmt: skip
def test_an_invalid_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(TracerError) as caught:
        parse(url, "--url")
    assert str(caught.value).startswith("--url: ")
    assert "SECRET" not in str(caught.value)


@given(st.text(max_size=40))
def test_any_text_is_parsed_or_refused_without_its_password(text: str) -> None:
    """A TracerError has one line."""
    for url in (text, f"amqp://u:{SECRET}{text}@h/v"):
        try:
            shown = repr(parse(url, "--url"))
        except TracerError as error:
            shown = str(error)
        assert "s3cr3t" not in shown
        assert "\n" not in shown


def test_a_url_is_shown_without_its_password() -> None:
    address = parse("amqps://u:s3cr3t@h,[::1]:7/v", "--url")
    assert [address.node_url(node) for node in address.nodes] == [
        "amqps://u:***@h:5671/v",
        "amqps://guest:***@[::1]:7/v",
    ]
    assert "s3cr3t" not in repr(address)
