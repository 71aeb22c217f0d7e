"""The ask logger: one file for all processes, in oslo.log's format."""

from __future__ import annotations

import logging
import os
import re
import stat
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from examples.embedded import EmbeddedCloud
from patches import ask_logger, logs, recorder
from tests.support.recording import failing, inside_step, recording

ROOT = Path(__file__).parent.parent
LINE = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) (?P<pid>\d+) (?P<level>[A-Z]+) (?P<logger>\S+)"
    r" \[(?P<asker>[^]]*)\] (?P<message>.*) (?P<function>\S+) (?P<path>\S+):(?P<line>\d+)\n",
    re.DOTALL,
)
#: As messages contain it.
CONTEXT = {
    "request_id": "req-own",
    "global_request_id": "req-global",
    "user": "u1",
    "project": "p1",
    "user_domain": "default",
    "project_domain": "default",
    "auth_token": "geheim",
}


def parse(text: str) -> dict[str, Any]:
    """Return the fields of the only line in ``text``."""
    match = LINE.fullmatch(text)
    assert match is not None, text
    return match.groupdict()


def test_a_line_has_the_message_its_position_and_its_process(tmp_path: Path) -> None:
    with recording(tmp_path, ask=["ask"], hooks=["ask"]):
        logging.getLogger("ask").debug("limits are %s", {"vcpus": 1})
    line = parse((tmp_path / "ask.log").read_text())
    assert line["time"]
    assert int(line["line"])
    del line["time"], line["line"]
    assert line == {
        "pid": str(os.getpid()),
        "level": "DEBUG",
        "logger": "ask",
        "asker": "-",
        "message": "limits are {'vcpus': 1}",
        "function": "test_a_line_has_the_message_its_position_and_its_process",
        "path": __file__,
    }
    assert stat.S_IMODE((tmp_path / "ask.log").stat().st_mode) == 0o600


def test_lines_equal_those_of_oslo_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cfg = pytest.importorskip("oslo_config.cfg")
    log = pytest.importorskip("oslo_log.log")
    formatters = pytest.importorskip("oslo_log.formatters")
    oslo_context = pytest.importorskip("oslo_context.context")
    monkeypatch.setattr(oslo_context, "_request_store", threading.local())
    conf = cfg.ConfigOpts()
    log.register_options(conf)
    conf([])
    theirs = logging.FileHandler(tmp_path / "service.log")
    theirs.setFormatter(formatters.ContextFormatter(config=conf, datefmt=conf.log_date_format))
    logging.getLogger("ask").addHandler(theirs)
    fields = {name: value for name, value in CONTEXT.items() if name.endswith("_id")}
    with recording(tmp_path, hooks=["ask"], ask=["ask"]):
        logging.getLogger("ask").debug("without a context")
        oslo_context.RequestContext(
            user_id="u1", project_id="p1", user_domain_id="default", project_domain_id="default", **fields
        )
        logging.getLogger("ask").debug("two\nlines")
        oslo_context.RequestContext(user_id="u2", request_id="req-other")
        logging.getLogger("ask.below").debug("of no project")
    theirs.close()
    lines = (tmp_path / "ask.log").read_text()
    assert lines == (tmp_path / "service.log").read_text()
    assert "[req-global req-own u1 p1 - - default default] two\nlines test_lines" in lines
    assert "[None req-other u2 - - - - -] of no project" in lines


def test_a_line_is_an_ask_step_and_no_log_step(tmp_path: Path) -> None:
    with recording(tmp_path, hooks=["ask", "logs"], ask=["ask"]) as recorded, inside_step() as step:
        logging.getLogger("ask").info("hello")
        logging.getLogger("asking").warning("somebody else")
        logging.getLogger("ask.below").info("world")
        steps = [(event.kind, event.name, event.attributes["message"]) for event in recorded.events() if event.parent]
        assert {event.parent for event in recorded.events()} == {0, step}
    assert steps == [("ask", "ask", "hello"), ("log", "asking", "somebody else"), ("ask", "ask.below", "world")]


