"""Seeded boots of a site, made from real ones, with planted faults; written as a store by the engine itself.

Noise as measured on real Novas: a step's time is log-normal with a sigma of 0.2 to 0.9, 1 % of the values are three
times as far out, and hosts, days and boots have effects that all of a boot's steps share.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tests.support.real_boots import DATA
from tracer import trace_file
from tracer.fleet import rows, schema, segments
from tracer.fleet.batches import append, write_boots, write_keys, write_steps
from tracer.fleet.engine import connect
from tracer.fleet.keys import Key, digest
from tracer.fleet.rows import BootRows
from tracer.fleet.store import Store, created

GALLERY = DATA.parents[1] / "examples" / "gallery" / "boots.trace.jsonl.gz"
FIRST = date(2026, 9, 1)
OLD, NEW = "34.0.0", "35.0.0"
SLOW_HOST = "compute07"
#: The step below which the steps of ports and late failures are planted.
_BUILD = "_do_build_and_run_instance()"
#: Steps of a port: kind, name, self time in µs, number a port in the old and in the new release.
_PORT = (
    ("http", "GET /v2.0/ports/{id} →", 9000, 1, 1),
    ("http", "PUT /v2.0/ports/{id} →", 14000, 1, 1),
    ("sql", "INSERT virtual_interfaces", 900, 1, 1),
    ("sql", "SELECT virtual_interfaces", 500, 1, 2),
    ("sql", "UPDATE instance_info_caches", 1100, 1, 2),
)
_LATE = (("call", "compute/manager.py.ComputeManager -> _cleanup_allocated_networks()"), ("sql", "DELETE leases"))
_SERVER = ("http", "GET /allocations/{id} →", 2500)


@dataclass(slots=True)
class Planted:
    """The faults of a generated store: keys, and the uuids of the odd boots."""

    slow: list[int] = field(default_factory=list)
    slow_day: date = FIRST
    host: list[int] = field(default_factory=list)
    failing: list[int] = field(default_factory=list)
    port_sql: list[int] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Site:
    """The size of a store, its seed, and whether anything is planted in it."""

    boots: int
    days: int = 60
    hosts: int = 20
    seed: int = 1
    planted: bool = True


@dataclass(slots=True)
class _Line:
    """A key of a template: number of occurrences apart from those by ports and servers, and its times in µs."""

    n: int
    alone: int
    total: int
    first: int
    errors: int
    per_port: tuple[int, int] = (0, 0)
    per_server: int = 0
    only_new: bool = False


def generate(path: Path, site: Site) -> Planted:
    """Write the store; return what is planted in it."""
    templates, keys, durations = _templates()
    planted = _choose(templates, keys) if site.planted else Planted()
    with created(path) as store, connect("4GB") as connection:
        write_keys(store, keys.values())
        _load(connection, site, templates, planted, durations)
        for day in _days(site):
            _write_day(connection, store, day, site)
        odd = connection.execute("SELECT uuid FROM site_boots WHERE odd ORDER BY uuid").fetchall()
    planted.slow_day = FIRST + timedelta(days=site.days // 2)
    planted.odd = [uuid for (uuid,) in odd]
    return planted


def _days(site: Site) -> Iterator[date]:
    return (FIRST + timedelta(days=number) for number in range(site.days))


def _templates() -> tuple[dict[str, dict[int, _Line]], dict[int, Key], dict[str, int]]:
    """Return for each kind of boot its lines by key, all keys, and the durations."""
    boots = {boot.server: rows.rows_of(boot, "", {}) for boot in trace_file.read(GALLERY).boots}
    real = {"image": boots["vm1"], "volume": boots["vm3"], "fail": boots["vm4"]}
    keys = {number: key for boot in real.values() for number, key in boot.keys.items()}
    templates = {kind: _lines(boot) for kind, boot in real.items()}
    build = next(key for key in keys.values() if key.name.endswith(_BUILD))
    for kind in ("image", "volume"):
        _add_ports(templates[kind], keys, build)
    templates["late"] = {number: _Line(**_copy(line)) for number, line in templates["image"].items()}
    for kind, name in (
        ("call", "compute/manager.py.ComputeManager -> _cleanup_allocated_networks()"),
        ("sql", "DELETE leases"),
    ):
        key = _below(keys, build, kind, name)
        templates["late"][key.number] = _Line(1, 3000, 3000, 900_000, 0)
    templates["late"][build.number].errors = 1
    durations = {kind: boot.boot["dur_us"] for kind, boot in real.items()}
    return templates, keys, durations | {"late": durations["image"]}


def _copy(line: _Line) -> dict[str, Any]:
    return {name: getattr(line, name) for name in _Line.__slots__}


def _lines(boot: BootRows) -> dict[int, _Line]:
    return {number: _Line(row.n, row.alone, row.total, row.first, row.errors) for number, row in boot.steps.items()}


def _add_ports(lines: dict[int, _Line], keys: dict[int, Key], build: Key) -> None:
    for kind, name, alone, old, new in _PORT:
        key = _below(keys, build, kind, name)
        lines[key.number] = _Line(0, alone, alone, 800_000, 0, per_port=(old, new))
    kind, name, alone = _SERVER
    lines[_below(keys, build, kind, name).number] = _Line(1, alone, alone, 700_000, 0, per_server=1)


def _below(keys: dict[int, Key], above: Key, kind: str, name: str) -> Key:
    number = digest(str(above.number), "compute", kind, name)
    return keys.setdefault(number, Key(number, above.number, kind, "compute", name, above.depth + 1))


def _choose(templates: dict[str, dict[int, _Line]], keys: dict[int, Key]) -> Planted:
    """Choose the steps that become slower, and those of the slow host."""
    image, volume = templates["image"], templates["volume"]
    both = sorted(
        number for number in image if number in volume and image[number].alone > 2000 and image[number].n == 1
    )
    named = [number for number, key in keys.items() if key.name.startswith("PUT /allocations") and number in both]
    slow = [named[0] if named else both[0], both[len(both) // 2]]
    saves = [n for n in both if keys[n].service == "compute" and n not in slow][:3]
    fail = [n for kind in ("fail", "late") for n in templates[kind] if n not in image and n not in volume]
    sql = [
        n
        for n in image
        if image[n].per_port != (0, 0) and keys[n].kind == "sql" and image[n].per_port[0] != image[n].per_port[1]
    ]
    return Planted(slow=slow, host=saves, failing=fail, port_sql=sql)


_SITE_BOOTS = """
CREATE TABLE site_boots AS
WITH u AS (
    SELECT i, {u_day} AS u_day, {u_host} AS u_host, {u_kind} AS u_kind, {u_ports} AS u_ports, {u_servers} AS u_servers,
        {u_volumes} AS u_volumes, {u_odd} AS u_odd, {u_second} AS u_second, {z_load} AS z_load,
        md5(concat('{seed}-', i)) AS digest
    FROM range({boots}) r(i)),
