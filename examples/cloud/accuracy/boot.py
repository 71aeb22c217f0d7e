"""One boot under the hooks while all witnesses that are not bootseq's look on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from examples.cloud import shell
from examples.cloud.accuracy.switch import SWITCHED, switch
from examples.cloud.config import broker_url
from examples.cloud.environments import environment
from examples.cloud.errors import CloudError
from examples.cloud.plan import Plan

_FIREHOSE = Path(__file__).resolve().parents[1] / "inside" / "firehose.py"
# Seconds: what a service writes after its answer, and the broker's last copies.
_SETTLE = 3.0


def recorded(plan: Plan, name: str) -> tuple[list[str], Path]:
    """The command that goes into the running services for one boot, and the capture that it leaves."""
    file = plan.state / "truth" / f"{name}.trace.jsonl.gz"
    file.parent.mkdir(exist_ok=True)
    return ["record", "--keep", "-o", str(file)], file.with_name(f"{file.name}.capture")


def boot(plan: Plan, how: list[str], name: str, network: str) -> None:
    """All witnesses on, one boot by the client under the hooks (`how` is bootseq's own command for it), all off."""
    log = plan.log("firehose")
    variables = os.environ | shell.client_variables(plan)
    client = [str(plan.state / "bin" / "openstack"), *shell.create_arguments(name, network), "--wait"]
    reader = None
    # A log of this boot alone: after a restart the server counts its connections anew.
    switch(plan, "mariadb", on=False)
    for each in ("mariadb-general", "mariadb-connections"):
        plan.log(each).unlink(missing_ok=True)
    try:
        for each in SWITCHED:
            switch(plan, each, on=True)
        reader = _read_firehose(plan, log)
        hooked = [sys.executable, "-m", "tracer", *how, "--", *client]
        done = subprocess.run(hooked, check=False, env=variables, capture_output=True, text=True)
        time.sleep(_SETTLE)
    finally:
        for each in SWITCHED:
            switch(plan, each, on=False)
        if reader is not None:
            reader.send_signal(signal.SIGTERM)
            reader.wait()
    if done.returncode:
        raise CloudError(f"no server {name}: {done.stderr.strip()[-300:]}")


def _read_firehose(plan: Plan, log: Path) -> subprocess.Popen[bytes]:
    """Started and bound: what is published from now on stands in `log`."""
    with log.open("wb") as output:
        command = [str(environment("services") / "python"), str(_FIREHOSE)]
        variables = os.environ | {"FIREHOSE_URL": broker_url(plan).replace("rabbit:", "amqp:", 1)}
        reader = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=variables)
    while b"ready" not in log.read_bytes():
        if reader.poll() is not None:
            raise CloudError(f"the firehose's reader ended: {log.read_text()[-300:]}")
        time.sleep(0.1)
    return reader
