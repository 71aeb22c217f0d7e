"""Log records as events below their steps: text, masking, no effect on the host."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

import pytest

from patches import logs
from tests.support.recording import failing, inside_step, recording


class Formatting(logging.Handler):
    """A handler that formats every record."""

    def __init__(self, formatter: logging.Formatter | None = None) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


class Unprintable:
    """An object that must not be printed."""

    def __str__(self) -> str:
        raise AssertionError("a foreign object was printed")

    __repr__ = __str__


@pytest.fixture
def service() -> logging.Logger:
    """Return a logger that is detached from the root, and so from pytest."""
    logger = logging.Logger("nova.compute.manager", logging.DEBUG)  # noqa: LOG001
    logger.addHandler(logging.NullHandler())
    return logger


def test_a_record_is_below_the_step_that_logged_it(tmp_path: Path, service: logging.Logger) -> None:
    service.addHandler(Formatting())
    with recording(tmp_path / "cap", "logs") as recorded, inside_step() as step:
        service.warning("took %.1f s for %s", 0.5, {"a": 1})
        event = recorded.single("log")
    assert (event.parent, event.name) == (step, "nova.compute.manager")
    assert event.start == event.end
    assert event.attributes.items() >= {
        ("level", "WARNING"),
        ("logger", "nova.compute.manager"),
        ("message", "took 0.5 s for {'a': 1}"),
        ("file", __file__),
        ("function", "test_a_record_is_below_the_step_that_logged_it"),
    }
    assert isinstance(event.attributes["line"], int)


def test_a_record_outside_steps_is_recorded(tmp_path: Path, service: logging.Logger) -> None:
    with recording(tmp_path / "cap", "logs") as recorded:
        service.info("alone")
        assert recorded.single("log").parent == 0


@pytest.mark.parametrize(
    ("message", "arguments", "text"),
    [
        ("plain", (), "plain"),
        ("%s and %d", ("one", 2), "one and 2"),
        ("%(name)s %(password)s", ({"name": "vm", "password": "geheim"},), "vm ***"),
        ("of %s", (Unprintable(),), "of <Unprintable>"),
        ("%d things", (Unprintable(),), "%d things"),
        (Unprintable(), (), "<Unprintable>"),
        (ValueError("no such host"), (), "ValueError: no such host"),
    ],
)
def test_a_record_that_no_handler_formats_is_formatted_from_builtins_alone(
    tmp_path: Path, service: logging.Logger, message: Any, arguments: tuple[Any, ...], text: str
) -> None:
    with recording(tmp_path / "cap", "logs") as recorded:
        service.info(message, *arguments)
        assert recorded.single("log").attributes["message"] == text


@pytest.mark.parametrize(
    ("template", "arguments"),
    [
        ("adminPass: %s", ("geheim",)),
        ("%s: %s", ("adminPass", "geheim")),
        ("body %s", ('{"adminPass": "geheim"}',)),
        ("body %s", ({"adminPass": "geheim"},)),
        ("%(body)s", ({"body": "password=geheim"},)),
        ("connecting to mysql://nova:%s@db/nova", ("geheim",)),
        ("connecting to %s", ("mysql://nova:geheim@db/nova",)),
    ],
)
def test_secrets_are_masked_in_template_and_arguments(
    tmp_path: Path, service: logging.Logger, template: str, arguments: tuple[Any, ...]
) -> None:
    service.addHandler(Formatting())
    with recording(tmp_path / "cap", "logs") as recorded:
        for _ in range(2):  # the second time the parts are known
            service.info(template, *arguments)
        messages = [str(event.attributes["message"]) for event in recorded.events("log")]
    assert [("***" in message, "geheim" in message) for message in messages] == [(True, False)] * 2


def test_long_messages_are_cut(tmp_path: Path, service: logging.Logger) -> None:
    service.addHandler(Formatting())
    with recording(tmp_path / "cap", "logs") as recorded:
        service.info("%s", "x" * 100_000)
        assert len(str(recorded.single("log").attributes["message"])) < 600


def test_oslo_logs_request_ids_are_recorded(
    tmp_path: Path, service: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    cfg = pytest.importorskip("oslo_config.cfg")
    log = pytest.importorskip("oslo_log.log")
    formatters = pytest.importorskip("oslo_log.formatters")
    context = pytest.importorskip("oslo_context.context")
    conf = cfg.ConfigOpts()
    log.register_options(conf)
    conf([])
    service.addHandler(Formatting(formatters.ContextFormatter(config=conf)))
    monkeypatch.setattr(context, "_request_store", threading.local())
    with recording(tmp_path / "cap", "logs") as recorded:
        service.info("without")
        context.RequestContext(request_id="req-own", global_request_id="req-global")
        service.info("with")
        events = recorded.events("log")
    names = ("request_id", "global_request_id")
    ids = [tuple(event.attributes.get(name) for name in names) for event in events]
    assert ids == [(None, None), ("req-own", "req-global")]


def test_opentelemetrys_ids_are_recorded(tmp_path: Path, service: logging.Logger) -> None:
    """Without a span they are "0"."""
    with recording(tmp_path / "cap", "logs") as recorded:
        service.info("a", extra={"otelTraceID": "a" * 32, "otelSpanID": "b" * 16})
        service.info("b", extra={"otelTraceID": "0", "otelSpanID": "0"})
        events = recorded.events("log")
    ids = [(event.attributes.get("trace_id"), event.attributes.get("span_id")) for event in events]
    assert ids == [("a" * 32, "b" * 16), (None, None)]


def test_an_exception_is_named(tmp_path: Path, service: logging.Logger) -> None:
    with recording(tmp_path / "cap", "logs") as recorded:
        try:
            raise KeyError("vm")
        except KeyError:
            service.exception("failed")
        assert recorded.single("log").attributes["exception"] == "KeyError: vm"


@pytest.mark.parametrize("name", ["sqlalchemy.engine.Engine", "sqlalchemy", "_bootseq.hooks"])
def test_some_loggers_are_not_recorded(tmp_path: Path, name: str) -> None:
    with recording(tmp_path / "cap", "logs") as recorded:
        logging.getLogger(name).error("SELECT 1")
        assert recorded.events("log") == []


def test_an_exception_of_a_handler_is_passed_on(tmp_path: Path, service: logging.Logger) -> None:
    class Raising(logging.Handler):
        def handle(self, record: logging.LogRecord) -> bool:
            assert record.getMessage() == "lost?"
            raise OSError("disk full")

    service.addHandler(Raising())
    with recording(tmp_path / "cap", "logs") as recorded:
        with pytest.raises(OSError, match="disk full"):
            service.info("lost?")
        assert recorded.single("log").attributes["message"] == "lost?"


def test_the_hooks_own_failures_do_not_reach_the_host(tmp_path: Path, service: logging.Logger) -> None:
    handler = Formatting()
    service.addHandler(handler)
    with recording(tmp_path / "cap", "logs"), failing():
        for _ in range(10):
            service.info("goes on")
        assert not logs.logs.enabled
    assert handler.lines == ["goes on"] * 10


def test_generated_positions_take_bounded_memory(
    tmp_path: Path, service: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "_MAX_CACHED", 2)
    with recording(tmp_path / "cap", "logs") as recorded:
        for line in range(5):
            record = service.makeRecord(service.name, logging.INFO, "made.py", line, "%s", ("up",), None, "f")
            service.handle(record)
        events = recorded.events("log")
        assert len(logs._origins) == 2
    assert [(event.name, event.attributes["line"]) for event in events] == [(service.name, n) for n in range(5)]
    assert {event.attributes["message"] for event in events} == {"up"}
