"""A pytest plugin that reports each test: ``SUITE_REPORT=FILE pytest -p suite_pytest``."""

import os

import pytest
from suite_report import Report, failure

_report = Report(os.environ["SUITE_REPORT"])
_outcomes = {}


def pytest_runtest_logreport(report):
    """Take a phase of a test; the worst of its three phases is its outcome."""
    outcome = _outcome(report)
    if outcome is not None or report.nodeid not in _outcomes:
        _outcomes[report.nodeid] = outcome or _outcomes.get(report.nodeid)
    if report.when == "teardown":
        _report.test(report.nodeid, *(_outcomes.pop(report.nodeid) or ("ok",)))


def _outcome(report):
    if hasattr(report, "wasxfail"):
        return ("expected failure" if report.skipped else "unexpected success",)
    if report.failed:
        return failure("fail" if report.when == "call" else "error", report.longreprtext), report.longreprtext
    return ("skip", str(report.longrepr)) if report.skipped else None


def pytest_collectreport(report):
    """Report a file that cannot be imported."""
    if report.failed:
        _report.test(report.nodeid, failure("error", report.longreprtext), report.longreprtext)


def pytest_warning_recorded(warning_message):
    """Report a warning once, as it is shown."""
    _report.warning(warning_message.category.__name__, warning_message.filename, warning_message.lineno)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure():
    """End the report after the last fixture."""
    _report.end()
