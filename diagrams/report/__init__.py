"""The reports on a comparison, one module per format, and its picture."""
