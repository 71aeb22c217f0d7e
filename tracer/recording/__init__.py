"""Captures, and the commands and services that record into them."""
