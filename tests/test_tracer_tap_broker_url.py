"""Brokers' URLs: what people and oslo.messaging write, and that no password is ever shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.errors import TracerError
from tracer.tap.broker_url import BrokerAddress, BrokerNode, Tls, parse

SECRET = "s3cr3t/@:%#?,"


@pytest.mark.parametrize(
    ("url", "places", "vhost", "tls"),
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
def test_urls(url: str, places: tuple[BrokerNode, ...], vhost: str, tls: Tls | None) -> None:
    assert parse(url, "--url") == BrokerAddress(places, vhost, tls)


def test_options_behind_the_question_mark() -> None:
    assert parse("rabbit://h/v?ssl=true&ssl_ca_file=/ca", "--url").options == {"ssl": "true", "ssl_ca_file": "/ca"}


@pytest.mark.parametrize(
    "url",
    ["", "h", "http://u:SECRET@h/", "amqp://", "amqp://u:SECRET@h:port/", "amqp://u:SECRET@h:99999/", "amqp://u:SECRET@h:0/",
     "amqp://u:SECRET@[::1/", "amqp://u:SECRET@h1 h2/", "memory://"],
)  # fmt: skip
def test_what_is_no_url_is_not_shown(url: str) -> None:
    with pytest.raises(TracerError) as caught:
        parse(url, "--url")
    assert str(caught.value).startswith("--url: ")
    assert "SECRET" not in str(caught.value)


@given(st.text(max_size=40))
def test_no_text_breaks_it(text: str) -> None:
    """A URL or a TracerError in one line, and in neither case the password."""
    for url in (text, f"amqp://u:{SECRET}{text}@h/v"):
        try:
            said = repr(parse(url, "--url"))
        except TracerError as error:
            said = str(error)
        assert "s3cr3t" not in said
        assert "\n" not in said


def test_shown_without_the_password() -> None:
    address = parse("amqps://u:s3cr3t@h,[::1]:7/v", "--url")
    assert [address.node_url(place) for place in address.nodes] == [
        "amqps://u:***@h:5671/v",
        "amqps://guest:***@[::1]:7/v",
    ]
    assert "s3cr3t" not in repr(address)
