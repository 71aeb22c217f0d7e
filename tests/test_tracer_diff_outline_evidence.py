"""Evidence for functions that were not traced: statements and log lines, and reports where there is none."""

from __future__ import annotations

import pytest

from tests.support.builders import boot, call, cast, http, served, sql, state, step
from tracer.diff.baseline.normalise import normal
from tracer.diff.outline import check, evidence, outline
from tracer.diff.outline.outline import OutlineStep
from tracer.diff.outline.score import OutlineLine
from tracer.model import Step

HEAD = "1. compute/manager.py.Manager -> build()\n"


@pytest.mark.parametrize(
    ("text", "notes", "texts"),
    [
        ("self.db.instance_get()", [], "sql: SELECT instance"),
        ("self.db.instance_create()", [], "sql: INSERT instances"),
        ("db/main/api.py -> service_update()", [], "sql: UPDATE services"),
        ("db.security_group_get_by_name()", [], "sql: SELECT security_groups"),
        ("db.block_device_mapping_update_or_create()", [], "sql: INSERT block_device_mapping"),
        ("self.db.volume_attached()", ["volumes: status in-use"], "sql: UPDATE volumes"),
        ("self.db.instance_add_it()", ["insert a row with defaults into its; and more"], "sql: INSERT its"),
        ("self.db.instance_add_it()", ["some words"], None),
        ("self.instance_get()", [], None),
        ("compute/api.py -> instance_get()", [], None),
        ("rpc.cast() to compute: instance_get", [], None),
    ],
)
def test_a_database_function_is_shown_by_its_statement(text: str, notes: list[str], texts: str | None) -> None:
    sent = evidence.statement(OutlineLine(OutlineStep("1", text, notes=notes)))
    assert texts in (sent.texts if sent else [None])


def changes_of(text: str, *chapters: Step, witness: str = "logs") -> list[tuple[str, str]]:
    """Return the changes between an outline and a boot that only ``witness`` recorded."""
    happened = boot(*chapters)
    for step_ in happened.walk():
        step_.witnesses = (witness,)
    comparison = check.check(outline.read(text, "x"), normal(happened, include_log_lines=True))
    return [(change.class_, change.old or change.new) for change in comparison.changes]


def log(function: str, file: str = "/opt/stack/nova/nova/compute/manager.py", message: str = "text") -> Step:
    return step(
        "log", "compute", name="nova.compute.manager", level="DEBUG", logger="nova.compute.manager", message=message,
        file=file, line=7, function=function,
    )  # fmt: skip


def build(*inside: Step) -> Step:
    """Return a message received by a service without hooks."""
    return served("compute", "build", *inside)


def test_a_message_shows_the_function_of_its_name() -> None:
    assert changes_of(HEAD, build()) == []
    assert changes_of("1. compute/manager.py.Manager -> __getattr__()\n", build()) == []
    assert changes_of("1. scheduler/manager.py.Manager -> build()\n", build()) == [("unseen", "1"), ("unwritten", "1")]
    assert changes_of("1. compute/manager.py.Manager -> rebuild()\n", build()) == [("unseen", "1"), ("unwritten", "1")]


def test_an_object_method_shows_the_method_of_its_class() -> None:
    save = served("conductor", "Instance.save", mode="call")
    assert changes_of("1. objects/instance.py.Instance -> save()\n", save) == []
    assert changes_of("1. objects/service.py.Service -> save()\n", save) == [("unseen", "1"), ("unwritten", "1")]


@pytest.mark.parametrize(
    ("method", "path", "function"),
    [
        ("POST", "/v2.1/servers", "create"),
        ("GET", "/v2.1/servers", "index"),
        ("GET", "/v2.1/servers/17", "show"),
        ("PUT", "/v2.1/servers/17", "update"),
        ("DELETE", "/v2.1/servers/17", "delete"),
    ],
)
def test_a_request_shows_the_function_of_its_route(method: str, path: str, function: str) -> None:
    request = http("client", "API", method, path).children[0]
    assert changes_of(f"1. api/openstack/servers.py -> {function}()\n", request) == []
    assert ("unwritten", "1") in changes_of("1. api/openstack/servers.py -> other()\n", request)
    assert ("unwritten", "1") in changes_of(f"1. api/openstack/images.py -> {function}()\n", request)


def test_a_line_shows_the_function_that_wrote_it() -> None:
    text = f"{HEAD}1-1. self._spawn()\n"
    assert changes_of(text, build(log("_spawn"))) == []
    assert changes_of(text, build(log("_other"))) == [("unseen", "1-1")]
    assert changes_of(text, build(log("_spawn", "/usr/lib/python3/dist-packages/nova/virt/driver.py"))) == [
        ("unseen", "1-1")
    ]
    assert changes_of(text, build(), witness="broker") == [("unseen", "1-1")]


def test_a_line_shows_one_call_and_no_more() -> None:
    assert changes_of(f"{HEAD}1-1. self._a()\n1-2. self._a()\n", build(log("_a"))) == [("unseen", "1-2")]


