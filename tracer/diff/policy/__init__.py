"""Policies: read from YAML, and applied to the changes of a comparison."""
