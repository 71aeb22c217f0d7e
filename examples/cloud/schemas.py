"""The filled databases: created once by the services' commands, stored as a dump per release, restored later."""

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from examples.cloud.database import dump, execute, recreate_schemas, restore
from examples.cloud.environments import HERE, lock_file
from examples.cloud.errors import CloudError
from examples.cloud.options import environment_names, parts_of, schemas_of, services_of
from examples.cloud.parts import Binaries
from examples.cloud.plan import COMPUTE_HOST, REGION, Plan
from examples.embedded.building import cache

KEYS = ("fernet-keys", "credential-keys")
# Nova fills these from the reading process's own configuration.
DATABASE = "{scheme}://{username}:{password}@{hostname}:{port}/%s?{query}"
BROKER = "{scheme}://{username}:{password}@{hostname}:{port}/"
# The row that `nova-manage cell_v2 discover_hosts` would write; the host's name is known beforehand.
HOST = (
    "INSERT INTO nova_api.host_mappings (created_at, cell_id, host) "
    f"SELECT NOW(), id, '{COMPUTE_HOST}' FROM nova_api.cell_mappings WHERE name = 'cell1'"
)


@dataclass(frozen=True)
class Schemas:
    """The databases of a plan's services."""

    plan: Plan
    binaries: Binaries

    @property
    def dump_folder(self) -> Path:
        """Return the dump's folder, named by the packages, the filling code, password and ports."""
        digest = hashlib.sha256(f"{self.plan.secret} {self.plan.port_base}".encode())
        locks = [lock_file(name) for name in environment_names(self.plan).values()]
        for path in (*locks, HERE / "schemas.py", HERE / "identity.py"):
            digest.update(path.read_bytes())
        accounts = [(service.account, service.kind) for service in services_of(self.plan) if service.account]
        digest.update(repr([accounts, schemas_of(self.plan)]).encode())
        return cache() / f"cloud-databases-{self.plan.release}-{digest.hexdigest()[:12]}"

    @property
    def _mark(self) -> Path:
        return self.plan.state / "mariadb" / "filled"

    def fill(self) -> bool:
        """Restore or create the databases; return whether they are new, to be stored by `keep` with the accounts."""
        if self._mark.exists():
            return False
        # The remains of a failed attempt.
        recreate_schemas(self.plan, schemas_of(self.plan))
        if not (self.dump_folder / "dump.sql").exists():
            self._make()
            return True
        restore(self.plan, self.dump_folder / "dump.sql")
        self._copy_keys(self.dump_folder, self.plan.state / "keystone")
        self._mark.touch()
        return False

    def keep(self) -> None:
        """Store a dump, under a temporary name until it is complete."""
        partial = self.dump_folder.with_name(f"{self.dump_folder.name}.partial-{os.getpid()}")
        partial.mkdir(mode=0o700)
        dump(self.plan, partial / "dump.sql", schemas_of(self.plan))
        self._copy_keys(self.plan.state / "keystone", partial)
        if self.dump_folder.exists():
            shutil.rmtree(partial)
        else:
            partial.rename(self.dump_folder)
        self._mark.touch()

    def _copy_keys(self, source: Path, target: Path) -> None:
        for name in KEYS:
            shutil.copytree(source / name, target / name, dirs_exist_ok=True)

    def _make(self) -> None:
        """Fill the databases of all families at once, each by its commands in order."""
        print("filling the databases; a dump is stored for later …", file=sys.stderr)
        (self.plan.state / "keystone").mkdir(exist_ok=True)
        running = {name: self._start(name, commands) for name, commands in self._all_commands().items()}
        failed = [name for name, process in running.items() if process.wait()]
        if failed:
            logs = " and ".join(str(self._log(name)) for name in failed)
            raise CloudError(f"the databases of {' and '.join(failed)} could not be created; their output: {logs}")
        execute(self.plan, HOST)

    def _start(self, name: str, commands: list[list[str]]) -> subprocess.Popen[bytes]:
        """Start a family's commands in a shell, one after another until one fails."""
        with self._log(name).open("wb") as log:
            return subprocess.Popen(
                ["sh", "-ec", "\n".join(map(shlex.join, commands))],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.plan.state,
            )

    def _log(self, name: str) -> Path:
        return self.plan.state / "logs" / f"databases-{name}.out"

    def _all_commands(self) -> dict[str, list[list[str]]]:
        commands = self._commands()
        for part in parts_of(self.plan):
            commands |= part.fill(self.plan, self.binaries)
        return commands

    def _commands(self) -> dict[str, list[list[str]]]:
        services = self.binaries["services"]
        keystone = [str(services / "keystone-manage"), "--config-file", str(self.plan.config_file("keystone"))]
        root = ["--keystone-user", "root", "--keystone-group", "root"]
        url = self.plan.url("keystone")
        urls = [f"--bootstrap-{kind}-url={url}" for kind in ("admin", "internal", "public")]
        nova = [
            str(self.binaries["nova"] / "nova-manage"),
            "--config-file",
            str(self.plan.config_file("nova-conductor")),
        ]
        return {
            "keystone": [
                [*keystone, "db_sync"],
                [*keystone, "fernet_setup", *root],
                [*keystone, "credential_setup", *root],
                [
                    *keystone,
                    "bootstrap",
                    f"--bootstrap-password={self.plan.secret}",
                    f"--bootstrap-region-id={REGION}",
                    *urls,
                ],
            ],
            "glance": [[*self._manage("glance"), "db", "sync"]],
            "placement": [[*self._manage("placement"), "db", "sync"]],
            "neutron": [
                [
                    str(services / "neutron-db-manage"),
                    "--config-file",
                    str(self.plan.config_file("neutron")),
                    "upgrade",
                    "heads",
                ]
            ],
            "nova": [
                [*nova, "api_db", "sync"],
                [*nova, "cell_v2", "map_cell0", "--database_connection", DATABASE % "nova_cell0"],
                [*nova, "db", "sync"],
                [
                    *(*nova, "cell_v2", "create_cell", "--name", "cell1"),
                    *("--database_connection", DATABASE % "nova_cell1", "--transport-url", BROKER),
                ],
            ],
        }

    def _manage(self, name: str) -> list[str]:
        return [str(self.binaries["services"] / f"{name}-manage"), "--config-file", str(self.plan.config_file(name))]
