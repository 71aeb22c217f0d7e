"""The launcher of a service of the embedded cloud in Nova's own Python.

Usage: launch.py SERVICE --config-file STATE/etc/SERVICE/FILE [--host ADDRESS --port PORT] [--volume-port PORT]
"""

import argparse
import ctypes
import importlib
import os
import signal
import sys
import threading
from pathlib import Path

# Last on the path, and under the single name `inside`: no file of ours can shadow a module of Nova's.
sys.path[0:1] = []
sys.path.append(str(Path(__file__).resolve().parents[1]))

COMMANDS = {
    "nova-conductor": "nova.cmd.conductor",
    "nova-scheduler": "nova.cmd.scheduler",
    "nova-compute": "nova.cmd.compute",
}
PR_SET_PDEATHSIG = 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("service")
    parser.add_argument("--config-file", type=Path, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int)
    parser.add_argument("--volume-port", type=int)
    options = parser.parse_args()
    # A killed test run leaves no services behind; a master's workers end by themselves.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if options.service in COMMANDS:
        run_command(options.service, options.config_file)
    else:
        if options.volume_port:
            volumes = (options.config_file, (options.host, options.volume_port))
            threading.Thread(target=serve_volumes, args=volumes, daemon=True).start()
        serve_application(options.service, options.config_file, (options.host, options.port))


def serve_volumes(config, address):
    from inside import volumes, web

    web.serve(volumes.application, address, config.parents[2] / "logs" / "volume-access.log")


def run_command(service, config):
    """Run the command as the console script of that name does."""
    sys.argv = [service, "--config-file", str(config)]
    # Importing the command does the eventlet patching, or forbids it: everything else must follow it.
    command = importlib.import_module(COMMANDS[service])
    install(config.parents[2])
    if service == "nova-compute":
        from inside import driver

        driver.install(config.parents[2] / "journal.jsonl")
    sys.exit(command.main())


def serve_application(service, config, address):
    sys.argv = [service]
    state = config.parents[2]
    application = {"nova-api": nova_api, "placement": placement, "stub": stub}[service](config)
    # Only now: the application's import may have patched the socket module.
    from inside import web

    web.serve(application, address, state / "logs" / f"{service}-access.log")


def nova_api(config):
    os.environ["OS_NOVA_CONFIG_DIR"] = str(config.parent)
    from nova import monkey_patch

    # Since 33 the WSGI module of a service patches, as here; before, the import of nova.api.openstack does.
    patch = getattr(monkey_patch, "patch", None)
    by_call = patch is not None and patch.__code__.co_argcount == 1
    if by_call:
        patch(backend="threading")
    from nova.api.openstack import wsgi_app

    install(config.parents[2])
    return wsgi_app.init_application(*(["osapi_compute", "nova-api-os-compute"] if by_call else ["osapi_compute"]))


def placement(config):
    os.environ["OS_PLACEMENT_CONFIG_DIR"] = str(config.parent)
    from placement import wsgi

    from inside import sqlite

    sqlite.install()
    return wsgi.init_application()


def stub(config):
    from inside import stub

    return stub.application


def install(state):
    from inside import files, journal, sqlite

    files.install(state / "broker", state / "messages")
    sqlite.install()
    journal.install(state / "journal.jsonl")


if __name__ == "__main__":
    main()
