"""Answers about a fleet as text, Markdown and JSON, and its report as a page."""
