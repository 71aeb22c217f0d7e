"""Secrets in free text: masked in every notation of a service, in bounded time for adversarial text."""

from __future__ import annotations

import json
import urllib.parse
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patches import masking
from tests.support.hanging import finished

NAMES = st.sampled_from(
    """
    password adminPass admin_pass auth_token X-Auth-Token Authorization user_data key_data private_key public_key secret
    contents api_key client_secret rescue_pass CHAPPASSWORD fernet_key passphrase
    """.split()  # noqa: SIM905 - a list of words
)
#: Values whose beginning and end are recognisable, so that remains of them are detected.
SECRETS = st.text(st.characters(categories=["L", "N", "P", "S"], include_characters=" \n\t\\'\""), max_size=30).map(
    lambda text: "Sq7" + text + "Zk9"
)
WORDS = st.text("Sq7Zk9-._~+/=", min_size=4, max_size=30).map(lambda text: "Sq7" + text + "Zk9")


def leaks(text: str, *secrets: str) -> bool:
    """Return whether any of the secrets, or its beginning or end, is in the masked text."""
    masked = masking.mask(text)
    return any(part in masked for secret in secrets for part in (secret, secret[:8], secret[-8:]) if len(part) > 3)


@given(NAMES, SECRETS, st.sampled_from([None, 2]))
def test_a_secret_in_json_is_masked(name: str, secret: str, indent: int | None) -> None:
    """With quotes and backslashes in it; other fields stay."""
    text = json.dumps({"before": 1, name: secret, "after": "kept"}, indent=indent)
    assert not leaks(text, secret)
    assert '"before": 1' in masking.mask(text)
    assert "kept" in masking.mask(text)


@given(NAMES, SECRETS)
def test_a_secret_in_json_within_json_is_masked(name: str, secret: str) -> None:
    """A body that is a string in another, as in logs."""
    text = json.dumps({"body": json.dumps({name: secret, "after": 1})})
    assert not leaks(text, secret)


@given(NAMES, SECRETS)
def test_a_nested_value_under_a_secrets_name_is_masked(name: str, secret: str) -> None:
    """A list or dict is masked as a whole."""
    for value in ([secret], {"a": secret}, [{"path": "/x", "b": [secret, "]"]}]):
        text = json.dumps({name: value, "after": "kept"})
        assert not leaks(text, secret)
        assert "kept" in masking.mask(text)


@given(NAMES, SECRETS)
def test_a_secret_in_a_repr_is_masked(name: str, secret: str) -> None:
    """In dicts, pairs and keyword arguments."""
    for text in (
        repr({name: secret, "after": "kept"}),
        repr([(name, secret), ("b", "kept")]),
        f"f({name}={secret!r}, b='kept')",
    ):
        assert not leaks(text, secret)
        assert "kept" in masking.mask(text)


@given(NAMES, WORDS)
def test_a_secret_in_assignments_headers_queries_and_options_is_masked(name: str, secret: str) -> None:
    """Without quotes it ends at the end of the word."""
    quoted = urllib.parse.quote(secret, safe="")
    texts = [
        f"{name}={secret} kept", f"a: 1, {name}: {secret}, b: kept", f"{name}: {secret}\nkept: 1",
        f"http://host/x?a=1&{name}={quoted}&b=kept", f"cmd --{name} {secret} --b kept", f"cmd --{name}={secret} kept",
        f"http://host/vnc.html?path=%3F{name}%3D{quoted} kept",
    ]  # fmt: skip
    for text in texts:
        assert not leaks(text, secret, quoted), text
        assert "kept" in masking.mask(text), text


@given(WORDS, st.sampled_from(["Basic", "Bearer", "Token", "Negotiate"]))
def test_a_secret_in_an_authorization_header_is_masked(secret: str, scheme: str) -> None:
    """The scheme's word is not the secret."""
    assert not leaks(f"Authorization: {scheme} {secret}", secret)
    assert not leaks(f"'Authorization': '{scheme} {secret}', 'Accept': '*/*'", secret)