def test_a_statement_shows_the_function_that_sent_it() -> None:
    text = f"{HEAD}1-1. self.db.instance_get()\n1-2. self.db.instance_update()\n"
    assert changes_of(text, build(sql("compute", "SELECT", "instances"), sql("compute", "UPDATE", "instances"))) == []
    assert changes_of(text, build(sql("compute", "SELECT", "instances"))) == [("unseen", "1-2")]


def test_a_statement_shows_as_many_calls_as_it_was_sent() -> None:
    lines = "".join(f"1-{number}. self.db.instance_get()\n" for number in range(1, 5))
    sent = [sql("compute", "SELECT", "instances") for _ in range(3)]
    assert changes_of(f"{HEAD}{lines}", build(*sent)) == [("unseen", "1-4")]
    assert changes_of(f"{HEAD}{lines}", build(*sent, sql("compute", "SELECT", "instances"))) == []


def test_a_statement_that_a_note_names_is_missing() -> None:
    """By its name alone a function may use another table; a condition may not have been met."""
    text = f"{HEAD}1-1. self.db.instance_update()\n- write instances\n"
    there = build(sql("compute", "SELECT", "instances"))
    assert changes_of(text, there) == [("missing", "1-1")]
    assert changes_of(f"{text}- if: asked for\n", there) == [("unmet", "1-1")]
    assert changes_of(text, build(log("_other"))) == [("unseen", "1-1")]


def test_a_statement_is_matched_with_the_line_that_sets_its_state() -> None:
    """Even after another line under a condition."""
    text = (
        f"{HEAD}1-1. self.db.instance_update()\n- if: asked for\n"
        "1-2. self.db.instance_update()\n- instances: vm_state building, task_state spawning\n"
    )
    set_before = state("compute", vm_state=(None, "building"))
    update = (sql("compute", "UPDATE", "instances"), state("compute", task_state=(None, "spawning")))
    assert changes_of(text, build(set_before, *update)) == [("unseen", "1-1")]
    assert changes_of(text.replace("building", "active"), build(set_before, *update)) == [
        ("unseen", "1-1"),
        ("state", "1-2"),
    ]


def test_an_attribute_error_in_a_log_line_shows_a_missing_function() -> None:
    """With that class and name, also under a condition."""
    text = f"{HEAD}1-1. scheduler/chance.py.Chance -> schedule_it()\n- if missing: AttributeError\n"
    says = log("f", message="it fails: 'Chance' object has no attribute 'schedule_it'. Going on")
    assert changes_of(text, build(says)) == [("missing", "1-1")]
    assert changes_of(text.replace("Chance", "Other"), build(says)) == [("unseen", "1-1")]
    assert changes_of(text.replace("schedule_it", "other"), build(says)) == [("unseen", "1-1")]


def test_functions_without_evidence_are_one_change() -> None:
    """Including the lines below; except for lines with evidence, and for messages, which would have been recorded."""
    text = f"{HEAD}1-1. self._a()\n1-1-1. self._b()\n1-1-1-1. self._c()\n1-1-2. self._d()\n"
    comparison = check.check(outline.read(text, "x"), normal(boot(served("compute", "build")), include_log_lines=True))
    (change,) = comparison.changes
    assert (change.class_, change.old, change.below, comparison.verdict) == ("unseen", "1-1", 3, "same")
    assert changes_of(text, build(log("_c"))) == [("unseen", "1-1"), ("unseen", "1-1-1"), ("unseen", "1-1-2")]
    sent = cast("compute", "compute", "go", 2)
    more = f"{text}1-1-1-2. rpc.cast()\n- to conductor: stop\n1-2. rpc.cast()\n- to compute: go\n"
    assert changes_of(more, build(sent), served("compute", "go")) == [
        ("unseen", "1-1"), ("missing", "1-1-1-2"), ("unwritten", "2"),
    ]  # fmt: skip
    unmet = more.replace("1-1. self._a()\n", "1-1. self._a()\n- if: asked for\n", 1)
    assert changes_of(unmet, build(sent), served("compute", "go")) == [("unmet", "1-1"), ("unwritten", "2")]


def test_statements_of_another_services_manager_are_not_missing() -> None:
    """A manager may be a service of its own, without a recording."""
    text = f"{HEAD}1-1. volume/manager.py.VolumeManager -> create()\n1-1-1. self.db.volume_update()\n- volumes: host\n"
    there = build(sql("compute", "SELECT", "volumes"))
    assert changes_of(text, there) == [("unseen", "1-1")]
    assert changes_of(text.replace("manager.py", "api.py"), there) == [("unseen", "1-1"), ("missing", "1-1-1")]


def test_functions_are_missing_only_in_a_service_with_hooks() -> None:
    """In a service without hooks they are merely not recorded."""
    text = (
        "1. compute/api.py.API -> create()\n1-1. self._a()\n1-2. rpc.cast()\n- to compute: build\n"
        "2. compute/manager.py.Manager -> build()\n2-1. self._a()\n"
    )
    happened = boot(call("API", "nova.compute.api:API.create", cast("API", "compute", "build", 2)), build())
    happened.chapters[1].witnesses = ("logs",)
    changes = check.check(outline.read(text, "x"), normal(happened, include_log_lines=True)).changes
    assert [(change.class_, change.old) for change in changes] == [("missing", "1-1"), ("unseen", "2-1")]
