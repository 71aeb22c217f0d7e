"""The folder that ``record`` records into: a new one each time, with an unpredictable name."""

from __future__ import annotations

from pathlib import Path

from tracer.commands import printing
from tracer.errors import TracerError
from tracer.files import folder
from tracer.sources.hooks import segments
from tracer.text import command

#: Alternatives to the output's own folder; files in both are safe from other users (sticky bit).
_ELSEWHERE = (Path("/var/tmp"), Path("/tmp"))


def make(output: Path, *, keep: bool) -> Path:
    """Return a new private folder: beside the output if nobody else may write there; with ``keep``, FILE.capture."""
    if keep:
        return _named(output.with_name(f"{output.name}.capture"))
    beside = [output.parent] if output.is_file() or not output.exists() else []
    problem = "no folder of one's own"
    for above in (*beside, *_ELSEWHERE):
        try:
            with folder.fresh(above, f"{output.name[:100].lstrip('-')}.capture-") as new:
                return new.real()
        except OSError as error:
            problem = f"{above}: {error.strerror}"
    raise TracerError(f"cannot make a folder to record into: {problem}; name an output in a folder of your own")


def _named(path: Path) -> Path:
    try:
        with folder.opened(path.parent) as above, above.make(path.name) as new:
            return new.real()
    except FileExistsError:
        raise TracerError(f"{path}: exists; name another output, or omit --keep") from None
    except OSError as error:
        raise TracerError(f"{path}: cannot create a capture: {error.strerror}") from None


def remove(path: Path) -> None:
    """Remove the folder with the recording; report a failure on stderr."""
    try:
        folder.remove(path)
    except OSError as error:
        printing.note(f"{path}: cannot be removed: {error.strerror}")


def leave(path: Path, output: Path) -> None:
    """Keep the recording of a trace that could not be written, and report where; remove an empty folder."""
    if segments.recorded(path):
        ingest = command("bootseq", "ingest", "-o", output, path)
        printing.note(f"{path}: the recording is kept there; make the trace with: {ingest}")
    else:
        remove(path)
