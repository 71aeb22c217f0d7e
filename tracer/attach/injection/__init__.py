"""Requests run inside other processes: in memory, without files, and without a trace when done."""
