"""Links between steps in the outline: a summary of all, and a mark at each doubtful one."""

from __future__ import annotations

import re

from diagrams.outline.outline import outline
from tests.support.builders import boot, log, rpc, sql, step
from tracer.model import Step


def linked_by(linked: Step, by: str) -> Step:
    linked.tied_by, linked.witnesses = by, ("logs",)
    return linked


def logged_outline() -> str:
    children = [
        linked_by(sql("compute", "SELECT", "instances"), "request_id"),
        linked_by(sql("compute", "SELECT", "quotas"), "time"),
        linked_by(sql("compute", "UPDATE", "instances"), "time"),
        linked_by(log("compute", "hello"), "instance"),
        linked_by(rpc("compute", "conductor", "ping"), "request_id"),
    ]
    return outline(
        boot(linked_by(step("rpc", "compute", *children, side="server", name="build"), "topic_order")), "full"
    )


def test_full_sums_up_the_links() -> None:
    assert (
        "# tied: log 1 by instance; rpc 1 by the order in its topic, 1 by request id; sql 2 by time, 1 by request id\n"
    ) in logged_outline()


def test_full_marks_links_without_an_id() -> None:
    marked = re.findall(r"\bby ([\w ]+)\)$", logged_outline(), re.MULTILINE)
    assert marked == ["the order in its topic", "time", "time", "instance"]


def test_other_details_and_hooks_show_no_links() -> None:
    assert " by time" not in outline(boot(linked_by(step("rpc", "compute", side="server", name="build"), "time")))
    build = step("rpc", "compute", side="server", name="build")
    build.tied_by = "msg_id"
    assert "tied" not in outline(boot(build), "full")
