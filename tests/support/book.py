"""The console blocks of the documentation, each with its marker, run on the repository's recordings.

``python -m tests.support.book`` (``make docs-outputs``) writes their outputs into the pages. Each console block follows
a marker: ``run``, ``output`` (``output: 24 lines, exit 1``: shortened, another exit code), ``parse`` (its options are
checked), or, where a cloud or minutes are needed, ``needs: …`` and ``slow: …``, whose options are checked too.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MARKERS = ("run", "output", "parse", "needs", "slow")
_BLOCK = re.compile(r"(?:^<!-- (?P<marker>[^\n]*) -->\n)?^```console\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A console block: ``marker`` is "" where it has none, ``start`` and ``end`` are its body's offsets in the page."""

    page: Path
    line: int
    marker: str
    body: str
    start: int
    end: int

    @property
    def kind(self) -> str:
        """Return the first word of the marker."""
        return re.split(r"\W", self.marker, maxsplit=1)[0]

    @property
    def commands(self) -> list[str]:
        """Return the lines after a prompt, without it; ``# `` is root's prompt only where no output is shown."""
        prompts = ("$ ",) if self.kind == "output" else ("$ ", "# ")
        return [line[2:] for line in self.body.splitlines() if line.startswith(prompts)]

    @property
    def exit_code(self) -> int:
        """Return the exit code expected of the last command."""
        code = re.search(r"exit (\d)", self.marker)
        return int(code[1]) if code else 0

    @property
    def most_lines(self) -> int | None:
        """Return the number of output lines shown, None for all."""
        lines = re.search(r"(\d+) lines", self.marker)
        return int(lines[1]) if lines else None


def blocks(page: Path) -> Iterator[Block]:
    """Yield the console blocks of a page."""
    text = page.read_text()
    for match in _BLOCK.finditer(text):
        line = text.count("\n", 0, match.start("body"))
        yield Block(page, line, match["marker"] or "", match["body"], match.start("body"), match.end("body"))


def prepare(folder: Path) -> None:
    """Put the recordings that the pages use into ``folder``."""
    data = ROOT / "tests" / "data"
    with tarfile.open(data / "nova34-boot.tar.gz") as archive:
        archive.extractall(folder / "capture", filter="data")
    with tarfile.open(data / "nova34-logs.tar.xz") as archive:
        archive.extractall(folder / "logs", filter="data")
    shutil.copy(ROOT / "examples/gallery/boots.trace.jsonl.gz", folder)
    for path in (data / "explain").glob("*.gz"):
        shutil.copy(path, folder)
    for release in (32, 34):
        shutil.copy(ROOT / f"examples/ci/reports/32-to-34/nova-{release}.baseline", folder)
    capture = next(path.parent for path in (folder / "capture").rglob("capture.json"))
    execute(f"bootseq ingest -o boot.trace.jsonl.gz {capture}", folder)


def execute(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run one command line of a page in ``folder``."""
    path = f"{BIN}:/usr/local/bin:/usr/bin:/bin"
    environment = {"PATH": path, "HOME": str(folder), "LANG": "C.UTF-8", "COLUMNS": "110"}
    return subprocess.run(
        ["sh", "-c", command], cwd=folder, env=environment, text=True, capture_output=True, check=False, timeout=120
    )


def output_of(block: Block, folder: Path) -> str:
    """Run the block and return its body with the commands' present output. AssertionError for another exit code."""
    body = ""
    for number, command in enumerate(block.commands, 1):
        result = execute(command, folder)
        expected = block.exit_code if number == len(block.commands) else 0
        where = f"{block.page.name}:{block.line}: {command}"
        assert result.returncode == expected, f"{where}: exit {result.returncode}: {result.stderr}"
        body += f"$ {command}\n"
        if block.kind == "output":
            body += _shortened(result.stdout, block.most_lines)
    return body


def _shortened(text: str, most: int | None) -> str:
    lines = text.splitlines(keepends=True)
    return text if most is None or len(lines) <= most else "".join([*lines[:most], "…\n"])


def rewrite(page: Path, folder: Path) -> bool:
    """Write the present outputs into the page; return whether it changed."""
    before = text = page.read_text()
    for block in reversed([block for block in blocks(page) if block.kind in ("run", "output")]):
        text = text[: block.start] + output_of(block, folder) + text[block.end :]
    if text != before:
        page.write_text(text)
    return text != before


def main() -> None:
    """Rewrite the outputs in all pages."""
    with TemporaryDirectory() as temporary:
        prepare(Path(temporary))
        for page in PAGES:
            if rewrite(page, Path(temporary)):
                sys.stdout.write(f"rewritten: {page.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
