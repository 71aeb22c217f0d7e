"""Functions that nobody saw being called, by their statements and log lines; and what is said where none is."""

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
def test_what_a_function_of_the_database_sends(text: str, notes: list[str], texts: str | None) -> None:
    sent = evidence.statement(OutlineLine(OutlineStep("1", text, notes=notes)))
    assert texts in (sent.texts if sent else [None])


def found(text: str, *chapters: Step, witness: str = "logs") -> list[tuple[str, str]]:
    """What is told of an outline, of a boot that ``witness`` alone saw."""
    happened = boot(*chapters)
    for one in happened.walk():
        one.witnesses = (witness,)
    comparison = check.check(outline.read(text, "x"), normal(happened, include_log_lines=True))
    return [(change.class_, change.old or change.new) for change in comparison.changes]


def log(function: str, file: str = "/opt/stack/nova/nova/compute/manager.py", message: str = "said") -> Step:
    return step(
        "log", "compute", name="nova.compute.manager", level="DEBUG", logger="nova.compute.manager", message=message,
        file=file, line=7, function=function,
    )  # fmt: skip


def build(*inside: Step) -> Step:
    """A message taken by a service that no hook was in."""
    return served("compute", "build", *inside)


def test_a_message_is_the_function_of_its_name() -> None:
    assert found(HEAD, build()) == []
    assert found("1. compute/manager.py.Manager -> __getattr__()\n", build()) == []
    assert found("1. scheduler/manager.py.Manager -> build()\n", build()) == [("unseen", "1"), ("unwritten", "1")]
    assert found("1. compute/manager.py.Manager -> rebuild()\n", build()) == [("unseen", "1"), ("unwritten", "1")]


def test_a_method_of_an_object_is_of_its_class() -> None:
    save = served("conductor", "Instance.save", mode="call")
    assert found("1. objects/instance.py.Instance -> save()\n", save) == []
    assert found("1. objects/service.py.Service -> save()\n", save) == [("unseen", "1"), ("unwritten", "1")]


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
def test_a_request_is_the_function_that_routes_lead_to(method: str, path: str, function: str) -> None:
    asked = http("client", "API", method, path).children[0]
    assert found(f"1. api/openstack/servers.py -> {function}()\n", asked) == []
    assert ("unwritten", "1") in found("1. api/openstack/servers.py -> other()\n", asked)
    assert ("unwritten", "1") in found(f"1. api/openstack/images.py -> {function}()\n", asked)


def test_a_line_shows_the_function_that_wrote_it() -> None:
    text = f"{HEAD}1-1. self._spawn()\n"
    assert found(text, build(log("_spawn"))) == []
    assert found(text, build(log("_other"))) == [("unseen", "1-1")]
    assert found(text, build(log("_spawn", "/usr/lib/python3/dist-packages/nova/virt/driver.py"))) == [
        ("unseen", "1-1")
    ]
    assert found(text, build(), witness="broker") == [("unseen", "1-1")]


def test_a_line_shows_one_call_and_no_more() -> None:
    assert found(f"{HEAD}1-1. self._a()\n1-2. self._a()\n", build(log("_a"))) == [("unseen", "1-2")]


def test_a_statement_shows_the_function_that_made_it() -> None:
    text = f"{HEAD}1-1. self.db.instance_get()\n1-2. self.db.instance_update()\n"
    assert found(text, build(sql("compute", "SELECT", "instances"), sql("compute", "UPDATE", "instances"))) == []
    assert found(text, build(sql("compute", "SELECT", "instances"))) == [("unseen", "1-2")]


def test_a_statement_shows_as_many_calls_as_it_was_made() -> None:
    lines = "".join(f"1-{place}. self.db.instance_get()\n" for place in range(1, 5))
    made = [sql("compute", "SELECT", "instances") for _ in range(3)]
    assert found(f"{HEAD}{lines}", build(*made)) == [("unseen", "1-4")]
    assert found(f"{HEAD}{lines}", build(*made, sql("compute", "SELECT", "instances"))) == []


