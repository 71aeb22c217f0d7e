"""The report as JUnit XML, for CI systems: one suite per service, one failed case per failing change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from xml.etree import ElementTree

from diagrams.report.common import about, addresses, around, change_text, grouped, release, rule, tally, verdict, where
from diagrams.sequence.model import lane_order
from diagrams.text import clean, shorten
from tracer.model import Change, Comparison

#: Longest name of a case: some systems keep no more than 255 characters.
NAME = 200
#: Suite of what belongs to no service.
BOOT = "boot"
#: The service of changes that belong to none, as the boot's outcome.
_NOBODY = ""


def report(comparison: Comparison) -> str:
    """The comparison as XML that GitHub, GitLab, Jenkins and Zuul read. There is always a case, so none finds it empty.

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
    """Every service of either side with its changes, in the order of lanes; changes of no service are first."""
    services: dict[str, list[Change]] = {_NOBODY: []}
    for side in (comparison.old, comparison.new):
        services.update((node.service, []) for node in side.walk())
    for change in comparison.changes:
        services.setdefault(change.service, []).append(change)
    return dict(sorted(services.items(), key=lambda item: (item[0] != _NOBODY, lane_order(item[0]), item[0])))


def _suite(comparison: Comparison, service: str, changes: list[Change]) -> ElementTree.Element:
    suite = ElementTree.Element("testsuite", name=_name(service or BOOT))
    cases = [_failed(service, change) for change in _of(changes, "fail")]
    if service == _NOBODY and comparison.verdict != "same" and not any(_of(comparison.changes, "fail")):
        cases.append(_verdict(comparison))
    if not cases:
        # All that is known here of the whole boot: other suites may fail.
        cases.append(_case(service, "nothing fails" if service != _NOBODY else "compared"))
    cases += [_warned(service, class_, ones) for class_, ones in grouped(changes).get("warn", {}).items()]
    _tell_apart(cases)
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
    case = _case(_NOBODY, "verdict")
    ElementTree.SubElement(case, "failure", type="verdict", message=verdict(comparison))
    return case


def _warned(service: str, class_: str, changes: list[Change]) -> ElementTree.Element:
    """Add a case that passed and has output: JUnit knows no warnings."""
    case = _case(service, f"warn: {class_}")
    ElementTree.SubElement(case, "system-out").text = "\n".join(line for change in changes for line in _details(change))
    return case


def _summary(comparison: Comparison, service: str, changes: list[Change]) -> str:
    """Return the counts of what neither fails nor warns and, in the boot's suite, what was compared."""
    quiet = tally(change for change in changes if change.severity not in ("fail", "warn"))
    sides = [f"old: {about(comparison.old)}", f"new: {about(comparison.new)}"] if service == _NOBODY else []
    return "\n".join([*sides, *filter(None, [quiet])])


def _details(change: Change) -> list[str]:
    old, new = addresses(change)
    known = {"in": around(change), "at": where(change), "old": old, "new": new, "rule": rule(change)}
    steps = {"was": shorten(change.old_text, NAME), "is": shorten(change.new_text, NAME)}
    return [change_text(change), *(f"    {key}: {value}" for key, value in (known | steps).items() if value)]


def _of(changes: Iterable[Change], severity: str) -> list[Change]:
    return [change for changes_ in grouped(changes).get(severity, {}).values() for change in changes_]


def _case(service: str, name: str) -> ElementTree.Element:
    return ElementTree.Element("testcase", classname=f"bootseq.{_name(service or BOOT)}", name=_name(name), time="0")


def _name(text: str) -> str:
    return shorten(text, NAME) or "unnamed"


def _tell_apart(cases: list[ElementTree.Element]) -> None:
    """Make the names of cases unique by a number: equal ones would be shown as one, and addresses vary by the run."""
    met: Counter[str] = Counter()
    for case in cases:
        name = case.get("name", "")
        met[name] += 1
        if met[name] > 1:
            case.set("name", f"{name} ({met[name]})")
