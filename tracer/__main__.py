"""Entry point of ``bootseq`` and ``python -m tracer``, which handles Ctrl-C before the rest is imported."""

from __future__ import annotations

import os
import signal


def main() -> None:
    """Run the command line."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda number, frame: os._exit(128 + number))  # nothing to clean up yet
    from tracer import cli
    from tracer.commands import signals

    try:
        signal.signal(signal.SIGINT, before)
        signals.listen()
        cli.main()
    except KeyboardInterrupt as error:
        raise SystemExit(signals.code(error)) from None


if __name__ == "__main__":
    main()