def test_a_statement_that_a_note_speaks_of_is_missed() -> None:
    """A name alone may mean another table; a condition may not have been met."""
    text = f"{HEAD}1-1. self.db.instance_update()\n- write instances\n"
    there = build(sql("compute", "SELECT", "instances"))
    assert found(text, there) == [("missing", "1-1")]
    assert found(f"{text}- if: asked for\n", there) == [("unmet", "1-1")]
    assert found(text, build(log("_other"))) == [("unseen", "1-1")]


def test_statements_go_to_those_who_set_their_states() -> None:
    """Though another line, under a condition, stands before."""
    text = (
        f"{HEAD}1-1. self.db.instance_update()\n- if: asked for\n"
        "1-2. self.db.instance_update()\n- instances: vm_state building, task_state spawning\n"
    )
    set_before = state("compute", vm_state=(None, "building"))
    update = (sql("compute", "UPDATE", "instances"), state("compute", task_state=(None, "spawning")))
    assert found(text, build(set_before, *update)) == [("unseen", "1-1")]
    assert found(text.replace("building", "active"), build(set_before, *update)) == [
        ("unseen", "1-1"),
        ("state", "1-2"),
    ]


def test_what_python_says_is_missing() -> None:
    """Of that class and that name; under a condition, too."""
    text = f"{HEAD}1-1. scheduler/chance.py.Chance -> schedule_it()\n- if missing: AttributeError\n"
    says = log("f", message="it fails: 'Chance' object has no attribute 'schedule_it'. Going on")
    assert found(text, build(says)) == [("missing", "1-1")]
    assert found(text.replace("Chance", "Other"), build(says)) == [("unseen", "1-1")]
    assert found(text.replace("schedule_it", "other"), build(says)) == [("unseen", "1-1")]


def test_what_cannot_be_seen_is_told_once() -> None:
    """With all that stands under it; but not what something under it shows, nor what would have been seen."""
    text = f"{HEAD}1-1. self._a()\n1-1-1. self._b()\n1-1-1-1. self._c()\n1-1-2. self._d()\n"
    comparison = check.check(outline.read(text, "x"), normal(boot(served("compute", "build")), include_log_lines=True))
    (change,) = comparison.changes
    assert (change.class_, change.old, change.below, comparison.verdict) == ("unseen", "1-1", 3, "same")
    assert found(text, build(log("_c"))) == [("unseen", "1-1"), ("unseen", "1-1-1"), ("unseen", "1-1-2")]
    sent = cast("compute", "compute", "go", 2)
    more = f"{text}1-1-1-2. rpc.cast()\n- to conductor: stop\n1-2. rpc.cast()\n- to compute: go\n"
    assert found(more, build(sent), served("compute", "go")) == [
        ("unseen", "1-1"), ("missing", "1-1-1-2"), ("unwritten", "2"),
    ]  # fmt: skip
    unmet = more.replace("1-1. self._a()\n", "1-1. self._a()\n- if: asked for\n", 1)
    assert found(unmet, build(sent), served("compute", "go")) == [("unmet", "1-1"), ("unwritten", "2")]


def test_a_manager_may_be_a_service_of_its_own() -> None:
    """Of which nothing was recorded: its statements are not missed here."""
    text = f"{HEAD}1-1. volume/manager.py.VolumeManager -> create()\n1-1-1. self.db.volume_update()\n- volumes: host\n"
    there = build(sql("compute", "SELECT", "volumes"))
    assert found(text, there) == [("unseen", "1-1")]
    assert found(text.replace("manager.py", "api.py"), there) == [("unseen", "1-1"), ("missing", "1-1-1")]


def test_hooks_in_one_service_and_not_in_the_other() -> None:
    """Of the one all functions would have been seen, of the other none."""
    text = (
        "1. compute/api.py.API -> create()\n1-1. self._a()\n1-2. rpc.cast()\n- to compute: build\n"
        "2. compute/manager.py.Manager -> build()\n2-1. self._a()\n"
    )
    happened = boot(call("API", "nova.compute.api:API.create", cast("API", "compute", "build", 2)), build())
    happened.chapters[1].witnesses = ("logs",)
    told = check.check(outline.read(text, "x"), normal(happened, include_log_lines=True)).changes
    assert [(change.class_, change.old) for change in told] == [("missing", "1-1"), ("unseen", "2-1")]
