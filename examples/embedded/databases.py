"""The SQLite databases of a release: synchronised once, cached, copied into each cloud's state folder."""

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from examples.embedded.broker import Files
from examples.embedded.building import cache, locked
from examples.embedded.config import database_sections, placement_sections, render
from examples.embedded.errors import EmbeddedError
from examples.embedded.release import INSIDE, Release

PLACEMENT_SYNC = "import sys; from placement.cmd.manage import main; sys.exit(main())"
NAMES = ("nova.sqlite", "nova_api.sqlite", "cell0.sqlite", "placement.sqlite")


def install_databases(release: Release, python: Path, folder: Path, broker: str, computes: Iterable[str]) -> None:
    """Copy the release's databases into `folder`, and store their new paths and the cell's broker in them."""
    source = _template(release, python)
    folder.mkdir(parents=True)
    for name in NAMES:
        shutil.copyfile(source / name, folder / name)
    with closing(sqlite3.connect(folder / "nova_api.sqlite")) as database, database:
        _move_cell(database, "cell0", folder / "cell0.sqlite")
        _move_cell(database, "cell1", folder / "nova.sqlite")
        # Clients of a cell's services read the broker from here, not from a config file.
        database.execute("UPDATE cell_mappings SET transport_url = ? WHERE name = 'cell1'", (broker,))
        # The rows that `nova-manage cell_v2 discover_hosts` would write; the hosts' names are known beforehand.
        database.executemany(
            "INSERT INTO host_mappings (created_at, cell_id, host) "
            "SELECT CURRENT_TIMESTAMP, id, ? FROM cell_mappings WHERE name = 'cell1'",
            [(host,) for host in computes],
        )


def _move_cell(database: sqlite3.Connection, name: str, path: Path) -> None:
    database.execute("UPDATE cell_mappings SET database_connection = ? WHERE name = ?", (f"sqlite:///{path}", name))


def _template(release: Release, python: Path) -> Path:
    # The contents depend on the installed packages and on the script that writes them.
    digest = hashlib.sha256(release.schema + (INSIDE / "prepare.py").read_bytes()).hexdigest()[:12]
    folder = cache() / f"databases-{release.name}-{digest}"
    with locked(cache() / f"databases-{release.name}.lock"):
        if not folder.exists():
            print(f"preparing Nova {release.name}'s databases in {folder} …", file=sys.stderr)
            _prepare(python, folder)
    return folder


def _prepare(python: Path, folder: Path) -> None:
    """Prepare the databases under a temporary name, and rename the folder when it is complete."""
    partial = folder.with_name(f"{folder.name}.partial-{os.getpid()}")
    partial.mkdir()
    log = folder.with_name(f"{folder.name}.log")
    nova, placement = partial / "nova.conf", partial / "placement.conf"
    nova.write_text(
        render({"DEFAULT": {"transport_url": Files.transport_url}} | database_sections(partial, echo=False))
    )
    placement.write_text(render(placement_sections(partial, echo=False)))
    commands = [
        [str(python), str(INSIDE / "prepare.py"), "--config-file", str(nova)],
        [str(python), "-c", PLACEMENT_SYNC, "--config-file", str(placement), "db", "sync"],
    ]
    with log.open("w") as file:
        running = [subprocess.Popen(sync, stdout=file, stderr=file, stdin=subprocess.DEVNULL) for sync in commands]
        codes = [process.wait() for process in running]
    if any(codes):
        raise EmbeddedError(f"nova-manage or placement-manage failed while creating the databases; their log: {log}")
    for name in NAMES:
        with closing(sqlite3.connect(partial / name)) as database:
            # A property of the file: readers and a writer do not block each other.
            database.execute("PRAGMA journal_mode = WAL")
    partial.rename(folder)
