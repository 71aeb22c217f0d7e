"""Correlation: from the events of all witnesses to one trace of linked steps, grouped by request."""
