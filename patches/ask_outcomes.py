"""Outcomes of adding an ask point: a process answers one of them, and the tool reads it."""

ADDED, WAITING = "added", "module not loaded yet"
NO_MODULE, NO_FUNCTION, NO_LINE = "no such module", "no such function", "no such line"
