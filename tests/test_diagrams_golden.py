"""A small boot in every format is the reviewed one; and the comparison with golden files works."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from diagrams import DETAILS, RENDERERS, render
from tests.support import golden
from tests.support.builders import failed_boot, small_boot


def compare(name: str, text: str) -> None:
    """Compare with the golden file; an SVG has one element per line, so that differences are readable."""
    golden.compare(f"diagrams/{name}", text, [("><", ">\n<")] if name.endswith(".svg") else [])


#: The page is mostly its own scripts; test_diagrams_page_render.py tests its data.
GOLDEN = [suffix for suffix in RENDERERS if suffix != "html"]


@pytest.mark.parametrize("suffix", GOLDEN)
def test_every_format_at_the_default_detail(suffix: str) -> None:
    compare(f"small.{suffix}", render(small_boot(), suffix))


@pytest.mark.parametrize("suffix", ["txt", "svg"])
@pytest.mark.parametrize("detail", ["brief", "full"])
def test_the_other_details(suffix: str, detail: str) -> None:
    compare(f"small-{detail}.{suffix}", render(small_boot(), suffix, detail))


@pytest.mark.parametrize("suffix", ["txt", "svg", "mmd"])
def test_a_boot_that_fails(suffix: str) -> None:
    compare(f"failed.{suffix}", render(failed_boot(), suffix))


@pytest.mark.parametrize("suffix", RENDERERS)
def test_the_same_boot_gives_the_same_text(suffix: str) -> None:
    assert render(small_boot(), suffix) == render(small_boot(), suffix)


def test_unknown_suffixes_and_details_are_rejected() -> None:
    with pytest.raises(ValueError, match="cannot draw 'png'"):
        render(small_boot(), "png")
    with pytest.raises(ValueError, match=f"one of {', '.join(DETAILS)}"):
        render(small_boot(), "svg", "everything")


@pytest.mark.parametrize("enabled", [True, False])
def test_the_garbage_collector_is_restored(enabled: bool) -> None:
    was = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        render(small_boot(), "txt")
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if was else gc.disable)()


def test_a_suffix_may_have_its_dot() -> None:
    assert render(small_boot(), ".txt") == render(small_boot(), "txt")


class TestComparer:
    def test_a_difference_fails_and_is_saved(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("UPDATE_GOLDEN", raising=False)
        (tmp_path / "a.txt").write_text("one\n")
        with pytest.raises(AssertionError, match=r"-one\n\+two"):
            golden.compare("a.txt", "two\n", folder=tmp_path)
        assert (tmp_path / "a.txt.actual").read_text() == "two\n"
        golden.compare("a.txt", "one\n", folder=tmp_path)
        assert not (tmp_path / "a.txt.actual").exists()

    def test_a_missing_golden_file_fails(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("UPDATE_GOLDEN", raising=False)
        with pytest.raises(AssertionError):
            golden.compare("a.txt", "two\n", folder=tmp_path)

    def test_update_writes_the_scrubbed_text(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("UPDATE_GOLDEN", "1")
        golden.compare("deep/a.txt", "took 12 ms\n", [(r"\d+ ms", "N ms")], folder=tmp_path)
        assert (tmp_path / "deep/a.txt").read_text() == "took N ms\n"