def test_the_context_is_taken_from_the_step_even_if_the_threads_is_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    oslo_context = pytest.importorskip("oslo_context.context")
    monkeypatch.setattr(oslo_context, "_request_store", threading.local())
    oslo_context.RequestContext(request_id="req-stale")
    with recording(tmp_path, hooks=["ask"], ask=["ask"]):
        token = recorder.context.set(CONTEXT)
        try:
            logging.getLogger("ask").info("x")
        finally:
            recorder.context.reset(token)
    assert parse((tmp_path / "ask.log").read_text())["asker"] == "req-global req-own u1 p1 - - default default"


class Context:
    """A service's request context, as stored in a request's environ."""

    def __init__(self) -> None:
        self.request_id, self.user_id, self.project_id = "req-own", "u1", "p1"
        self.global_request_id = None


class OldContext:
    """A context of oslo.context before 2024: properties over private attributes."""

    def __init__(self) -> None:
        self.request_id, self._user_id, self._project_id, self._user_domain_id = "req-own", "u1", "p1", "default"

    @property
    def user_id(self) -> str:
        raise AssertionError("a property of the host's was run")


@pytest.mark.parametrize(
    ("environ", "asker"),
    [
        ({"nova.context": Context()}, "None req-own u1 p1 - - - -"),
        ({"placement.context": OldContext()}, "None req-own u1 p1 - - default -"),
        ({"openstack.request_id": "req-early", "HTTP_X_USER_ID": "u9"}, "None req-early u9 - - - - -"),
        ({"nova.context": object()}, "-"),
    ],
)
def test_the_context_of_an_http_request_is_in_the_line(tmp_path: Path, environ: dict[str, Any], asker: str) -> None:
    with recording(tmp_path, hooks=["ask"], ask=["ask"]):
        token = recorder.context.set({"wsgi.version": (1, 0)} | environ)
        try:
            logging.getLogger("ask").info("x")
        finally:
            recorder.context.reset(token)
    assert parse((tmp_path / "ask.log").read_text())["asker"] == asker


def test_secrets_are_masked_and_long_values_are_complete_in_the_file(tmp_path: Path) -> None:
    with recording(tmp_path, hooks=["ask"], ask=["ask"]) as recorded:
        logging.getLogger("ask").debug("%s", {"adminPass": "geheim", "name": "x" * 5000})
        assert len(str(recorded.single("ask").attributes["message"])) < 600
    line = (tmp_path / "ask.log").read_text()
    assert "geheim" not in line
    assert "x" * 5000 in line


def test_a_traceback_follows_its_line(tmp_path: Path) -> None:
    with recording(tmp_path, hooks=["ask"], ask=["ask"]):
        try:
            raise KeyError("vm")
        except KeyError:
            logging.getLogger("ask").exception("failed")
    first, *more = (tmp_path / "ask.log").read_text().splitlines(keepends=True)
    assert parse(first)["message"] == "failed"
    assert (more[0].strip(), more[-1].strip()) == ("Traceback (most recent call last):", "KeyError: 'vm'")


def test_a_value_that_cannot_be_formatted_is_reported_in_the_line(tmp_path: Path) -> None:
    class Unprintable:
        def __str__(self) -> str:
            raise LookupError("no name")

    # A logger of its own: pytest's handler turns a formatting error into a failure of the test.
    logger = logging.Logger("ask")  # noqa: LOG001
    logger.addHandler(logging.NullHandler())
    with recording(tmp_path, hooks=["ask"], ask=["ask"]):
        logger.info("it is %s", Unprintable())
    message = parse((tmp_path / "ask.log").read_text())["message"]
    assert message == "it is <Unprintable> (not formatted: LookupError: no name)"


def test_unset_levels_are_lowered_to_debug_and_restored(tmp_path: Path) -> None:
    logging.getLogger("asks.loud").setLevel(logging.ERROR)
    with recording(tmp_path, hooks=["ask"], ask=["asks.unset", "asks.loud", "asks.moved"]):
        logging.getLogger("asks.unset").debug("logged")
        logging.getLogger("asks.loud").debug("its level was chosen")
        logging.getLogger("asks.moved").setLevel(logging.INFO)
    assert parse((tmp_path / "ask.log").read_text())["message"] == "logged"
    levels = [logging.getLogger(name).level for name in ("asks.unset", "asks.loud", "asks.moved")]
    assert levels == [logging.NOTSET, logging.ERROR, logging.INFO]