b AS (
    SELECT *, CAST(floor(u_day * {days}) AS INTEGER) AS day_number,
        CAST(floor(u_host * {hosts}) AS INTEGER) AS host_number,
        CASE WHEN u_kind < 0.80 THEN 'image' WHEN u_kind < 0.95 THEN 'volume' WHEN u_kind < 0.98 THEN 'fail'
            ELSE 'late' END AS kind
    FROM u)
SELECT CAST(concat('0x', substr(digest, 1, 15)) AS BIGINT) AS boot,
    concat(substr(digest, 1, 8), '-', substr(digest, 9, 4), '-', substr(digest, 13, 4), '-', substr(digest, 17, 4), '-',
        substr(digest, 21, 12)) AS uuid,
    i, day_number, kind, DATE '{first}' + day_number AS day, printf('compute%02d', host_number) AS host,
    CASE WHEN day_number >= {release_day} THEN '{new}' ELSE '{old}' END AS release,
    CASE WHEN kind = 'fail' THEN 0 WHEN u_ports < 0.1 THEN 0 WHEN u_ports < 0.6 THEN 1 WHEN u_ports < 0.8 THEN 2
        WHEN u_ports < 0.9 THEN 3 ELSE 4 END AS ports,
    CASE WHEN kind = 'volume' THEN 1 ELSE 0 END AS volumes, CAST(floor(u_servers * 21) AS INTEGER) AS servers,
    {planted} AND kind IN ('image', 'volume') AND u_odd < 0.001 AS odd, u_second AS second,
    0.09 * z_load + 0.10 * {z_host} + 0.08 * {z_host_day} AS effect
