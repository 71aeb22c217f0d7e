"""The book: its commands run, its outputs are current, its links resolve, and it builds."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tests.support import book
from tracer.cli import main

ROOT = Path(__file__).parent.parent
BLOCKS = [block for page in book.PAGES for block in book.blocks(page)]
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def name(block: book.Block) -> str:
    return f"{block.page.name}:{block.line}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("book")
    book.prepare(folder)
    return folder


@pytest.mark.parametrize("block", BLOCKS, ids=name)
def test_blocks_have_a_known_marker(block: book.Block) -> None:
    assert block.kind in book.MARKERS, f"{name(block)}: put one of {book.MARKERS} before it as an HTML comment"
    assert block.commands


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.kind in ("run", "output")], ids=name)
def test_outputs_are_current(block: book.Block, folder: Path) -> None:
    expected = block.body if block.kind == "output" else "".join(f"$ {line}\n" for line in block.commands)
    assert book.output_of(block, folder) == expected, "make docs-outputs writes them"


@pytest.mark.parametrize("block", BLOCKS, ids=name)
def test_options_exist(block: book.Block) -> None:
    """Parse each bootseq command without running it: an unknown option or a missing argument raises."""
    for line in block.commands:
        for part in re.split(r"[|;]", line):
            words = shlex.split(part, comments=True)
            if words[:1] == ["bootseq"]:
                parse(main, words[1:])


def parse(command: click.Command, words: list[str]) -> None:
    """Parse ``words`` as the arguments of ``command`` and of its subcommands."""
    context = command.make_context("bootseq", list(words), resilient_parsing=False)
    if isinstance(command, click.Group):
        rest = [*context._protected_args, *context.args]
        _, inner, arguments = command.resolve_command(context, rest)
        assert inner is not None
        parse(inner, arguments)


@pytest.mark.parametrize("page", book.PAGES, ids=lambda page: page.name)
def test_links_resolve(page: Path) -> None:
    for target in _LINK.findall(page.read_text()):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), f"{page.name}: {target}"
        if anchor and linked.suffix == ".md":
            assert anchor in [slug(heading) for heading in _HEADING.findall(linked.read_text())], target


def slug(heading: str) -> str:
    """Return the anchor that GitHub generates for a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.slow
def test_the_book_builds_without_warnings(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "docs", str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=False)
    assert (built.returncode, built.stderr) == (0, "")
