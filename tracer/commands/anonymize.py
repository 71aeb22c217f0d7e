"""``bootseq anonymize``: a trace file or a log without names, hosts, addresses and ids, fit for a public bug."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import click

from tracer import packed
from tracer.anonymize.learn import Learner, Originals
from tracer.anonymize.replace import Replacer
from tracer.anonymize.tokens import Tokens
from tracer.anonymize.verify import Verifier
from tracer.commands import printing, shared_forms
from tracer.commands.options import PATH
from tracer.commands.progress import Progress, progress
from tracer.commands.shared_forms import Form
from tracer.errors import TracerError
from tracer.files import read as files_read
from tracer.files import write
from tracer.sources.logs import buffers
from tracer.text import plural, printable

#: Characters of an original that an error quotes.
_QUOTED = 80


@click.command()
@click.option(
    "-o", "--output", type=PATH, required=True, metavar="SHARED",
    help="File to write; compressed if it ends in .gz.",
)  # fmt: skip
@click.argument("file", type=PATH)
def anonymize(file: Path, output: Path) -> None:
    """Replace names, hosts, addresses and ids in a trace file or a log, so that it can be shared.

    FILE is a trace file, a log or any text that `bootseq ingest` reads; SHARED is of the same format. Equal originals
    get equal tokens, so SHARED shows the same boots: server-1, host-2, user-1, uuids and request ids of the same form,
    addresses of documentation ranges. Times, versions, code and OpenStack's own words stay, secrets are masked.
    A second pass searches the result; if an original remains, nothing is written and the exit code is 2.

    Names are replaced everywhere once a field names them: a name that occurs only in a sentence remains. Names that
    are ordinary words, such as compute or admin, remain too and are listed. Read SHARED before you publish it.

    \b
    Examples:
      bootseq anonymize boot.trace.jsonl.gz -o shared.trace.jsonl.gz
      bootseq anonymize /var/log/nova/nova-compute.log -o nova-compute.log.gz
    """
    write.check(output)
    with (
        progress() as doing, buffers.opened(file) as data,
        files_read.scratch() as clean, files_read.scratch() as result,
    ):  # fmt: skip
        form = shared_forms.of(file, data)
        doing(f"reading {file}")
        originals = _learned(form, clean)
        tokens = Tokens(originals)
        replacer = Replacer(tokens)
        doing("replacing")
        for line in _lines(clean):
            result.write(shared_forms.to_bytes(form.replaced(replacer, line)) + b"\n")
        _verify(form, Verifier(tokens), result, output, doing)
        doing(f"writing {output}")
        _write(output, form, result)
        faults = [data.fault] if data.fault else []
    for fault in faults:
        printing.note(f"warning: {file}: {fault}")
    _report(output, tokens, replacer, originals)


def _learned(form: Form, clean: BinaryIO) -> Originals:
    """Return the originals of the lines, which are copied to ``clean``."""
    learner = Learner()
    for line in form.lines():
        form.learn(learner, line)
        clean.write(shared_forms.to_bytes(line) + b"\n")
    return learner.originals


def _lines(copy: BinaryIO) -> Iterator[str]:
    copy.seek(0)
    for line in copy:
        yield line.removesuffix(b"\n").decode("utf-8", "surrogateescape")


def _verify(form: Form, verifier: Verifier, result: BinaryIO, output: Path, doing: Progress) -> None:
    """Raise a TracerError if the result contains an original."""
    doing("searching the result")
    for number, line in enumerate(_lines(result), 1):
        for original in form.remains(verifier, line):
            raise TracerError(
                f"{output}: not written: line {number} of the result still contains "
                f"{printable(original[:_QUOTED])!r}, which is replaced elsewhere; please report it"
            )


def _write(output: Path, form: Form, result: BinaryIO) -> None:
    with write.written(output) as binary, packed.writer(binary, output.name) as file:
        for line in _lines(result):
            file.write(form.encoded(line))


def _report(output: Path, tokens: Tokens, replacer: Replacer, originals: Originals) -> None:
    total = sum(tokens.counts.values())
    counts = ", ".join(_counted(kind, count) for kind, count in tokens.counts.most_common())
    printing.done(output, f"{plural(total, 'original')} replaced {plural(replacer.occurrences, 'time')}")
    show = printing.say if write.descriptor(output) == printing.STDOUT else printing.out
    if counts:
        show(f"  {counts}")
    if originals.names.ordinary:
        show(f"  not replaced, ordinary words: {', '.join(sorted(originals.names.ordinary))}")


def _counted(kind: str, count: int) -> str:
    noun = {"name": "other name", "site": "domain name", "domain": "identity domain"}.get(kind, kind)
    return plural(count, noun, noun + ("es" if noun.endswith(("s", "sh")) else "s"))
