"""Readers of the witnesses' data: each returns events, and warnings about what it could not read."""
