"""A boot against its fleet: the percentile of its duration and of each step among boots of its like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tracer.errors import TracerError
from tracer.fleet import conditions, trees
from tracer.fleet.adjusted import quantile
from tracer.fleet.rows import BootRows
from tracer.fleet.scope import Run
from tracer.model.fleet import CANNOT_TELL, FOUND, Answer, Column, Table

#: Boots that percentiles need; a step stands out above this percentile if it costs so much of the boot's time.
MIN_BOOTS = 20
_HIGH, _SHARE = 0.99, 0.01
#: Traits in which boots of its like agree, as long as there are enough of them; the last is given up first.
_ALIKE = ("release", "image", "flavor", "ports", "volumes")
_SHORTEST = 4


@dataclass(frozen=True, slots=True)
class Subject:
    """The boot that is compared: its digest, values, and its steps as SQL with key, n and self_us."""

    boot: int
    values: dict[str, Any]
    steps: str


def subject(run: Run, word: str) -> Subject:
    """Return the boot in the store that a word names: server, instance or its beginning, request id."""
    quoted = conditions.literal(word)
    columns = ("boot", "uuid", "server", "outcome", "witnesses", "dur_us", "source", *_ALIKE)
    begins = f" OR starts_with(uuid, {quoted})" if len(word) >= _SHORTEST else ""
    rows = run(
        f"SELECT {', '.join(columns)} FROM boots"
        f" WHERE uuid = {quoted} OR request_id = {quoted} OR server = {quoted}{begins}"
        " ORDER BY started DESC, boot LIMIT 2"
    )
    if not rows:
        raise TracerError(f"the store has no boot {word!r}; see: bootseq fleet list STORE --boots")
    if len(rows) > 1:
        raise TracerError(f"{word!r} matches several boots; name the instance (see: bootseq fleet list STORE --boots)")
    values = dict(zip(columns, rows[0], strict=True))
    return Subject(values["boot"], values, f"SELECT key, n, self_us FROM steps WHERE boot = {values['boot']}")


def subject_of(rows: BootRows) -> Subject:
    """Return a boot that need not be in the store."""
    values = ", ".join(f"({key}, {row.n}, {row.alone})" for key, row in rows.steps.items())
    steps = f"SELECT * FROM (VALUES {values or '(0, 0, 0)'}) v(key, n, self_us)"
    return Subject(rows.boot["boot"], rows.boot, steps)


def _alike(run: Run, boot: Subject) -> tuple[str, list[str], int]:
    """Return the condition of boots of its like, the traits that they share, and how many there are."""
    base = f"outcome = 'active' AND witnesses = {conditions.literal(boot.values['witnesses'])} AND boot <> {boot.boot}"
    traits = [trait for trait in _ALIKE if boot.values[trait] is not None]
    while True:
        condition = " AND ".join([base, *(_equal(trait, boot.values[trait]) for trait in traits)])
        ((count,),) = run(f"SELECT count(*) FROM boots WHERE {condition}")
        if count >= MIN_BOOTS or not traits:
            return condition, traits, count
        traits.pop()


def _equal(trait: str, value: Any) -> str:
    return f"{trait} = {value if isinstance(value, int) else conditions.literal(value)}"


_COLUMNS = (
    *trees.STEP, Column("self_us", "took", "us"),
    Column("usual_us", "usually", "us"), Column("percentile", "longer than", "share"), Column("boots", "of", "count"),
    Column("key", "key", "key"),
)  # fmt: skip


def boot(run: Run, subject_: Subject, *, everything: bool = True) -> Answer:
    """Return a boot's percentiles: all its steps, the largest excess first, or only those that stand out."""
    values = subject_.values
    answer = Answer(f"boot {values['server'] or values['uuid']}")
    condition, traits, count = _alike(run, subject_)
    if count < MIN_BOOTS:
        answer.verdict = CANNOT_TELL
        others = f"{count} other boots by {values['witnesses']}"
        answer.sentences.append(f"Cannot tell: the store has {others}, {MIN_BOOTS} are needed.")
        return answer
    ((shorter, usual),) = run(
        f"SELECT avg(CASE WHEN dur_us < {values['dur_us']} THEN 1.0 ELSE 0.0 END), {quantile(0.5, 'dur_us')} FROM boots"
        f" WHERE {condition}"
    )
    equal = f" with equal {', '.join(traits)}" if traits else ""
    answer.sentences.append(
        f"{values['dur_us'] / 1e6:.2f} s, longer than {shorter:.0%} of {count} boots{equal}; usually "
        f"{usual / 1e6:.2f} s."
    )
    rows = run(f"""WITH chosen AS (SELECT boot FROM boots WHERE {condition}), b AS ({subject_.steps})
SELECT b.key, b.self_us, {quantile(0.5, "s.self_us")} AS usual,
    avg(CASE WHEN s.self_us < b.self_us THEN 1.0 ELSE 0.0 END) AS share, count(*) AS boots
FROM b JOIN steps s ON s.key = b.key AND s.n = b.n JOIN chosen c ON s.boot = c.boot WHERE b.self_us > 0
GROUP BY b.key, b.self_us HAVING count(*) >= {MIN_BOOTS} ORDER BY b.self_us - usual DESC, b.key""")
    names = trees.names(run, [row[0] for row in rows])
    lines = [(*names[key], alone, median, share, boots, str(key)) for key, alone, median, share, boots in rows]
    high = [line for line in lines if line[5] >= _HIGH and line[3] - line[4] >= _SHARE * values["dur_us"]]
    answer.verdict = FOUND if high else answer.verdict
    answer.sentences.append(
        f"{len(high)} of {len(lines)} steps took longer than in 99 % of them, and at least 1 % of the boot's time more."
    )
    answer.tables.append(Table("high", "Stand out", _COLUMNS, list(high)))
    if everything:
        answer.tables.append(Table("steps", "All steps", _COLUMNS, list(lines)))
    return answer
