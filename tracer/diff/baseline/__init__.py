"""Baselines: boots in normal form, learned, written and read."""
