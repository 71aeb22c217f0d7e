"""Upstream suites, run plain and under the hooks and compared test by test: ``python -m tests.suites``."""
