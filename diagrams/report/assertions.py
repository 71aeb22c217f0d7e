"""The report of boots checked against a spec: text, JSON, JUnit XML.

The JSON is one object::

    {"format": "bootseq-check", "version": 1, "verdict": "passed" | "failed", "spec": name, "boots": [{
        "file", "number", "server", "uuid", "request_id", "outcome", "ports", "volumes", "hosts",
        "assertions": number of them,
        "failures": [{"line": of the spec, "assertion", "expected", "observed",
                      "steps": [{"address", "service", "text"}]}]}]}
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from xml.etree import ElementTree

from diagrams.text import clean, plural, short_address, shorten
from tracer.model import Request
from tracer.model.assertions import Checked, Number, Result, Spec, expected
from tracer.notation import normal_text

FORMAT, VERSION = "bootseq-check", 1
#: Maximum number of steps that a failure shows in text, and of characters of a step and of a case's name.
_STEPS, _TEXT, _NAME, _ADDRESS = 20, 160, 200, 24

_ByFile = Mapping[str, Sequence[Checked]]


def report(spec: Spec, checked: _ByFile, format_: str) -> str:
    """Return the report on boots by file, in a format: text, json, junit."""
    return {"text": _text, "json": _json, "junit": _junit}[format_](spec, checked)


def _text(spec: Spec, checked: _ByFile) -> str:
    lines: list[str] = []
    for file, boots in checked.items():
        for boot in boots:
            failures = boot.failures
            ending = f"{len(failures)} of {plural(len(boot.results), 'assertion')} fail" if failures else "passed"
            lines.append(f"{clean(file)} {_name(boot.boot)}: {ending}")
            for failure in failures:
                lines += _failure(spec, failure, boot)
    return "\n".join(lines) + "\n"


def _failure(spec: Spec, failure: Result, boot: Checked) -> Iterator[str]:
    where = f"{clean(spec.name)}:{failure.assertion.line}"
    yield f"  {_asserted(failure)}: {shorten(failure.observed, _TEXT)}, expected {_expected(failure, boot)} ({where})"
    for step in _steps(failure)[:_STEPS]:
        address, text = short_address(step["address"], _ADDRESS), shorten(step["text"], _TEXT)
        yield f"    {address} [{clean(step['service'])}] {text}"
    if len(failure.steps) > _STEPS:
        yield f"    … {len(failure.steps) - _STEPS} more"


def _asserted(result: Result) -> str:
    assertion = result.assertion
    if isinstance(assertion, Number):
        within = f" within {assertion.service}" if assertion.service else ""
        return shorten(f"{assertion.key}{within}", _NAME)
    return shorten(str(assertion), _NAME)


def _expected(result: Result, boot: Checked) -> str:
    assertion = result.assertion
    return shorten(expected(assertion, boot.quantities) if isinstance(assertion, Number) else str(assertion), _NAME)


def _steps(result: Result) -> list[dict[str, str]]:
    return [{"address": step.address, "service": step.service, "text": normal_text.text(step)} for step in result.steps]


def _name(boot: Request) -> str:
    return shorten(boot.server or boot.request_id or f"boot {boot.number}", _NAME)


def _json(spec: Spec, checked: _ByFile) -> str:
    boots = [_boot(file, boot) for file, boots in checked.items() for boot in boots]
    verdict = "failed" if any(boot["failures"] for boot in boots) else "passed"
    document = {"format": FORMAT, "version": VERSION, "verdict": verdict, "spec": spec.name, "boots": boots}
    return json.dumps(document, indent=1) + "\n"


def _boot(file: str, checked: Checked) -> dict[str, object]:
    boot = checked.boot
    amounts = {f"{subject}s": number for subject, number in checked.quantities.items()}
    return {
        "file": file, "number": boot.number, "server": boot.server, "uuid": boot.uuid, "request_id": boot.request_id,
        "outcome": boot.outcome, **amounts, "assertions": len(checked.results),
        "failures": [_failed(failure, checked) for failure in checked.failures],
    }  # fmt: skip


def _failed(failure: Result, checked: Checked) -> dict[str, object]:
    return {
        "line": failure.assertion.line,
        "assertion": _asserted(failure),
        "expected": _expected(failure, checked),
        "observed": failure.observed,
        "steps": _steps(failure),
    }


def _junit(spec: Spec, checked: _ByFile) -> str:
    root = ElementTree.Element("testsuites", name=shorten(f"bootseq check: {spec.name}", _NAME))
    for file, boots in checked.items():
        for boot in boots:
            root.append(_suite(spec, file, boot))
    for key in ("tests", "failures"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _suite(spec: Spec, file: str, boot: Checked) -> ElementTree.Element:
    suite = ElementTree.Element("testsuite", name=shorten(f"{file} {_name(boot.boot)}", _NAME), time="0")
    for result in boot.results:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname="bootseq.spec",
            name=f"{_asserted(result)} (line {result.assertion.line})",
            time="0",
        )
        if not result.holds:
            first, *more = _failure(spec, result, boot)
            failure = ElementTree.SubElement(case, "failure", type="assertion", message=clean(first.strip()))
            failure.text = "\n".join(map(clean, more))
    for key, number in (("tests", len(boot.results)), ("failures", len(boot.failures)), ("errors", 0), ("skipped", 0)):
        suite.set(key, str(number))
    return suite
