"""Steps in the wording of hand-written outlines."""

from __future__ import annotations

import pytest

from diagrams.words import steps
from tests.support.builders import call, cast, http, log, rpc, served, sql, state, step
from tracer.model import Step

API = ("nova.compute.api", "API")


@pytest.mark.parametrize(
    ("target", "around", "title", "label"),
    [
        ("nova.compute.api:API.create", None, "compute/api.py.API -> create()", "API.create()"),
        ("nova.compute.api:API.create", API, "self.create()", "create()"),
        ("nova.compute.utils:f", API, "compute/utils.py -> f()", "utils.f()"),
        ("nova.compute.utils:f", ("nova.compute.utils", ""), "f()", "f()"),
        ("nova.compute.api:f", API, "compute/api.py -> f()", "api.f()"),
        ("placement.handlers.allocation:put", None, "placement/handlers/allocation.py -> put()", "allocation.put()"),
        ("nova:main", None, "nova.py -> main()", "nova.main()"),
    ],
)
def test_calls(target: str, around: steps.Home, title: str, label: str) -> None:
    step_ = call("API", target)
    assert (steps.title(step_, around), steps.label(step_, around)) == (title, label)


def test_a_package_is_a_folder() -> None:
    step_ = call("API", "nova.virt:f", file="/x/site-packages/nova/virt/__init__.py")
    assert steps.title(step_) == "virt/__init__.py -> f()"


def test_a_call_without_a_module_keeps_its_name() -> None:
    assert steps.title(step("call", "API", name="something")) == "something"


@pytest.mark.parametrize(
    ("step_", "title"),
    [
        (http("client", "API", "POST", "/v2.1/servers", status=202), "POST /v2.1/servers → API: 202"),
        (http("client", "API", "POST", "/v2.1/servers?a=b").children[0], "POST /v2.1/servers: 200"),
        (rpc("compute", "conductor", "Instance.save"), "rpc.call() to conductor: Instance.save"),
        (cast("API", "conductor", "build", 2), "rpc.cast() to conductor: build"),
        (cast("API", "", "instance.create.end", 2, mode="notify"), "rpc.notify() to broker: instance.create.end"),
        (served("scheduler", "f", endpoint="nova.s.m:M.f"), "s/m.py.M -> f()"),
        (served("conductor", "Instance.save", endpoint="nova.c.m:M.do"), "Instance.save by c/m.py.M -> do()"),
        (served("conductor", "Instance.save"), "Instance.save"),
        (step("libvirt", "compute", class_="virDomain", function="createWithFlags"), "virDomain.createWithFlags()"),
        (step("command", "compute", arguments=["qemu-img", "info"], exit_code=0), "$ qemu-img info"),
        (step("command", "compute", arguments="false", exit_code=1), "$ false (exit 1)"),
        (step("handoff", "compute", function="A.f.<locals>.g", via="spawn_on"), "hand-off to A.f.g by spawn_on"),
        (step("wondrous", "compute", name="what is this"), "what is this"),
        (step("wondrous", "compute"), "wondrous"),
    ],
)
def test_other_steps(step_: Step, title: str) -> None:
    assert steps.title(step_) == title


def test_identifiers_are_cut_in_pictures() -> None:
    request = http("compute", "placement", "PUT", "/allocations/7b5e1c52-0b3f-4c53-9a53-0c3c0d5f7a11")
    assert steps.label(request) == "PUT /allocations/7b5e1c52…"


class TestStates:
    def test_the_form_of_the_outline(self) -> None:
        change = state("API", vm_state=(None, "building"), task_state=(None, "scheduling"))
        assert steps.note(change) == "instances: vm_state building, task_state None → scheduling"

    def test_an_unchanged_value_is_shown_once(self) -> None:
        change = state("API", vm_state=("building", "building"), task_state=("spawning", None))
        assert steps.note(change) == "instances: vm_state building, task_state spawning → None"

    def test_changes_that_are_not_pairs(self) -> None:
        change = step(
            "state", "API", name="instances", table="instances", changes={"host": "cmp1", "vm_state": [1, 2, 3]}
        )
        assert steps.note(change) == "instances: host cmp1, vm_state [1, 2, 3]"


class TestNotes:
    def test_sql(self) -> None:
        assert steps.note(sql("API", "SELECT", "instances", "instance_extra")).startswith(
            "sql: SELECT instances, instance_extra (1 row)"
        )
        assert " (2 rows) in nova_api " in steps.note(sql("API", "SELECT", "x", rows=2, database="nova_api"))

    def test_unparsed_sql_is_quoted_on_one_line(self) -> None:
        statement = step("sql", "API", statement="SELECT\n  1")
        assert steps.note(statement).startswith("sql: SELECT 1 ")

    def test_log_and_ask(self) -> None:
        assert steps.note(log("API", "made")) == "log: INFO nova.API: made"
        assert steps.note(log("API", "made", kind="ask")) == "ask: made"

    def test_an_error_is_shown_with_its_note(self) -> None:
        assert steps.note(sql("API", "INSERT", "x", error="IntegrityError: twice\nmore")).endswith(
            "! IntegrityError: twice"
        )


def test_an_error_raised_by_a_child_names_it() -> None:
    inner = call("API", "nova.a:f", error="NoValidHost: none")
    inner.address = "1-1"
    outer = call("API", "nova.a:g", inner, error="NoValidHost: none")
    assert steps.raised(inner) == "NoValidHost: none"
    assert steps.raised(outer) == "NoValidHost, from 1-1"


def test_a_hand_off_keeps_the_enclosing_class() -> None:
    assert steps.home(step("handoff", "compute"), API) == API
    assert steps.home(step("libvirt", "compute"), API) is None
