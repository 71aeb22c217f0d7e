"""The report as JUnit XML, for CI systems: one suite per service, one failed case per failing change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from xml.etree import ElementTree

from diagrams.report.common import (
    about,
    addresses,
    around,
    change_text,
    grouped,
    origin,
    release,
    rule,
    tally,
    verdict,
    where,
)
from diagrams.sequence.model import lane_order
from diagrams.text import clean, shorten
from tracer.model import Change, Comparison

#: Maximum length of a case's name: some systems keep no more than 255 characters.
NAME = 200
#: The suite of changes without a service.
BOOT = "boot"
#: The service of changes without one, such as the boot's outcome.
_NO_SERVICE = ""


def report(comparison: Comparison) -> str:
    """Return XML that GitHub, GitLab, Jenkins and Zuul read. There is always a case, so that no reader finds it empty.

    Without times and a date: those of this report would say nothing of the boots.
    """
    root = ElementTree.Element("testsuites", name=clean(f"bootseq diff: {release(comparison.new) or 'boots'}"))
    for service, changes in _by_service(comparison).items():
        root.append(_suite(comparison, service, changes))
    for key in ("tests", "failures", "errors"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _by_service(comparison: Comparison) -> dict[str, list[Change]]:
    """Return every service of either side with its changes, in the order of lanes, after changes without a service."""
    services: dict[str, list[Change]] = {_NO_SERVICE: []}
    for side in (comparison.old, comparison.new):
        services.update((node.service, []) for node in side.walk())
    for change in comparison.changes:
        services.setdefault(change.service, []).append(change)
    return dict(sorted(services.items(), key=lambda item: (item[0] != _NO_SERVICE, lane_order(item[0]), item[0])))


def _suite(comparison: Comparison, service: str, changes: list[Change]) -> ElementTree.Element:
    suite = ElementTree.Element("testsuite", name=_name(service or BOOT))
    cases = [_failed(service, change) for change in _of(changes, "fail")]
    if service == _NO_SERVICE and comparison.verdict != "same" and not any(_of(comparison.changes, "fail")):
        cases.append(_verdict(comparison))
    if not cases:
        # Only about this suite: others may fail.
        cases.append(_case(service, "nothing fails" if service != _NO_SERVICE else "compared"))
    cases += [_warned(service, class_, ones) for class_, ones in grouped(changes).get("warn", {}).items()]
    _number_names(cases)
    failures = sum(case.find("failure") is not None for case in cases)
    for key, count in (("tests", len(cases)), ("failures", failures), ("errors", 0), ("skipped", 0)):
        suite.set(key, str(count))
    suite.set("time", "0")
    suite.extend(cases)
    if summary := _summary(comparison, service, changes):
        ElementTree.SubElement(suite, "system-out").text = summary
    return suite


def _failed(service: str, change: Change) -> ElementTree.Element:
    case = _case(service, f"{change.class_}: {change.text}")
    failure = ElementTree.SubElement(case, "failure", type=clean(change.class_), message=change_text(change))
    failure.text = "\n".join(_details(change))
    return case


def _verdict(comparison: Comparison) -> ElementTree.Element:
    """Add a failed case for a verdict that no failing change explains, so that it does not look like success."""
    case = _case(_NO_SERVICE, "verdict")
    ElementTree.SubElement(case, "failure", type="verdict", message=verdict(comparison))
    return case


def _warned(service: str, class_: str, changes: list[Change]) -> ElementTree.Element:
    """Add a case that passed and has output: JUnit knows no warnings."""
    case = _case(service, f"warn: {class_}")
    ElementTree.SubElement(case, "system-out").text = "\n".join(line for change in changes for line in _details(change))
    return case


def _summary(comparison: Comparison, service: str, changes: list[Change]) -> str:
    """Return the counts of other changes and, in the boot's suite, the names of both sides."""
    quiet = tally(change for change in changes if change.severity not in ("fail", "warn"))
    sides = [f"old: {about(comparison.old)}", f"new: {about(comparison.new)}"] if service == _NO_SERVICE else []
    return "\n".join([*sides, *filter(None, [quiet])])


def _details(change: Change) -> list[str]:
    old, new = addresses(change)
    known = {"in": around(change), "at": where(change), "old": old, "new": new, "rule": rule(change)}
    steps = {"was": shorten(change.old_text, NAME), "is": shorten(change.new_text, NAME)}
    properties = [f"    {key}: {value}" for key, value in (known | steps).items() if value]
    return [change_text(change), *properties, *(f"    {line}" for line in origin(change))]


def _of(changes: Iterable[Change], severity: str) -> list[Change]:
    return [change for changes_ in grouped(changes).get(severity, {}).values() for change in changes_]


def _case(service: str, name: str) -> ElementTree.Element:
    return ElementTree.Element("testcase", classname=f"bootseq.{_name(service or BOOT)}", name=_name(name), time="0")


def _name(text: str) -> str:
    return shorten(text, NAME) or "unnamed"


def _number_names(cases: list[ElementTree.Element]) -> None:
    """Number cases of the same name: readers would merge them, and addresses vary between runs."""
    met: Counter[str] = Counter()
    for case in cases:
        name = case.get("name", "")
        met[name] += 1
        if met[name] > 1:
            case.set("name", f"{name} ({met[name]})")
