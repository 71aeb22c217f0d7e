"""Captures as events: segment files, their marshal encoding, and the records in them."""
