"""MariaDB, with a data folder, a socket and a port of its own, and SQL sent to it as its root."""

import os
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from examples.cloud.errors import CloudError
from examples.cloud.packages import find_command
from examples.cloud.parts import Service
from examples.cloud.plan import Plan
from examples.cloud.process import Process

START_TIMEOUT = 120.0


def start_database(plan: Plan) -> Process:
    folder = plan.state / "mariadb"
    process = Process(plan, "mariadb")
    if not (folder / "complete").exists():
        _make_data(plan, folder)
    process.start(
        [
            find_command("mariadbd"),
            "--no-defaults",
            "--user=root",
            f"--datadir={folder / 'data'}",
            f"--socket={folder / 'socket'}",
            "--bind-address=127.0.0.1",
            f"--port={plan.port('mariadb')}",
            f"--pid-file={folder / 'pid'}",
            f"--log-error={plan.log('mariadb')}",
            # Switched on and off by `witness`.
            f"--general-log-file={plan.log('mariadb-general')}",
            "--max-connections=600",
            "--innodb-flush-log-at-trx-commit=0",
            "--character-set-server=utf8mb3",
            "--skip-name-resolve",
        ]
    )
    return process


def wait_for_database(plan: Plan, services: Iterable[Service], schemas: Sequence[str]) -> None:
    """Wait for the server, and create the services' accounts in it."""
    Process(plan, "mariadb").wait(lambda: _run(plan, "SELECT 1").returncode == 0, START_TIMEOUT)
    for service in services:
        if not service.database:
            continue
        account = f"'{service.name}'@'127.0.0.1'"
        grants = [f"GRANT ALL ON {name}.* TO {account};" for name in schemas if name.startswith(service.database)]
        execute(plan, f"CREATE USER IF NOT EXISTS {account} IDENTIFIED BY '{plan.secret}';" + "".join(grants))


def recreate_schemas(plan: Plan, schemas: Iterable[str]) -> None:
    execute(plan, "".join(f"DROP DATABASE IF EXISTS {name}; CREATE DATABASE {name};" for name in schemas))


def execute(plan: Plan, sql: str) -> str:
    done = _run(plan, sql)
    if done.returncode:
        raise CloudError(f"mariadb refused: {done.stderr.strip().splitlines()[-1]}; its log: {plan.log('mariadb')}")
    return done.stdout


def client_options(plan: Plan) -> list[str]:
    return ["--no-defaults", f"--socket={plan.state / 'mariadb' / 'socket'}", "--user=root"]


def dump(plan: Plan, path: Path, schemas: Iterable[str]) -> None:
    with path.open("wb") as file:
        command = [find_command("mariadb-dump"), *client_options(plan), "--single-transaction", "--databases", *schemas]
        done = subprocess.run(command, check=False, stdout=file, stderr=subprocess.PIPE)
    if done.returncode:
        raise CloudError(f"mariadb-dump failed: {done.stderr.decode(errors='replace').strip()}")


def restore(plan: Plan, path: Path) -> None:
    with path.open("rb") as file:
        command = [find_command("mariadb"), *client_options(plan)]
        done = subprocess.run(command, check=False, stdin=file, stderr=subprocess.PIPE)
    if done.returncode:
        raise CloudError(f"{path} could not be restored: {done.stderr.decode(errors='replace').strip()}; remove it")


def _run(plan: Plan, sql: str) -> subprocess.CompletedProcess[str]:
    command = [find_command("mariadb"), *client_options(plan), "--batch", "--skip-column-names"]
    return subprocess.run(command, check=False, input=sql, capture_output=True, text=True)


def _make_data(plan: Plan, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    log = plan.state / "logs" / "mariadb-install.out"
    command = [
        find_command("mariadb-install-db"),
        "--no-defaults",
        "--user=root",
        f"--datadir={folder / 'data'}",
        "--skip-test-db",
        "--auth-root-authentication-method=socket",
    ]
    with log.open("wb") as file:
        done = subprocess.run(command, check=False, stdout=file, stderr=file, env=os.environ, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise CloudError(f"mariadb-install-db failed; its output: {log}")
    (folder / "complete").touch()
