"""Hand-written outlines: read, and checked against the steps of a boot."""
