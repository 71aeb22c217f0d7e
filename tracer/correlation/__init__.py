"""Correlation."""
