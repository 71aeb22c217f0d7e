"""Differences: of two boots or baselines, of an outline and a boot, of several boots merged."""
