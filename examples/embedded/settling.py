"""The wait for the end of a boot's work in the services, some of which follows the boot's notification."""

import time
from collections.abc import Sequence
from pathlib import Path

from examples.embedded.boot import Boot

#: Seconds after which unfinished work is stopped.
PATIENCE = 5.0
#: Seconds from a service's last log line to the end of the call that wrote it.
AFTERMATH = 0.1


def settle(state: Path, boots: Sequence[Boot], running: Sequence[str]) -> None:
    """Wait until compute has released the boots' instances and the scheduler has been informed of them."""
    expected = [
        (logs, sign)
        for boot in boots
        if boot.state == "active"
        for service, sign in _signs(boot)
        # There may be several computes, of which one has the instance.
        if (logs := [state / "logs" / f"{name}.log" for name in running if name.startswith(service)])
    ]
    deadline = time.monotonic() + PATIENCE
    while not all(_logged(logs, sign) for logs, sign in expected) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(AFTERMATH)


def _signs(boot: Boot) -> list[tuple[str, tuple[str, ...]]]:
    """Return the log lines of the locks that are released last, as services and words of a line."""
    return [
        ("nova-compute", (f'Lock "{boot.uuid}" "released"', "_locked_do_build_and_run_instance")),
        ("nova-scheduler", (boot.request_id, '"released"', "HostManager.update_instance_info")),
    ]


def _logged(logs: Sequence[Path], words: Sequence[str]) -> bool:
    for log in logs:
        with log.open(errors="replace") as lines:
            if any(all(word in line for word in words) for line in lines):
                return True
    return False
