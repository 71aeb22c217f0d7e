"""Boots that took far longer than others with equal traits, explained by their steps."""

from __future__ import annotations

from tracer.fleet import trees
from tracer.fleet.adjusted import quantile
from tracer.fleet.scope import Run, Scope
from tracer.model.fleet import CANNOT_TELL, FOUND, Answer, Column, Table
from tracer.text import command

#: Robust standard deviations, and times the median, beyond which a boot is odd; boots that a group needs.
_DEVIATIONS, _RATIO, _GROUP = 6.0, 1.25, 20
#: Steps that explain a boot.
_STEPS = 3


def query(scope: Scope) -> str:
    """Return the question as SQL: a row an odd boot and step, the steps with the largest excess first."""
    return f"""WITH b AS (
    SELECT boot, uuid, server, host, day, source, dur_us, ln(greatest(dur_us, 1)) AS l,
        concat_ws(' ', release, image, flavor, CAST(ports AS VARCHAR), CAST(volumes AS VARCHAR)) AS alike
    FROM boots WHERE outcome = 'active' AND {scope.condition}),
g AS (SELECT alike, {quantile(0.5, "l")} AS med, count(*) AS boots FROM b GROUP BY alike HAVING count(*) >= {_GROUP}),
d AS (SELECT b.*, b.l - g.med AS dev FROM b JOIN g ON b.alike = g.alike),
h AS (SELECT alike, 1.4826 * {quantile(0.5, "abs(dev)")} AS spread FROM d GROUP BY alike),
o AS (
    SELECT d.boot AS boot, d.uuid AS uuid, d.server AS server, d.host AS host, d.day AS day, d.source AS source,
        d.dur_us AS dur_us, exp(d.dev) AS ratio, d.alike AS alike, d.dev / nullif(h.spread, 0) AS z
    FROM d JOIN h ON d.alike = h.alike WHERE d.dev > {_DEVIATIONS} * h.spread AND exp(d.dev) > {_RATIO}),
u AS (
    SELECT b.alike AS alike, s.key AS key, {quantile(0.5, "s.self_us")} AS usual FROM steps s JOIN b ON s.boot = b.boot
    WHERE b.alike IN (SELECT alike FROM o) GROUP BY b.alike, s.key),
e AS (
    SELECT o.*, s.key AS key, s.self_us AS self_us, u.usual AS usual,
        row_number() OVER (PARTITION BY o.boot ORDER BY s.self_us - u.usual DESC, s.key) AS rank
    FROM steps s JOIN o ON s.boot = o.boot JOIN u ON s.key = u.key AND o.alike = u.alike)
SELECT boot, uuid, server, host, day, source, dur_us, ratio, z, key, self_us, usual FROM e
WHERE rank <= {_STEPS} AND (rank = 1 OR self_us - usual > 0.1 * dur_us * (1 - 1 / ratio))
ORDER BY ratio DESC, boot, rank"""


_BOOTS = (
    Column("server", "server"), Column("uuid", "instance"), Column("day", "day", "day"), Column("host", "host"),
    Column("duration_us", "took", "us"), Column("ratio", "to its like", "ratio"), *trees.STEP,
    Column("self_us", "which took", "us"), Column("usual_us", "usually", "us"),
    Column("source", "trace", "link"), Column("key", "key", "key"),
)  # fmt: skip


def odd(run: Run, scope: Scope) -> Answer:
    """Return the odd boots with the steps that explain them."""
    answer = Answer("odd", sentences=list(scope.sentences))
    ((total, grouped),) = run(
        "SELECT coalesce(sum(boots), 0), coalesce(sum(CASE WHEN boots >= "
        f"{_GROUP} THEN boots ELSE 0 END), 0) FROM (SELECT count(*) AS boots FROM boots WHERE outcome = 'active'"
        f" AND {scope.condition} GROUP BY release, image, flavor, ports, volumes) g"
    )
    if not grouped:
        answer.verdict = CANNOT_TELL
        answer.sentences.append(
            f"Cannot tell: fewer than {_GROUP} boots have equal release, image, flavor, ports and volumes."
        )
        return answer
    rows = run(query(scope))
    names = trees.names(run, {row[9] for row in rows})
    answer.tables.append(Table("boots", "Odd boots", _BOOTS, [
        (server, uuid, day, host, dur, ratio, *names[key], alone, usual, source, str(key))
        for _, uuid, server, host, day, source, dur, ratio, _, key, alone, usual in rows
    ]))  # fmt: skip
    count = len({row[0] for row in rows})
    rest = f"; {total - grouped} others have fewer than {_GROUP} of their like" if total > grouped else ""
    answer.sentences.append(f"{count} of {grouped} boots took far longer than boots with equal traits{rest}.")
    if rows:
        answer.sentences.append(f"The first: {command('bootseq', 'explain', rows[0][5], rows[0][1])}")
        answer.verdict = FOUND
    return answer
