"""The sequence diagram as items without a format, and the formats that are plain text."""
