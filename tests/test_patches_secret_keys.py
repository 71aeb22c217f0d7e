"""A private key that is logged line by line is masked in each of its records."""

from __future__ import annotations

import base64
import io
import logging
import random
import threading
from pathlib import Path

from patches import secret_keys
from patches.secret_ends import MASK
from tests.support.recording import recording
from tracer.sources.logs import reader

_BODY = base64.b64encode(random.Random(3).randbytes(700)).decode()
_LINES = [_BODY[start : start + 64] for start in range(0, len(_BODY), 64)]
KEY = ["-----BEGIN RSA PRIVATE KEY-----", "Proc-Type: 4,ENCRYPTED", "DEK-Info: AES-128-CBC,00ff", "", *_LINES,
       "-----END RSA PRIVATE KEY-----"]  # fmt: skip


def test_in_the_hook(tmp_path: Path) -> None:
    """Other loggers and threads may write between its lines."""
    loggers = [logging.Logger(name, logging.DEBUG) for name in ("nova.a", "nova.b")]  # noqa: LOG001
    for logger in loggers:
        handler = logging.StreamHandler(io.StringIO())
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger.addHandler(handler)
    with recording(tmp_path / "cap", "logs") as recorded:
        for line in KEY:
            loggers[0].debug("%s", line)
            loggers[1].debug("%s", "c2hvd24")
            other = threading.Thread(target=loggers[0].debug, args=("%s", "c2hvd24="))
            other.start()
            other.join()
        loggers[0].debug("%s", _LINES[0])
        texts = [str(event.attributes["message"]) for event in recorded.events("log")]
    assert [text for text in texts if any(line and line in text for line in _LINES)] == [_LINES[0]]
    assert (texts.count("c2hvd24"), texts.count("c2hvd24=")) == (len(KEY), len(KEY))


def test_in_logs(tmp_path: Path) -> None:
    line = "2026-11-22 08:14:07.4{:02} 7 DEBUG nova.{} [-] {}\n".format
    text = "".join(line(number, "a", part) + line(number, "b", "c2hvd24=") for number, part in enumerate(KEY))
    (tmp_path / "nova-compute.log").write_text(text + line(99, "a", _LINES[0]))
    texts = [str(event.attributes["message"]) for event in reader.read(tmp_path / "nova-compute.log").events]
    assert [text for text in texts if any(part and part in text for part in _LINES)] == [_LINES[0]]
    assert texts.count("c2hvd24=") == len(KEY)


def test_what_is_remembered_is_bounded() -> None:
    keys = secret_keys.OpenKeys()
    for source in range(1000):
        assert keys.mask(source, KEY[0], MASK) == MASK
    assert len(keys.records) <= 64
    for _ in range(1000):
        keys.mask(0, "an ordinary line", "an ordinary line")
    assert keys.mask(0, _LINES[0], _LINES[0]) == _LINES[0]


def test_a_key_in_one_record_opens_nothing() -> None:
    keys = secret_keys.OpenKeys()
    keys.mask("a", "\n".join(KEY), MASK)
    assert not keys.records
    assert keys.mask("a", "QUJDRA==", "QUJDRA==") == "QUJDRA=="