FROM b
"""
_STEPS = """
WITH t AS (
    SELECT b.*, l.key AS key, l.alone AS alone, l.total AS total, l.first AS first, l.errors AS errors,
        l.sigma AS sigma, l.slow AS slow, l.host_slow AS host_slow, l.odd_key AS odd_key,
        l.n + CASE WHEN b.release = '{new}' THEN l.port_new ELSE l.port_old END * b.ports
            + l.per_server * b.servers AS n
    FROM site_boots b JOIN lines l ON b.kind = l.kind WHERE b.day = DATE '{day}'),
v AS (
    SELECT *, exp(sigma * z * CASE WHEN tail < 0.01 THEN 3 ELSE 1 END + effect)
        * CASE WHEN slow AND day_number >= {slow_day} THEN 1.2 ELSE 1 END
        * CASE WHEN host_slow AND host = '{slow_host}' THEN 1.6 ELSE 1 END
        * CASE WHEN odd AND odd_key THEN 50 ELSE 1 END AS factor
    FROM (SELECT *, {z_step} AS z, {u_tail} AS tail FROM t WHERE n > 0))
SELECT key, boot, {part}::BIGINT AS part, release, host, 'hooks' AS witnesses, n::INTEGER AS n,
    CASE WHEN total = 0 THEN 0 ELSE
        (alone * n / greatest(n0, 1) * factor + (total - alone) * exp(effect))::BIGINT END AS total_us,
    CASE WHEN alone = 0 THEN 0 ELSE (alone * n / greatest(n0, 1) * factor)::BIGINT END AS self_us,
    CASE WHEN n = 1 THEN NULL ELSE (total / n)::BIGINT END AS longest_us, first AS first_us,
    errors::INTEGER AS errors, 0::INTEGER AS unfinished
FROM (SELECT v.*, CASE WHEN l.n > 0 THEN l.n ELSE 1 END AS n0 FROM v JOIN lines l ON l.kind = v.kind AND l.key = v.key)
"""
_BOOTS = """
SELECT b.boot, {part}::BIGINT AS part, TIMESTAMP '2026-12-01' AS added, b.uuid, concat('req-', b.uuid) AS request_id,
    concat('vm', b.i) AS server, b.day::TIMESTAMP + to_seconds(floor(b.second * 86400)::INTEGER) AS started, b.release,
    b.host, 'hooks' AS witnesses, 'boot' AS operation,
    CASE WHEN b.kind IN ('fail', 'late') THEN 'error' ELSE 'active' END AS outcome,
    CASE b.kind WHEN 'fail' THEN 'NoValidHost' WHEN 'late' THEN 'BuildAbortException' END AS error,
    (d.duration * exp(b.effect) + CASE WHEN b.odd THEN s.excess ELSE 0 END)::BIGINT AS dur_us, s.steps, s.sql, s.http,
    s.rpc, s.call, s.log, b.ports, b.volumes, CASE WHEN b.kind = 'volume' THEN '' ELSE 'image' END AS image,
    '1' AS flavor, MAP {{'servers': b.servers::VARCHAR}} AS traits, 'generated' AS source
FROM site_boots b JOIN durations d ON d.kind = b.kind JOIN (
    SELECT boot, sum(n)::INTEGER AS steps, max(CASE WHEN l.odd_key THEN s.self_us ELSE 0 END) AS excess, {counted}
    FROM day_steps s JOIN (SELECT DISTINCT key, step_kind, odd_key FROM lines) l USING (key) GROUP BY boot) s
    ON s.boot = b.boot
