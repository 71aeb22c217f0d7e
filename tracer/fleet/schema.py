"""The columns of the fleet's tables, and the version of its folder."""

from __future__ import annotations

#: The format of a store, in its fleet.json.
FORMAT = "bootseq-fleet"
FORMAT_VERSION = 1

#: A row a boot and key, sorted by both. Times are microseconds; ``longest_us`` is null where ``n`` is 1.
STEPS = {
    "key": "BIGINT", "boot": "BIGINT", "part": "BIGINT", "release": "VARCHAR", "host": "VARCHAR",
    "witnesses": "VARCHAR", "n": "INTEGER", "total_us": "BIGINT", "self_us": "BIGINT", "longest_us": "BIGINT",
    "first_us": "BIGINT", "errors": "INTEGER", "unfinished": "INTEGER",
}  # fmt: skip
#: A row a boot. ``added`` and ``started`` are UTC; ports, volumes, image and flavor are null where unknown.
BOOTS = {
    "boot": "BIGINT", "part": "BIGINT", "added": "TIMESTAMP", "uuid": "VARCHAR", "request_id": "VARCHAR",
    "server": "VARCHAR", "started": "TIMESTAMP", "release": "VARCHAR", "host": "VARCHAR", "witnesses": "VARCHAR",
    "operation": "VARCHAR", "outcome": "VARCHAR", "error": "VARCHAR", "dur_us": "BIGINT", "steps": "INTEGER",
    "sql": "INTEGER", "http": "INTEGER", "rpc": "INTEGER", "call": "INTEGER", "log": "INTEGER",
    "ports": "INTEGER", "volumes": "INTEGER", "image": "VARCHAR", "flavor": "VARCHAR",
    "traits": "MAP(VARCHAR, VARCHAR)", "source": "VARCHAR",
}  # fmt: skip
#: A row a key; a file has those that the store did not have before.
KEYS = {
    "key": "BIGINT", "parent": "BIGINT", "kind": "VARCHAR", "service": "VARCHAR", "name": "VARCHAR",
    "depth": "INTEGER",
}  # fmt: skip
#: The columns of a boot that count steps of a kind.
COUNTED = ("sql", "http", "rpc", "call", "log")


def columns(table: dict[str, str]) -> str:
    """Return the columns as SQL for CREATE TABLE."""
    return ", ".join(f"{name} {kind}" for name, kind in table.items())
