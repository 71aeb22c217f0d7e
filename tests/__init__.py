"""Tests; a package so that they can share tests.builders and the like."""