"""


#: What is drawn for each boot.
_DRAWN = ("day", "host", "kind", "ports", "servers", "volumes", "odd", "second")


def _uniform(salt: str, *of: str) -> str:
    return f"((hash(concat_ws('-', '{salt}', {', '.join(of)})) >> 11) + 0.5) / 9007199254740992.0"


def _normal(salt: str, *of: str) -> str:
    return f"(sqrt(-2 * ln({_uniform(salt + 'r', *of)})) * cos(6.283185307179586 * {_uniform(salt + 'a', *of)}))"


def _load(
    connection: Any, site: Site, templates: dict[str, dict[int, _Line]], planted: Planted, durations: dict[str, int]
) -> None:
    """Create the tables of the boots, of the templates' lines and of the durations."""
    seed = f"'{site.seed}'"
    connection.execute(_SITE_BOOTS.format(
        **{f"u_{name}": _uniform(name, seed, "i") for name in _DRAWN},
        z_load=_normal("load", seed, "i"), z_host=_normal("host", seed, "host_number"),
        z_host_day=_normal("hostday", seed, "host_number", "day_number"), seed=site.seed, boots=site.boots,
        days=site.days, hosts=site.hosts, first=FIRST, release_day=site.days * 2 // 3, old=OLD,
        new=NEW if site.planted else OLD,
        planted=str(site.planted).lower(),
    ))  # fmt: skip
    connection.execute(
        "CREATE TABLE lines (kind VARCHAR, key BIGINT, n INTEGER, alone BIGINT, total BIGINT, first BIGINT,"
        " errors INTEGER, port_old INTEGER, port_new INTEGER, per_server INTEGER, sigma DOUBLE, slow BOOLEAN,"
        " host_slow BOOLEAN, odd_key BOOLEAN, step_kind VARCHAR)"
    )
    kinds = _kinds(templates)
    longest = max(templates["image"], key=lambda number: templates["image"][number].alone)
    append(connection, "lines", [
        (kind, number, line.n, line.alone, line.total, line.first, line.errors, *line.per_port, line.per_server,
         _sigma(number, planted), number in planted.slow, number in planted.host, number == longest, kinds[number])
        for kind, lines in templates.items() for number, line in lines.items()
    ])  # fmt: skip
    connection.execute("CREATE TABLE durations (kind VARCHAR, duration BIGINT)")
    append(connection, "durations", list(durations.items()))


def _kinds(templates: dict[str, dict[int, _Line]]) -> dict[int, str]:
    _, keys, _ = _templates()
    return {number: keys[number].kind for lines in templates.values() for number in lines}


def _sigma(key: int, planted: Planted) -> float:
    """Return a step's noise; the planted ones are quiet enough to be found."""
    if key in planted.slow:
        return 0.27
    if key in planted.host:
        return 0.4
    return 0.2 + 0.7 * ((key >> 7) % 1000) / 1000


def _write_day(connection: Any, store: Store, day: date, site: Site) -> None:
    content = segments.digest_of_text(f"{site} {day}")
    nonce = "0" * 16
    part = segments.part(content, nonce)
    steps = _STEPS.format(
        day=day, new=NEW, part=part, slow_day=site.days // 2, slow_host=SLOW_HOST,
        z_step=_normal("step", f"'{site.seed}'", "boot", "key"),
        u_tail=_uniform("tail", f"'{site.seed}'", "boot", "key"),
    )  # fmt: skip
    connection.execute(f"CREATE OR REPLACE TABLE day_steps AS {steps}")
    counted = ", ".join(
        f"sum(CASE WHEN step_kind = '{kind}' THEN n ELSE 0 END)::INTEGER AS {kind}" for kind in schema.COUNTED
    )
    connection.execute(f"CREATE OR REPLACE TABLE day_boots AS {_BOOTS.format(part=part, counted=counted)}")
    name = write_steps(connection, store, day, f"{content}.{nonce}", "day_steps")
    write_boots(connection, store, day, name, f"(SELECT {', '.join(schema.BOOTS)} FROM day_boots)")
