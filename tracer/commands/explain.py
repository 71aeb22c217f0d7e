"""``bootseq explain``: why a request failed, where its time went, and what is missing to say more."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

import click

from tracer import lookup, trace_file
from tracer.commands import completion, printing
from tracer.commands.options import PATH
from tracer.errors import TracerError
from tracer.explain import select, text
from tracer.explain.explain import explain as explanation_of
from tracer.explain.explain import explain_lines, explain_services
from tracer.explain.explanation import Explanation
from tracer.model import Request, Trace
from tracer.model.fleet import Answer
from tracer.text import command, plural

CANNOT_TELL = 2
#: Between the two visits of --live.
_LIVE_SECONDS = 2.0
#: So many requests that only mention an id are explained.
_MOST = 5


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON: an object, or an array if there are several.")
@click.option("--live", is_flag=True, help="Explain WHAT by a visit to the running services, without a trace.")
@click.option(
    "--fleet", "fleet_store", type=PATH, metavar="STORE", help="Compare boots with those of a fleet (`bootseq fleet`)."
)
@click.argument("file", type=PATH)
@click.argument("what", required=False, shell_complete=completion.what)
def explain(file: Path, what: str | None, as_json: bool, live: bool, fleet_store: Path | None) -> None:
    """Explain why a request failed, or where its time went.

    WHAT is a server's name, the uuid of an instance, volume or port (or its beginning), a request id, or a number from
    `bootseq list --all`. Without it, every boot that failed is explained; if none did, the unfinished ones or the
    longest.

    The text says what was asked and how it ended; the first cause of a failure, with its service, host and exception,
    and its way up to the user; the hosts that were tried and why each failed, and the filters that left none; calls
    without an answer; where the time went; and what is missing to say more, with the command that gets it. Under each
    sentence are the addresses of the steps that show it, as `bootseq show` prints them.

    The exit code is 0 if the end is explained, 2 if the trace does not tell.

    With --live the only argument is WHAT: who owes its next step now, as `bootseq where` shows it.

    \b
    Examples:
      bootseq explain boot.trace.jsonl.gz
      bootseq explain boot.trace.jsonl.gz vm1
      bootseq explain boot.trace.jsonl.gz req-ce323f02-0098-44d1-97f2-97533bc32853 --json
      bootseq explain --live vm1
      bootseq explain boot.trace.jsonl.gz vm1 --fleet boots.fleet
    """
    if live:
        _explain_live(str(file), what, as_json)
    trace = trace_file.read(file)
    requests = _requests(file, trace, what)
    explanations = [explanation_of(request, trace) for request in requests] or [_of_lines(file, trace, what)]
    answers = _against_fleet(fleet_store, requests) if fleet_store and requests else [None] * len(explanations)
    if as_json:
        values = [_as_json(explanation, answer) for explanation, answer in zip(explanations, answers, strict=True)]
        printing.as_json(values[0] if len(values) == 1 else values)
    else:
        if what is None and trace.boots and not any(map(select.is_failed, requests)):
            printing.lines(_no_failure(trace))
        pairs = zip(explanations, answers, strict=True)
        printing.lines("\n".join(text.render(explanation) + _fleet_text(answer) for explanation, answer in pairs))
        if what is None:
            _print_other_failures(file, trace, requests)
    if not all(explanation.explained for explanation in explanations):
        sys.exit(CANNOT_TELL)


def _explain_live(what: str, more: str | None, as_json: bool) -> NoReturn:
    """Answer by a visit: exit code 0 if it is known who owes the next step, else 2."""
    from tracer.live import answer, survey
    from tracer.live import text as live_text

    if more is not None:
        raise TracerError("--live takes no file: bootseq explain --live WHAT")
    answers = survey.Survey().answers(what, _LIVE_SECONDS)
    if as_json:
        values = [answer.as_explanation(item) for item in answers]
        printing.as_json(values[0] if len(values) == 1 else values)
    else:
        printing.lines("\n".join(map(live_text.render, answers)))
    sys.exit(0 if all(item.owner is not None for item in answers) else CANNOT_TELL)


def _requests(file: Path, trace: Trace, word: str | None) -> list[Request]:
    if word is None:
        return select.default(trace)
    requests = select.preferred(select.matching(trace, word))
    if len(requests) > _MOST:
        everything = command("bootseq", "list", "--all", file)
        printing.note(
            f"{word!r} matches {plural(len(requests), 'request')}; the first {_MOST} follow (see: {everything})"
        )
    return requests[:_MOST]


def _of_lines(file: Path, trace: Trace, word: str | None) -> Explanation:
    """Return the explanation by log lines of no request; a TracerError if there is none."""
    explanation = explain_services(trace) if word is None else explain_lines(trace, word)
    if explanation is None:
        everything = command("bootseq", "list", "--all", file)
        what = "no boot and nothing that failed" if word is None else f"nothing of {word!r}"
        raise TracerError(f"{file} holds {what}; see: {everything}")
    return explanation


def _no_failure(trace: Trace) -> str:
    count = len(trace.boots)
    unfinished = sum(1 for boot in trace.boots if boot.outcome == "unfinished")
    if unfinished:
        return f"No boot failed, but of {plural(count, 'boot')} the end of {unfinished} is not in the trace:\n\n"
    return f"No boot failed{'; the longest took its time so' if count > 1 else ''}:\n\n"


def _print_other_failures(file: Path, trace: Trace, explained: list[Request]) -> None:
    others = [r for r in trace.others if select.is_failed(r) and lookup.is_user_request(r) and r not in explained]
    if others:
        first = command("bootseq", "explain", file, others[0].number)
        printing.lines(f"\n{plural(len(others), 'other request')} failed; the first: {first}\n")


def _against_fleet(store: Path, requests: list[Request]) -> list[Answer | None]:
    """Return for each boot the steps in which it differs from a fleet; None for other requests."""
    from tracer.fleet import boot, engine
    from tracer.fleet.rows import rows_of
    from tracer.fleet.store import opened

    def ask(connection: Any) -> list[Answer | None]:
        run = engine.runner(connection)
        return [
            boot.boot(run, boot.subject_of(rows_of(request, "", {})), everything=False) if request.uuid else None
            for request in requests
        ]

    with opened(store) as fleet:
        return engine.ask(fleet, ask)


def _fleet_text(answer: Answer | None) -> str:
    if answer is None:
        return ""
    from diagrams.fleet import answers

    return f"\nAgainst the fleet\n{answers.text(answer)}"


def _as_json(explanation: Explanation, answer: Answer | None) -> dict[str, Any]:
    value = _addresses(asdict(explanation))
    assert isinstance(value, dict)
    if answer is not None:
        from diagrams.fleet import answers

        value["fleet"] = answers.value(answer)
    return value


def _addresses(value: Any) -> Any:
    """Return the value with its evidence as addresses; their lines are in ``quotations``."""
    if isinstance(value, dict):
        result = {key: _addresses(inner) for key, inner in value.items() if key != "evidence"}
        if "evidence" in value:
            result["evidence"] = [item["address"] for item in value["evidence"] if item["address"]]
            result["quotations"] = list(value["evidence"])
        return result
    return [_addresses(inner) for inner in value] if isinstance(value, list | tuple) else value
