"""Service logs as events: readers of log formats from 2011 to now, and parsers of the records by logger."""
