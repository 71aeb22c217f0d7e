"""The Markdown documents: of a boot, and of several merged."""
