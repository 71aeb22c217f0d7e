"""A boot under the hooks, recorded by all independent witnesses at the same time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from examples.cloud.accuracy.monitors import watching
from examples.cloud.accuracy.switch import SWITCHED, switch
from examples.cloud.boots import Boot
from examples.cloud.config import broker_url
from examples.cloud.environments import environment
from examples.cloud.errors import CloudError
from examples.cloud.plan import Plan
from examples.cloud.shell import client_variables

_FIREHOSE = Path(__file__).resolve().parents[1] / "inside" / "firehose.py"
# Seconds for a service's last lines after its answer, and the broker's last copies.
_SETTLE = 3.0


def recorded(plan: Plan, name: str) -> tuple[list[str], Path]:
    """Return bootseq's arguments to record one boot of the running services, and the resulting capture."""
    file = plan.state / "truth" / f"{name}.trace.jsonl.gz"
    file.parent.mkdir(exist_ok=True)
    return ["record", "--keep", "-o", str(file)], file.with_name(f"{file.name}.capture")


def record(plan: Plan, how: list[str], boot: Boot) -> None:
    """Switch all witnesses on, boot by the client under the hooks (`how` are bootseq's arguments), switch them off."""
    log = plan.log("firehose")
    variables = os.environ | client_variables(plan)
    client = boot.command(plan)
    reader = None
    # A log of this boot only: after a restart the server's connection numbers start again.
    switch(plan, "mariadb", on=False)
    for log_name in ("mariadb-general", "mariadb-connections"):
        plan.log(log_name).unlink(missing_ok=True)
    try:
        for witness in SWITCHED:
            switch(plan, witness, on=True)
        reader = _read_firehose(plan, log)
        hooked = [sys.executable, "-m", "tracer", *how, "--", *client]
        with watching(plan):
            done = subprocess.run(hooked, check=False, env=variables, capture_output=True, text=True)
            time.sleep(_SETTLE)
    finally:
        for witness in SWITCHED:
            switch(plan, witness, on=False)
        if reader is not None:
            reader.send_signal(signal.SIGTERM)
            reader.wait()
    if done.returncode:
        raise CloudError(f"no server {boot.name}: {done.stderr.strip()[-300:]}")


def _read_firehose(plan: Plan, log: Path) -> subprocess.Popen[bytes]:
    """Start the firehose's reader, and return when it is bound: messages from now on are written to `log`."""
    with log.open("wb") as output:
        command = [str(environment("services") / "python"), str(_FIREHOSE)]
        variables = os.environ | {"FIREHOSE_URL": broker_url(plan).replace("rabbit:", "amqp:", 1)}
        reader = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=variables)
    while b"ready" not in log.read_bytes():
        if reader.poll() is not None:
            raise CloudError(f"the firehose's reader ended: {log.read_text()[-300:]}")
        time.sleep(0.1)
    return reader
