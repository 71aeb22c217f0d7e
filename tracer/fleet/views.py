"""The tables of a store as SQL for other programs: views over its files by pattern."""

from __future__ import annotations

from tracer.fleet.conditions import literal

_VIEWS = """-- DuckDB; other engines read the same folders: the day is a column of the path.
CREATE VIEW boots AS
SELECT * FROM read_parquet({boots}, union_by_name = true, hive_partitioning = true, hive_types = {{'day': DATE}})
QUALIFY row_number() OVER (PARTITION BY boot ORDER BY added DESC, part) = 1;
-- Only steps of boots that were committed, and of the last copy of each.
CREATE VIEW steps AS
SELECT s.* FROM read_parquet({steps}, union_by_name = true, hive_partitioning = true, hive_types = {{'day': DATE}}) s
SEMI JOIN boots USING (boot, part);
CREATE VIEW keys AS SELECT DISTINCT * FROM read_parquet({keys}, union_by_name = true);
"""


def views(path: str) -> str:
    """Return the statements that create the views on the store at a path."""
    patterns = {"boots": "boots/*/*.parquet", "steps": "steps/*/*.parquet", "keys": "keys/*.parquet"}
    return _VIEWS.format(**{name: literal(f"{path}/{pattern}") for name, pattern in patterns.items()})
