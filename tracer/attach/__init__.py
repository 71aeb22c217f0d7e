"""Hooks put into running processes, and taken out again with proof."""
