"""Clocks that contradict cause and effect where logs hold no messages: reported with hosts and size, not corrected."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.support.log_traces import DIABLO, nova34, trace
from tracer.notices import Code, code_of

INSTANCE = "7a7a7a7a-0000-4000-8000-000000000005"
PORT = "9c9c9c9c-0000-4000-8000-000000000001"
_STAMP = re.compile(r"(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}")
_EVENT = "[req-0a1b2c3d-1111-4aaa-8bbb-00000000000a n s - default default]"
_IDS = "[req-0a1b2c3d-1111-4aaa-8bbb-000000000009 u p - default default]"
_ABOUT = f"{_IDS} [instance: {INSTANCE}]"
#: What each service of Nova 32 logs at INFO of a boot whose first host fails.
RESCHEDULED = {
    "nova-api.log": f"""\
2025-03-01 10:00:00.500 101 INFO nova.osapi_compute.wsgi.server {_IDS} 192.0.2.10 "POST /v2.1/servers HTTP/1.1" \
status: 202 len: 500 time: 0.5
""",
    "nova-compute.log": f"""\
2025-03-01 10:00:01.500 202 INFO nova.compute.claims {_ABOUT} Claim successful on node cmp1
2025-03-01 10:00:09.500 202 ERROR nova.compute.manager {_ABOUT} Instance failed to spawn: OSError: no space
""",
    "nova-conductor.log": f"""\
2025-03-01 10:00:09.800 303 ERROR nova.scheduler.utils {_ABOUT} Error from last host: cmp1 (node cmp1): ['Traceback']
""",
}
#: The same of a boot that succeeds.
ACTIVE = {
    "nova-api.log": RESCHEDULED["nova-api.log"] + f"""\
2025-03-01 10:00:05.000 101 INFO nova.api.openstack.compute.server_external_events {_EVENT} \
Creating event network-vif-plugged:{PORT} for instance {INSTANCE} on cmp1
2025-03-01 10:00:05.010 101 INFO nova.osapi_compute.wsgi.server {_EVENT} 192.0.2.11 \
"POST /v2.1/os-server-external-events HTTP/1.1" status: 200 len: 500 time: 0.05
""",
    "nova-compute.log": f"""\
2025-03-01 10:00:01.500 202 INFO nova.compute.claims {_ABOUT} Claim successful on node cmp1
2025-03-01 10:00:09.500 202 INFO nova.compute.manager {_ABOUT} Took 8.0 seconds to build instance.
""",
}  # fmt: skip


def shifted(text: str, seconds: float) -> str:
    """Return a log by a clock that is ahead by some seconds."""

    def shift(match: re.Match[str]) -> str:
        return (datetime.fromisoformat(match[0]) + timedelta(seconds=seconds)).isoformat(" ", "milliseconds")

    return _STAMP.sub(shift, text)


def contradictions(folder: Path, logs: dict[str, str], ahead: float) -> list[str]:
    """Return the warnings about clocks where the compute's is ahead by so many seconds."""
    for name, text in logs.items():
        (folder / name).write_text(shifted(text, ahead) if "compute" in name else text)
    warnings = trace(*(folder / name for name in logs)).warnings
    return [warning for warning in warnings if code_of(warning) is Code.CLOCK_CONTRADICTED]


@pytest.mark.parametrize("logs", [RESCHEDULED, ACTIVE])
@pytest.mark.parametrize("ahead", [0.0, 1.5, -1.0])
def test_clocks_that_may_agree_are_no_contradiction(tmp_path: Path, logs: dict[str, str], ahead: float) -> None:
    assert contradictions(tmp_path, logs, ahead) == []


@pytest.mark.parametrize(
    ("logs", "ahead", "size", "effect"),
    [
        (RESCHEDULED, 30, "29.700", "Error from last host"), (RESCHEDULED, -30, "28.500", "Claim successful"),
        (ACTIVE, 30, "26.500", "Creating event network-vif-plugged"), (ACTIVE, -30, "28.500", "Claim successful"),
    ],
)  # fmt: skip
def test_a_wrong_clock_is_reported_with_services_and_size(
    tmp_path: Path, logs: dict[str, str], ahead: float, size: str, effect: str
) -> None:
    (warning,) = contradictions(tmp_path, logs, ahead)
    first, second = ("compute (nova-compute.log)", "") if ahead > 0 else ("API (nova-api.log)", "compute (")
    assert warning.startswith(f"the clock of {first} is at least {size} s ahead of that of {second}")
    assert effect in warning.partition("not corrected")[2].partition("earlier than its cause")[0]


def test_a_whole_zone_names_the_option(tmp_path: Path) -> None:
    (warning,) = contradictions(tmp_path, ACTIVE, 7200)
    assert warning.endswith("; another time zone? see --utc-offset")


def test_a_failure_on_the_last_host_is_not_that_of_the_first(tmp_path: Path) -> None:
    """The log of the first host is missing; another one begins after it failed, and fails for good."""
    logs = RESCHEDULED | {"nova-compute.log": shifted(RESCHEDULED["nova-compute.log"], 20).replace("cmp1", "cmp2")}
    assert contradictions(tmp_path, logs, 0) == []


def test_real_boots_contradict_nothing(tmp_path: Path) -> None:
    for folder in (DIABLO, nova34(tmp_path)):
        assert [
            text for text in trace(*folder.glob("*.log")).warnings if code_of(text) is Code.CLOCK_CONTRADICTED
        ] == []
