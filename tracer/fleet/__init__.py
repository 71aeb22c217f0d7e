"""The keys, times and counts of many boots, in a folder of Parquet files, and the questions that they answer.

- ``keys``, ``rows``: a boot → rows; ``schema``: their columns.
- ``store``, ``segments``: the folder; ``batches``, ``compaction``, ``checking``: what changes and verifies it.
- ``engine``: the store as tables of DuckDB, ``conditions``: the boots that a question is about.
- ``statistics``: tests without a library; the other modules are a question each, with its SQL.
"""
