"""Code that runs in Nova's own Python."""
