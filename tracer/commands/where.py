"""``bootseq where``: the functions that hold a request now, what each waits for, and who owes the next step."""

from __future__ import annotations

import sys
import time

import click

from tracer import times
from tracer.attach import processes
from tracer.attach.processes import Process
from tracer.commands import printing
from tracer.commands.progress import progress
from tracer.errors import TracerError
from tracer.live import answer as live_answer
from tracer.live import text
from tracer.live.answer import EXIT_CODES, MOVING, STUCK, UNKNOWN, Answer
from tracer.live.survey import Survey
from tracer.text import plural


@click.command()
@click.option(
    "--for", "duration", default="2s", show_default=True, metavar="TIME",
    help="Time between the two visits, by which it is judged what moves.",
)  # fmt: skip
@click.option("--every", metavar="TIME", help="Visit again and again, with this time in between, until Ctrl-C.")
@click.option("--pid", "pids", type=int, multiple=True, metavar="N", help="Visit this process only; repeatable.")
@click.option("--stack", "every_frame", is_flag=True, help="Show every frame, with its line.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: an array of answers.")
@click.argument("what", required=False)
def where(
    what: str | None, duration: str, every: str | None, pids: tuple[int, ...], every_frame: bool, as_json: bool
) -> None:
    """Show where a request hangs now, and who owes the next step, on services without hooks.

    WHAT is a server's name, the uuid of an instance, volume or port (or its beginning), or a request id. Without it,
    everything that is under way is shown.

    Each service of this machine is visited shortly, twice: its stacks are read, and the requests and instances that
    they work for; nothing of the service runs for that, nothing stays in it, and no values but ids and names leave it.
    Each wait is followed to the other side: the receiver of a message, the holder of a lock, the server of an HTTP
    request, a command.

    The exit code is 0 if it moves, 1 if it is stuck, 2 if neither can be determined.

    \b
    Examples:
      bootseq where vm1
      bootseq where --every 2s
      bootseq where req-ce323f02-0098-44d1-97f2-97533bc32853 --stack
    """
    survey = Survey(_wanted(pids))
    seconds = times.seconds(duration)
    code = _show(survey, what, seconds, every_frame, as_json)
    while every is not None:
        time.sleep(times.seconds(every))
        code = _show(survey, what, 0.0, every_frame, as_json)
    sys.exit(code)


def _wanted(pids: tuple[int, ...]) -> list[Process]:
    wanted = [processes.read(pid) for pid in pids]
    missing = [pid for pid, process in zip(pids, wanted, strict=True) if process is None]
    if missing:
        raise TracerError(f"{missing[0]}: no such process")
    everything = [process for process in wanted if process is not None] or processes.services()
    if not everything:
        raise TracerError("no OpenStack service runs here; see: bootseq doctor")
    return everything


def _show(survey: Survey, what: str | None, seconds: float, every_frame: bool, as_json: bool) -> int:
    """Print the answers, and return the exit code."""
    with progress() as doing:
        answers = survey.answers(what, seconds, doing)
    if as_json:
        printing.as_json([live_answer.as_json(answer, every_frame) for answer in answers])
    else:
        printing.lines("\n".join(text.render(answer, every_frame) for answer in answers))
        _print_rest(survey, answers)
    states = {answer.state for answer in answers}
    state = next((state for state in (STUCK, UNKNOWN) if state in states), MOVING)
    return EXIT_CODES[state]


def _print_rest(survey: Survey, answers: list[Answer]) -> None:
    """Report what was visited, and the processes that could not be."""
    visited = survey.last.processes if survey.last is not None else []
    if not answers:
        printing.out(f"nothing is under way in {plural(len(visited), 'process', 'processes')}")
    for process in visited:
        if process.problem:
            printing.note(f"{process.name} is not visited: {process.problem}")
        elif process.unread:
            printing.note(f"{process.name}: {plural(process.unread, 'stack')} not read")
