"""The reports on a comparison, a module a format, and its picture."""