def test_a_rotated_log_is_not_written_to(tmp_path: Path) -> None:
    log, old = tmp_path / "ask.log", tmp_path / "ask.log.1"
    with recording(tmp_path, hooks=["ask"], ask=["ask"]):
        logging.getLogger("ask").info("first")
        log.rename(old)
        logging.getLogger("ask").info("second")
        log.unlink()
        logging.getLogger("ask").info("third")
    assert [parse(path.read_text())["message"] for path in (old, log)] == ["first", "third"]


@pytest.mark.parametrize("kind", ["pipe", "link"])
def test_a_pipe_or_link_in_place_of_the_log_is_not_opened(tmp_path: Path, kind: str) -> None:
    if kind == "pipe":
        os.mkfifo(tmp_path / "ask.log")
    else:
        (tmp_path / "ask.log").symlink_to(tmp_path / "elsewhere")
    with recording(tmp_path, hooks=["ask"], ask=["ask"]):
        logging.getLogger("ask").info("x")
        failures, ask_logger.ask.failures = ask_logger.ask.failures, 0
    assert failures == 1
    assert not (tmp_path / "elsewhere").exists()


def test_the_hooks_own_failures_do_not_reach_the_host(tmp_path: Path) -> None:
    with recording(tmp_path, hooks=["ask", "logs"], ask=["ask"]), failing():
        for _ in range(10):
            logging.getLogger("ask").info("goes on")
        assert not ask_logger.ask.enabled
        assert logs.logs.failures == 0


WRITER = """
import logging, sys
import patches
patches.install(sys.argv[1], {"segment_size": 1 << 20, "cap": 1 << 26, "hooks": ["ask"]})
for number in range(200):
    logging.getLogger("ask").debug("%s from %s: %s", number, sys.argv[2], sys.argv[2] * 4000)
"""


def test_lines_of_many_processes_never_mix(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), name], cwd=ROOT, stderr=subprocess.DEVNULL)
        for name in "abcd"
    ]
    assert [writer.wait() for writer in writers] == [0] * 4
    counts: Counter[str] = Counter()
    for line in (tmp_path / "ask.log").read_text().splitlines(keepends=True):
        _, _, name, text = parse(line)["message"].split(" ")
        assert text == name[0] * 4000
        counts[name] += 1
    assert counts == dict.fromkeys(["a:", "b:", "c:", "d:"], 200)


#: Loggers in all of Nova's services, none of which logs secrets.
NOVA_LOGGERS = (
    "nova.compute.claims",
    "nova.conductor.manager",
    "nova.scheduler.manager",
    "nova.compute.api",
    "nova.virt.hardware",
)


@pytest.mark.slow
def test_a_real_novas_ask_lines_equal_those_of_its_own_logs(tmp_path: Path) -> None:
    """Every service writes its DEBUG lines to its own log too, with the same ids.

    With ``--echo`` it also logs its statements, with the id of the request that they belong to.
    """
    state, capture = tmp_path / "state", tmp_path / "cap"
    options = ["--echo", *(word for name in NOVA_LOGGERS for word in ("--ask", name))]
    with EmbeddedCloud("34", state, capture, run_options=options) as cloud:
        booted = cloud.boot("vm1")
    mine = (capture / "ask.log").read_text().splitlines()
    theirs = [line for log in (state / "logs").glob("*.log") for line in log.read_text().splitlines()]
    ours, novas = (sorted(line for line in lines if _is_of(line, "DEBUG", NOVA_LOGGERS)) for lines in (mine, theirs))
    assert ours == novas
    of_the_boot = {line.split()[2] for line in ours if booted.request_id in line}
    assert len(of_the_boot) >= 3, "processes whose lines have the boot's request id"
    engine = ("sqlalchemy.engine.Engine",)
    statements = [line for line in theirs if _is_of(line, "INFO", engine) and booted.request_id in line]
    assert any("] INSERT INTO instances " in line for line in statements)


def _is_of(line: str, level: str, loggers: tuple[str, ...]) -> bool:
    words = line.split(" ", 5)
    return len(words) > 5 and words[3] == level and words[4] in loggers
