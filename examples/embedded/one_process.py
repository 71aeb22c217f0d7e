"""Nova in one process: boots on Nova's own functional-test fixtures, without a cloud around them."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from examples.embedded.boot import Boot
from examples.embedded.errors import EmbeddedError
from examples.embedded.release import INSIDE, Release, environment, find_release
from examples.embedded.service import Service, stop_all
from examples.embedded.wrapping import Wrapping

NAME = "one-process"


def boot_in_one_process(
    release: str | Release,
    state: Path,
    capture: Path | None = None,
    threads: str = "default",
    echo: bool = False,
    bootseq: Path | None = None,
    run_options: Sequence[str] = (),
    driver: str = "libvirt",
    servers: int = 1,
    at_once: bool = False,
    no_valid_host: bool = False,
    timeout: float = 300,
) -> list[Boot]:
    """Set Nova up, boot the servers, tear Nova down; the capture includes the set-up."""
    nova = find_release(release)
    chosen = nova.check_threads(threads)
    if chosen == "default":
        # The fixtures' own default is eventlet, even if the release's services run on native threads.
        chosen = nova.threads[0]
    if chosen == "native" and nova.eventlet_only:
        services = " and ".join(nova.eventlet_only)
        raise EmbeddedError(
            f"Nova {nova.name}'s {services} runs on eventlet only, and so must the one process it is in"
        )
    state = state.resolve()
    for name in ("logs", "pids"):
        (state / name).mkdir(parents=True, mode=0o700)
    switches = {"--at-once": at_once, "--no-valid-host": no_valid_host, "--echo": echo}
    command = [str(environment(nova)), str(INSIDE / "one_process.py"), "--state", str(state), "--driver", driver]
    command += ["--servers", str(servers), *(switch for switch, enabled in switches.items() if enabled)]
    wrapped = Wrapping(capture, bootseq, tuple(run_options)).wrap(command)
    _run(Service.start(NAME, wrapped, state, os.environ | nova.variables(NAME, chosen)), timeout)
    return [Boot(**json.loads(line)) for line in (state / "boots.jsonl").read_text().splitlines()]


def _run(service: Service, timeout: float) -> None:
    try:
        service.wait(timeout)
    finally:
        stop_all([service])
