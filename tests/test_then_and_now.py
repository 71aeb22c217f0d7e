"""The notes of 2011 beside today's recordings: each row is at its place in a recorded tree, and the page says so."""

from __future__ import annotations

import pytest

from tests.support import then_and_now
from tests.support.log_traces import DATA
from tests.support.then_and_now import FILES, FURTHER, GONE, Row

TABLE = then_and_now.rows()


def test_the_table_has_every_step_of_the_notes() -> None:
    """In the notes' order, with their lines; a row with a name of its own refines the one before."""
    notes = [line for line in (DATA / "diablo-boot.outline").read_text().splitlines() if line[:1].isdigit()]
    lines = [f"{row.seed}. {row.line}" for row in TABLE if ":" not in row.seed]
    assert lines == notes
    assert len(TABLE) == 102


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.seed)
def test_a_row_is_at_its_place_in_the_trees_that_it_names(row: Row) -> None:
    """Below the step that it belongs to; only rows without a step are in no tree."""
    assert then_and_now.marked(row).where == row.where
    assert set(row.where) <= ({*FILES, FURTHER} if row.step else {GONE})
    assert row.where


def test_every_row_that_is_not_gone_names_a_step_that_is_recorded() -> None:
    """By default, but for some: what the driver reads of block devices fourteen times a boot."""
    further = [row.step.partition(":")[2] for row in TABLE if FURTHER in row.where]
    assert sorted(further) == [
        "block_device_info_get_ephemerals", "block_device_info_get_mapping", "block_device_info_get_root_device",
        "block_device_info_get_swap",
    ]  # fmt: skip
    without = [row.seed for row in TABLE if row.where == GONE]
    assert all(row.today.startswith(("gone", "as", "removed")) for row in TABLE if row.seed in without)


def test_the_page_is_made_from_the_table() -> None:
    """Renew both with: python -m tests.support.then_and_now"""
    assert then_and_now.PAGE.read_text() == then_and_now.page(TABLE)
