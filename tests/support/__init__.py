"""Builders, servers and programs that tests share."""
