"""``python -m tracer``, the same as ``bootseq``."""

from tracer.cli import main

main()
