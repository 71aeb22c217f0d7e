"""The tool's own process: sources, model, correlation, diff, attach, command line."""
