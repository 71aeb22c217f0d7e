# ruff: noqa: T201 - it prints a table
"""``python -m tests.canaries``: a table of leaked secrets by channel and output, and of changed innocent texts."""

from __future__ import annotations

import sys
import tempfile
import warnings
from pathlib import Path

from patches import masking
from tests.support.canary_channels import CHANNELS, leaked, outputs
from tests.support.canary_texts import canaries
from tests.support.innocent_texts import ACCEPTED, innocents


def main() -> int:
    """Print the table; return 1 if something leaked or was masked by mistake."""
    planted = list(canaries())
    wrong = 0
    print(f"{'channel':24} {'planted':>8} {'leaked':>8}")
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for channel, drive in CHANNELS.items():
            folder = Path(name, channel.replace(" ", "_").replace(":", ""))
            folder.mkdir()
            leaks = leaked(drive(folder, planted), planted)
            wrong += len(leaks)
            print(
                f"{channel:24} {len(planted):8} {len(leaks):8}  {', '.join(canary.name for canary in leaks)}",
                flush=True,
            )
        folder = Path(name, "outputs")
        folder.mkdir()
        for output, data in outputs(folder, planted):
            leaks = leaked(data, planted)
            wrong += len(leaks)
            print(
                f"{output:24} {len(planted):8} {len(leaks):8}  {', '.join(canary.name for canary in leaks)}", flush=True
            )
    changed = [text for text in innocents() if masking.mask(text) != text]
    print(f"{'innocent texts':24} {len(innocents()):8} {len(changed):8}  masked by mistake {changed or ''}")
    for text, why in ACCEPTED.items():
        print(f"  accepted: {text!r} -> {masking.mask(text)!r}: {why}")
    return 1 if wrong or changed else 0


if __name__ == "__main__":
    sys.exit(main())
