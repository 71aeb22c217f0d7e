"""``bootseq diff --source``: the commits that changed the function of each changed step, in every form of report."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import pytest

from tests.support.builders import boot, call, rpc, sql
from tests.support.source_checkout import SourceCheckout
from tests.test_tracer_cli import bootseq, refused
from tracer import trace_file
from tracer.history import git
from tracer.model import Step, Trace

API = dedent('''\
    """The API."""


    class API:
        def create(self):
            check()
            return self._quota()

        @property
        def _quota(self):
            return select()


    def check():
        pass
    ''')
QUOTA = "            return select()\n"


@pytest.fixture
def checkout(tmp_path: Path) -> SourceCheckout:
    """A checkout with the tag 1.0.0 of the old release."""
    source = SourceCheckout(tmp_path / "nova-source")
    source.commit("Begin", {"nova/compute/api.py": API}, tag="1.0.0")
    return source


def traced(path: Path, version: str, *steps: Step) -> Path:
    """Write a boot whose function API.create, in line 5, has these steps."""
    request = boot(call("API", "nova.compute.api:API.create", *steps, **source(5)), operation="boot", outcome="active")
    request.versions = {"nova": version}
    trace_file.write(path, Trace([request], versions={"nova": version}))
    return path


def source(line: int) -> dict[str, object]:
    return {"file": "/opt/nova/compute/api.py", "line": line}


def quota(line: int, *statements: Step) -> Step:
    return call("API", "nova.compute.api:API._quota", *statements, **source(line))


def compared(tmp_path: Path, old: list[Step], new: list[Step], source: str) -> list[dict[str, object]]:
    """Return the failing changes of the JSON report."""
    before, after = traced(tmp_path / "old", "1.0.0", *old), traced(tmp_path / "new", "2.0.0", *new)
    done = bootseq("diff", before, after, "--source", source, "-o", tmp_path / "r.json")
    assert done.exit_code == 1, done.stderr
    report = json.loads((tmp_path / "r.json").read_text())
    return [change for change in report["changes"] if change["severity"] == "fail"]


def test_the_commit_that_changed_the_function_is_named(checkout: SourceCheckout, tmp_path: Path) -> None:
    checkout.commit("Change the check", {"nova/compute/api.py": API.replace("    pass\n", "    return 1\n")})
    text = API.replace("select()", "select(), select()")
    guilty = checkout.commit("Read quotas twice", {"nova/compute/api.py": text}, "2.0.0", "I" + 40 * "a")
    changes = compared(
        tmp_path, [quota(9, sql("API", "SELECT", "quotas"))],
        [quota(9, sql("API", "SELECT", "quotas"), sql("API", "SELECT", "limits"))], f"nova={checkout.path}",
    )  # fmt: skip
    assert [change["origin"] for change in changes] == [
        {
            "function": "API._quota", "unchanged": "",
            "commits": [{"id": guilty, "subject": "Read quotas twice", "change_id": "I" + 40 * "a"}],
        }
    ]  # fmt: skip


def test_an_added_call_is_of_the_callers_commit(checkout: SourceCheckout, tmp_path: Path) -> None:
    checkout.commit("Return one from the check", {"nova/compute/api.py": API.replace("    pass\n", "    return 1\n")})
    text = API.replace("        check()\n", "        check()\n        check()\n")
    guilty = checkout.commit("Check twice", {"nova/compute/api.py": text}, tag="2.0.0")
    [change] = compared(tmp_path, [], [call("API", "nova.compute.api:check", **source(15))], f"nova={checkout.path}")
    assert change["origin"]["function"] == "API.create"  # type: ignore[index]
    assert [commit["id"] for commit in change["origin"]["commits"]] == [guilty]  # type: ignore[index]


def test_a_caller_is_named_where_the_function_did_not_change(checkout: SourceCheckout, tmp_path: Path) -> None:
    guilty = checkout.commit(
        "Check later", {"nova/compute/api.py": API.replace("        check()\n", "        later()\n")}, tag="2.0.0"
    )
    [change] = compared(
        tmp_path, [quota(9, sql("API", "SELECT", "quotas"))], [quota(9, sql("API", "SELECT", "limits"))],
        f"nova={checkout.path}",
    )  # fmt: skip
    assert change["origin"] == {
        "function": "API.create", "unchanged": "API._quota",
        "commits": [{"id": guilty, "subject": "Check later", "change_id": ""}],
    }  # fmt: skip


def test_a_removed_function_is_of_the_commit_that_removed_it(checkout: SourceCheckout, tmp_path: Path) -> None:
    text = API[: API.index("\n\ndef check")] + "\n"
    guilty = checkout.commit("Remove the check", {"nova/compute/api.py": text}, tag="2.0.0")
    [change] = compared(
        tmp_path, [call("API", "nova.compute.api:check", sql("API", "SELECT", "quotas"), **source(14))], [],
        f"nova={checkout.path}",
    )  # fmt: skip
    commits = change["origin"]["commits"]  # type: ignore[index]
    assert [commit["id"] for commit in commits] == [guilty]


def test_a_renamed_file_is_followed(checkout: SourceCheckout, tmp_path: Path) -> None:
    checkout.git("mv", "nova/compute/api.py", "nova/compute/moved.py")
    checkout.commit("Move the API", {})
    guilty = checkout.commit("Read two", {"nova/compute/moved.py": API.replace("select()", "select(2)")})
    checkout.git("mv", "nova/compute/moved.py", "nova/compute/api.py")
    checkout.commit("Move it back", {}, tag="2.0.0")
    [change] = compared(
        tmp_path, [quota(9, sql("API", "SELECT", "quotas"))], [quota(9, sql("API", "SELECT", "limits"))],
        f"nova={checkout.path}:1.0.0..main",
    )  # fmt: skip
    assert guilty in [commit["id"] for commit in change["origin"]["commits"]]  # type: ignore[index]


def test_nothing_is_blamed_without_a_change_of_a_function(checkout: SourceCheckout, tmp_path: Path) -> None:
    checkout.commit(
        "Describe the API", {"nova/compute/api.py": API.replace("The API.", "The API, described.")}, tag="2.0.0"
    )
    [change] = compared(
        tmp_path, [quota(9, sql("API", "SELECT", "quotas"))], [quota(9, sql("API", "SELECT", "limits"))],
        f"nova={checkout.path}",
    )  # fmt: skip
    assert change["origin"] == {"function": "API._quota", "commits": [], "unchanged": ""}


def test_what_sent_a_message_is_no_caller(checkout: SourceCheckout, tmp_path: Path) -> None:
    checkout.commit(
        "Check later", {"nova/compute/api.py": API.replace("        check()\n", "        later()\n")}, tag="2.0.0"
    )

    def request_of(table: str) -> Step:
        statement = sql("conductor", "SELECT", table)
        inner = call("conductor", "nova.compute.api:check", statement, **source(14))
        return rpc("API", "conductor", "check", inner)

    [change] = compared(tmp_path, [request_of("quotas")], [request_of("limits")], f"nova={checkout.path}")
    assert change["origin"] == {"function": "check", "commits": [], "unchanged": ""}


def test_a_change_outside_of_the_sources_has_no_origin(checkout: SourceCheckout, tmp_path: Path) -> None:
    checkout.commit(
        "Check later", {"nova/compute/api.py": API.replace("        check()\n", "        later()\n")}, tag="2.0.0"
    )

    def selected(table: str) -> Step:
        position = {"file": "/opt/placement/objects/usage.py", "line": 3}
        return call("API", "placement.objects.usage:get", sql("API", "SELECT", table), **position)

    [change] = compared(tmp_path, [selected("quotas")], [selected("limits")], f"nova={checkout.path}")
    assert "origin" not in change


def test_every_report_names_the_commit(checkout: SourceCheckout, tmp_path: Path) -> None:
    text = API.replace("select()", "select(2)")
    guilty = checkout.commit("Read <b>two</b> | quotas", {"nova/compute/api.py": text}, "2.0.0", "I" + 40 * "b")
    old = traced(tmp_path / "old", "1.0.0", quota(9, sql("API", "SELECT", "quotas")))
    new = traced(tmp_path / "new", "2.0.0", quota(9, sql("API", "SELECT", "limits")))
    names = [tmp_path / f"r.{suffix}" for suffix in ("txt", "md", "xml", "html")]
    outputs = [word for name in names for word in ("-o", name)]
    assert bootseq("diff", old, new, "--source", f"nova={checkout.path}", *outputs).exit_code == 1
    for name in names:
        report = name.read_text()
        assert guilty in report
        assert "I" + 40 * "b" in report
    assert "<b>" not in (tmp_path / "r.html").read_text()


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("nova", "expected PACKAGE=CHECKOUT"),
        ("nova={path}:1.0.0..9.9.9", "has no revision '9.9.9'"),
        ("nova={path}:--all..1.0.0", "has no revision '--all'"),
        ("nova={path}", "has no revision '2.0.0'"),
        ("nova={path}/absent", "git rev-parse: "),
        ("oslo.messaging={path}", "no release of oslo.messaging is recorded"),
    ],
)
def test_a_source_that_cannot_be_used_is_refused(
    checkout: SourceCheckout, tmp_path: Path, option: str, message: str
) -> None:
    old, new = traced(tmp_path / "old", "1.0.0"), traced(tmp_path / "new", "2.0.0", sql("API", "SELECT", "quotas"))
    assert message in refused("diff", old, new, "--source", option.format(path=checkout.path))


def test_a_checkouts_own_configuration_runs_nothing(checkout: SourceCheckout, tmp_path: Path) -> None:
    proof = tmp_path / "ran"
    for key in ("diff.py.textconv", "diff.external", "core.fsmonitor", "core.pager", "pager.log"):
        checkout.git("config", key, f"sh -c 'touch {proof}'")
    (checkout.path / ".gitattributes").write_text("*.py diff=py\n")
    checkout.commit("Read two", {"nova/compute/api.py": API.replace("select()", "select(2)")}, tag="2.0.0")
    proof.unlink(missing_ok=True)
    compared(
        tmp_path, [quota(9, sql("API", "SELECT", "quotas"))], [quota(9, sql("API", "SELECT", "limits"))],
        f"nova={checkout.path}",
    )  # fmt: skip
    assert not proof.exists()


@pytest.mark.parametrize("text", ["def f(:", "\0", "(" * 5000, "", "x = 1\n"])
def test_a_text_without_functions_has_none(text: str) -> None:
    assert git.function_at(text, 1) is None
    assert git.function_named(text, "f") is None
