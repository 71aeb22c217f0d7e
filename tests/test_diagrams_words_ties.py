"""How steps were tied, in words: all of a boot's in a line, the doubtful ones where they stand."""

from __future__ import annotations

import re

from diagrams.outline.outline import outline
from tests.support.builders import boot, log, rpc, sql, step
from tracer.model import Step


def tied(one: Step, by: str) -> Step:
    one.tied_by, one.witnesses = by, ("logs",)
    return one


def logged() -> str:
    children = [
        tied(sql("compute", "SELECT", "instances"), "request_id"),
        tied(sql("compute", "SELECT", "quotas"), "time"),
        tied(sql("compute", "UPDATE", "instances"), "time"),
        tied(log("compute", "hello"), "instance"),
        tied(rpc("compute", "conductor", "ping"), "request_id"),
    ]
    return outline(boot(tied(step("rpc", "compute", *children, side="server", name="build"), "topic_order")), "full")


def test_full_sums_up_how_steps_were_tied() -> None:
    assert (
        "# tied: log 1 by instance; rpc 1 by the order in its topic, 1 by request id; sql 2 by time, 1 by request id\n"
    ) in logged()


def test_full_marks_what_no_id_ties() -> None:
    marked = re.findall(r"\bby ([\w ]+)\)$", logged(), re.MULTILINE)
    assert marked == ["the order in its topic", "time", "time", "instance"]


def test_other_details_and_hooks_say_nothing_of_it() -> None:
    assert " by time" not in outline(boot(tied(step("rpc", "compute", side="server", name="build"), "time")))
    one = step("rpc", "compute", side="server", name="build")
    one.tied_by = "msg_id"
    assert "tied" not in outline(boot(one), "full")
