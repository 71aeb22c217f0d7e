"""Readers of what witnesses left: each gives events, and says in plain lines what it could not read."""
