"""A runner of unittest, testtools and oslotest tests: ``suite_unittest.py REPORT SECONDS NAME …``.

A NAME is a module, a class, a test, or a package with all its tests.
"""

import faulthandler
import fnmatch
import importlib
import os
import sys
import unittest
import warnings

from suite_report import Report, failure


class Result(unittest.TestResult):
    """A result that reports each test once, by its first failure, including subtests."""

    def __init__(self, report, seconds):
        super().__init__()
        self._report, self._seconds, self._outcome = report, seconds, None

    def startTest(self, test):
        super().startTest(test)
        self._outcome = None
        faulthandler.dump_traceback_later(self._seconds, exit=True)

    def stopTest(self, test):
        super().stopTest(test)
        faulthandler.cancel_dump_traceback_later()
        self._report.test(test.id(), *(self._outcome or ("ok",)))

    def addError(self, test, err):
        self._ended(test, "error", err)

    def addFailure(self, test, err):
        self._ended(test, "fail", err)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self._ended(test, "fail", err)

    def addSkip(self, test, reason):
        self._ended(test, "skip", text=str(reason))

    def addExpectedFailure(self, test, err):
        self._ended(test, "expected failure")

    def addUnexpectedSuccess(self, test):
        self._ended(test, "unexpected success")

    def _ended(self, test, kind, err=None, text=""):
        if err is not None:
            text = self._exc_info_to_string(err, test) if isinstance(test, unittest.TestCase) else repr(err)
            kind = failure(kind, text)
        if not hasattr(test, "_testMethodName") and type(test).__name__ == "_ErrorHolder":  # of setUpClass and similar
            self._report.test(test.id(), kind, text)
        elif self._outcome is None:
            self._outcome = kind, text


def load(names):
    """Load tests as discovery would: packages with everything below them, modules with their load_tests."""
    loader, suite = unittest.TestLoader(), unittest.TestSuite()
    for name in names:
        module = _module(name)
        tests = loader.discover(name, "test*.py") if _is_plain_package(module) else loader.loadTestsFromModule(module)
        suite.addTests(test for test in _flat(tests) if _belongs(test, name, module) and not _is_left_out(test))
    return suite


def _module(name):
    """Import the module of this name, or that of the class or test."""
    while True:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if not error.name or not f"{name}.".startswith(f"{error.name}."):
                raise
            name = error.name.rpartition(".")[0]


def _is_plain_package(module):
    return hasattr(module, "__path__") and not hasattr(module, "load_tests")


def _flat(tests):
    for test in tests:
        if isinstance(test, unittest.TestSuite):
            yield from _flat(test)
        else:
            yield test


def _is_left_out(test):
    return any(fnmatch.fnmatchcase(test.id(), pattern) for pattern in os.environ.get("SUITE_WITHOUT", "").split())


def _belongs(test, name, module):
    return module.__name__ == name or test.id().startswith((f"{name}.", f"{name}(")) or test.id() == name


def main():
    report, seconds, *names = sys.argv[1:]
    sys.path[0] = os.getcwd()
    sys.argv[1:] = []
    if names[0].startswith("test."):  # Python's own tests: none that needs a network, a screen or gigabytes
        from test import support

        support.use_resources = []
    outcomes = Report(report)
    with warnings.catch_warnings():
        if not sys.warnoptions:
            warnings.simplefilter("default")
        load(names).run(Result(outcomes, int(seconds)))
    outcomes.end()
    faulthandler.dump_traceback_later(30, exit=True)  # threads that tests have left may wait forever


if __name__ == "__main__":
    main()
