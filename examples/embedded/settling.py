"""When a boot is over in the services too: its notification comes before the last things that they do for it."""

import time
from collections.abc import Sequence
from pathlib import Path

from examples.embedded.boot import Boot

#: Seconds; what has not ended by then is stopped as it is.
PATIENCE = 5.0
#: From a service's last log line to the end of the call that wrote it.
AFTERMATH = 0.1


def settle(state: Path, boots: Sequence[Boot], running: Sequence[str]) -> None:
    """Wait until compute has let go of the boots' instances and the scheduler has heard of them."""
    expected = [
        (state / "logs" / f"{service}.log", sign)
        for boot in boots
        if boot.state == "active"
        for service, sign in _signs(boot)
        if service in running
    ]
    deadline = time.monotonic() + PATIENCE
    while not all(_logged(log, sign) for log, sign in expected) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(AFTERMATH)


def _signs(boot: Boot) -> list[tuple[str, tuple[str, ...]]]:
    """The log lines, as services and words that stand in a line, of the locks that are released last."""
    return [
        ("nova-compute", (f'Lock "{boot.uuid}" "released"', "_locked_do_build_and_run_instance")),
        ("nova-scheduler", (boot.request_id, '"released"', "HostManager.update_instance_info")),
    ]


def _logged(log: Path, words: Sequence[str]) -> bool:
    with log.open(errors="replace") as lines:
        return any(all(word in line for word in words) for line in lines)
