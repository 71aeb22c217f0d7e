"""The tool's own process: sources, model, correlation, diff, attach, command line."""

#: The version of the distribution: pyproject.toml reads it here, and `bootseq --version` imports nothing for it.
__version__ = "0.1.0"
