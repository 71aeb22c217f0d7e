"""The folder that ``record`` records into: a new one each time, of a name that nobody can foresee."""

from __future__ import annotations

from pathlib import Path

from tracer.commands import printing
from tracer.errors import TracerError
from tracer.files import folder
from tracer.sources.hooks import segments
from tracer.text import command

#: Where it is where it cannot be beside the output; both keep what is in them to its owner.
_ELSEWHERE = (Path("/var/tmp"), Path("/tmp"))


def make(output: Path, *, keep: bool) -> Path:
    """A new private folder: beside the output where nobody else may write there; to ``keep``, FILE.capture."""
    if keep:
        return _named(output.with_name(f"{output.name}.capture"))
    beside = [output.parent] if output.is_file() or not output.exists() else []
    problem = "no folder of one's own"
    for above in (*beside, *_ELSEWHERE):
        try:
            with folder.fresh(above, f"{output.name[:100].lstrip('-')}.capture-") as made:
                return made.real()
        except OSError as error:
            problem = f"{above}: {error.strerror}"
    raise TracerError(f"there is nowhere to record into: {problem}")


def _named(path: Path) -> Path:
    try:
        with folder.opened(path.parent) as above, above.make(path.name) as made:
            return made.real()
    except FileExistsError:
        raise TracerError(f"{path}: exists; name another output, or leave --keep out") from None
    except OSError as error:
        raise TracerError(f"{path}: cannot create a capture: {error.strerror}") from None


def remove(path: Path) -> None:
    """Remove it with what was recorded."""
    try:
        folder.remove(path)
    except OSError as error:
        printing.note(f"{path}: cannot be removed: {error.strerror}")


def leave(path: Path, output: Path) -> None:
    """The trace could not be written: name where what was recorded is, or remove the folder where nothing was."""
    if segments.recorded(path):
        ingest = command("bootseq", "ingest", "-o", output, path)
        printing.note(f"{path}: what was recorded is kept there; make the trace with: {ingest}")
    else:
        remove(path)