@given(st.text("abcXYZ019!#$%&*+,;=?@/:", min_size=6).map(lambda text: "Sq7" + text + "Zk9"))
def test_a_password_in_a_url_is_masked(secret: str) -> None:
    """Also unquoted special characters, and in the URL of several hosts."""
    for url in ("mysql+pymysql://nova:{}@db/nova?charset=utf8", "rabbit://:{}@h1:5672,u:{}@h2:5672//"):
        text = "using " + url.format(secret, secret) + " kept"
        assert not leaks(text, secret)
        assert "kept" in masking.mask(text)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----\nrest", "***\nrest"),
        ("-----BEGIN CERTIFICATE-----\nMIIB and no end", "***"),
        ("key ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ me@host", "key *** me@host"),
        ("ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY= x", "*** x"),
        ("got gAAAAABmZ3Q5c2VjcmV0X3Rva2VuX2hlcmU= back", "got *** back"),
        ("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c2VyIn0.c2lnbmF0dXJl.", "***."),
        ("hash $6$rounds=5000$salt$abcdef/.0 end", "hash *** end"),
        ("hash $2b$12$abcdefghijklmnopqrstuv end", "hash *** end"),
    ],
)
def test_keys_tokens_and_hashes_are_masked_by_their_shape(text: str, masked: str) -> None:
    """Under any name."""
    assert masking.mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "Instance spawned successfully.",
        "GET http://host:8774/v2.1/servers/d290f1ee-6c54-4b07-90e6-d701748f0851 HTTP/1.1 200",
        "at 12:00:01 the token service is up",
        "password: None, token: null, secret=",
        "passing the network: nova",
        "[instance: d290f1ee-6c54-4b07-90e6-d701748f0851] Took 0.50 seconds",
    ],
)
def test_harmless_text_is_not_masked(text: str) -> None:
    assert masking.mask(text) == text


@given(st.text())
def test_masking_twice_is_masking_once(text: str) -> None:
    """On any text, without an exception."""
    once = masking.mask(text)
    assert masking.mask(once) == once


@pytest.mark.parametrize(
    "name",
    [
        "password", "adminPass", "user_data", "userData_1", "X-Auth-Token", "key_data", "public_key",
        "database_connection",
        "connection_1", "value", "value_1", "value__3", "value_m0", "auth_pass", "pass", "metadata_proxy_shared_secret",
        "transport_password", "encryption_key", "private_key", "_pass_1", "Set-Cookie",
    ],
)  # fmt: skip
def test_names_of_secrets_are_recognised(name: str) -> None:
    """Columns, options, headers, JSON keys, and SQLAlchemy's parameters named after them."""
    assert masking.secret_key(name)


@pytest.mark.parametrize(
    "name",
    [
        "uuid",
        "key_name",
        "key",
        "values",
        "connection_count",
        "host",
        "passed",
        "compass",
        "instance_uuid",
        "hostname_1",
        "id_1",
    ],
)
def test_harmless_names_are_no_secrets(name: str) -> None:
    assert not masking.secret_key(name)


def test_no_short_text_hangs_a_service(tmp_path: Path) -> None:
    """A service must not stop because of what somebody put into a name."""
    texts = [
        "password" * 1024, 'password="' * 800, "password=[" * 800, "password\\" * 900, "a" * 8000 + "pass",
        "-" * 8000 + "pass", "--a" * 2700 + "token", "token " * 1300, "://" * 2700, "://a:" * 1600,
        "eyJaaaaaaaa." * 700, "-----BEGIN" * 800, "password=" + "[" * 8000, "password='" + "\\'" * 4000,
        "secret" + "'" * 8000, "$6$" * 2700, "token=a," * 1000,
    ]  # fmt: skip
    (tmp_path / "texts").write_text(json.dumps(texts))
    assert len(texts) == finished(
        """
        import json
        from patches import values
        answer = len(list(map(values.masked_text, json.load(open(sys.argv[1])))))
        """,
        tmp_path / "texts",
    )
