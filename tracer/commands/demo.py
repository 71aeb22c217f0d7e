"""``bootseq demo``: a recorded boot to look at, without a cloud."""

from __future__ import annotations

from pathlib import Path

import click

from tracer.commands import printing, selection, tree
from tracer.commands.options import PATH
from tracer.files import read, write
from tracer.text import command

_BOOT = Path(__file__).parent.parent / "demo" / "boot.trace.jsonl.gz"
_DEFAULT = Path("demo.trace.jsonl.gz")
#: Commands to try next, and what each shows.
_NEXT = (
    (("bootseq", "show", _DEFAULT, "--detail", "calls"), "every numbered step"),
    (("bootseq", "explain", _DEFAULT), "where the time went"),
    (("bootseq", "draw", _DEFAULT, "-o", "demo.html"), "a page to explore"),
    (("bootseq", "draw", _DEFAULT, "-o", "demo.svg"), "a sequence diagram"),
    (("bootseq", "record", "--help"), "the same of a cloud of your own"),
)


@click.command()
@click.option(
    "-o", "--output", type=PATH, default=_DEFAULT, show_default=True, metavar="FILE", help="Trace file to write."
)
@click.option("--force", is_flag=True, help="Replace the file.")
def demo(output: Path, force: bool) -> None:
    """Write a trace that was recorded on a real cloud, and print its story: no cloud is needed.

    A server on Nova 34 with libvirt and QEMU, booted from a snapshot in Ceph, with a port on Open vSwitch.

    \b
    Examples:
      bootseq demo
      bootseq demo -o /tmp/demo.trace.jsonl.gz
    """
    data = read.contents(_BOOT)
    with write.written(output, write.default_mode(), replace=force) as file:
        file.write(data)
    printing.done(output, f"{len(data) / 1000:.0f} kB")
    tree.show(selection.boot(output), tree.Choice(detail="story"), as_json=False)
    width = max(len(command(*words)) for words, _ in _NEXT)
    printing.out("")
    for words, shows in _NEXT:
        line = command(*(output if word == _DEFAULT else word for word in words))
        printing.out(f"  {line.ljust(width)}  {shows}")
