"""The HTML page to explore a boot: its data, and its template filled."""
